"""The two verbs of the first ttweet, with its output to the letter: upload a message, download the last one.

After the answer, the client sends its report lines to the server on the same connection and does not wait. A server
that has closed it gets none, and the command succeeds all the same. Quick to import. Knows no command-line syntax.
"""

from __future__ import annotations

import sys

from ttweet.cli import shell
from ttweet.client.sync_client import Client
from ttweet.model import reports
from ttweet.model.errors import Refused
from ttweet.model.reports import Report
from ttweet.protocol.replies import Stored

_NOT_LET_IN = ("token", "slow_down")  # a client that is refused so need not connect again to report it


def upload(host: str, port: str, message: str) -> int:
    """Post a message and return the exit code. On a terminal stderr shows what was stored.

    Raises UsageError, ConnectError, Refused.
    """
    text = shell.checked_text(message)
    with _client(host, port) as client:
        try:
            stored = client.post(text)
        except Refused as refused:
            if refused.code not in _NOT_LET_IN:
                _tell(client)
            raise _with_way_out(refused, client.address) from refused
        _tell(client, reports.transmission_done())
    shell.tell_done(shell.stored_with(stored.id), shell.write, reports.SUCCESS)
    if shell.on_terminal(sys.stderr):
        shell.hint(_summary(stored, text))
    return shell.DONE


def download(host: str, port: str) -> int:
    """Show the last message and return the exit code. Raises UsageError, ConnectError, Refused."""
    with _client(host, port) as client:
        text = client.last_text()
        _tell(client, reports.message_shown(text), reports.transmission_done())
    text = text or reports.EMPTY_MESSAGE
    shell.write(reports.RECEIVED + (reports.escape(text) if shell.on_terminal(sys.stdout) else text))
    shell.write(reports.SUCCESS)
    return shell.DONE


def _client(host: str, port: str) -> Client:
    """Return a client of the server named; an IPv6 address may stand in brackets, as `--server` wants it."""
    return Client(host.removeprefix("[").removesuffix("]"), shell.checked_port(port), on_wait=shell.wait_teller())


def _with_way_out(refused: Refused, server: str) -> Refused:
    from ttweet.cli.advice import beyond_the_limit  # most messages are stored

    return beyond_the_limit(refused, f"run: ttweet post --server {server} --split MESSAGE")


def _tell(client: Client, *done: Report) -> None:
    told = [reports.client_activated(client.host), *done, reports.client_deactivated()]
    client.report_if_connected(*[report.line for report in told])


def _summary(stored: Stored, text: str) -> str:
    from ttweet.model import tweets  # for a person there is time; a script does not come here

    tags = " ".join([f"#{reports.escape(tag)}" for tag in stored.tags]) or "(no tags)"
    length = f"{len(tweets.nfc(text))}/{tweets.MAX_CHARACTERS}"
    return f"#{stored.id}  {tags}  {length}" + ("" if text else "  the last message is reset")
