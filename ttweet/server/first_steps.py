"""The first lines on the server's terminal that are for a person: what to type next, and what clients may do."""

import logging
import socket

from ttweet.defaults import SERVER
from ttweet.model.netloc import netloc
from ttweet.security.rights import POST, RIGHTS, listed
from ttweet.server.config import Config
from ttweet.server.startup import event_lines
from ttweet.server.terminal import show_messages_as

log = logging.getLogger(__name__)

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # where a program on this machine finds such a listener


def announce_first_steps(config: Config, listener: socket.socket, anonymous: frozenset[str]) -> None:
    """Tell a person at the terminal what to do next; from then on messages have their time, as events do.

    Where clients without a token may not do everything, tell what they may.
    """
    _announce_rights(anonymous)
    if config.line_style.format == "text" and not config.quiet:
        if POST in anonymous and config.tls is None:
            host, port = listener.getsockname()[:2]
            log.info('post with: %s "Hello #world"', posting_command(host, port))
        log.info("stop with: Ctrl-C")
        show_messages_as(event_lines(config.line_style))


def posting_command(host: str, port: int) -> str:
    """Return the command that posts to a listener; the default server needs no option."""
    server = netloc(_ANY.get(host, host), port)
    return "ttweet post" if server == SERVER else f"ttweet post --server {server}"


def _announce_rights(anonymous: frozenset[str]) -> None:
    """Tell what clients without a token may do, where it is not everything."""
    if anonymous != frozenset(RIGHTS):
        log.info("clients without a token may: %s", listed(anonymous) or "nothing")
