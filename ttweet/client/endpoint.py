"""Where a client finds its server, and what it shows there: addresses, TLS, a token.

Standard library only and quick to import.
"""

from __future__ import annotations

import os
import time

from ttweet.client import tcp
from ttweet.defaults import SYSTEM_CA
from ttweet.model.errors import SetupError
from ttweet.model.remedies import IS_UTF_16
from ttweet.model.switches import is_on
from ttweet.protocol import calls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext

    from ttweet.client.servers import ServerAddress

UTF_8 = b"\xef\xbb\xbf"  # the byte order marks that editors put before a text
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
MAX_TOKEN_BYTES = 1024  # of the file of TTWEET_TOKEN_FILE; a token has 47


class ClientTls:
    """The certificates for TLS: those to trust, and the client's own.

    `ca` is a PEM file, or `system` for those that the system trusts; with it TLS is spoken to every server. Missing
    values are taken from TTWEET_CA, TTWEET_CERT and TTWEET_KEY.
    """

    __slots__ = ("_ca", "_cert", "_context", "_key")

    def __init__(self, ca: str | None = None, cert: str | None = None, key: str | None = None) -> None:
        self._ca = (os.environ.get("TTWEET_CA") or None) if ca is None else ca
        self._cert = cert or os.environ.get("TTWEET_CERT") or None
        self._key = key or os.environ.get("TTWEET_KEY") or None
        self._context: SSLContext | None = None

    def are_for(self, server: ServerAddress) -> bool:
        """Return whether a server is reached over TLS."""
        return server.tls or self._ca is not None

    def context(self, server: ServerAddress) -> SSLContext | None:
        """Return the TLS context; None for plain connections. Raises SetupError when a file does not serve."""
        if not self.are_for(server):
            return None
        if self._context is None:
            from ttweet.security.outgoing import make_context

            self._context = make_context(SYSTEM_CA if self._ca is None else self._ca, self._cert, self._key)
        return self._context


class Endpoint:
    """Servers, of which the first that can be reached is taken, and what is shown to each: TLS and a token.

    Without a `token` it is the one of the environment; see own_token.
    """

    __slots__ = ("_token", "servers", "tls")

    def __init__(self, servers: list[ServerAddress], tls: ClientTls, token: str | None = None) -> None:
        self.servers = servers
        self.tls = tls
        self._token = token

    def check(self, timeout_s: float) -> None:
        """Look at all of it before there is anything to send. Raises SetupError."""
        for server in self.servers:
            self.tls.context(server)
            bare = self._secret() and self._is_bare(server)
            if bare and not _may_be_here(server, time.monotonic() + timeout_s):
                raise _unencrypted(server)

    def greetings(self, server: ServerAddress, peer: Callable[[], str], name: str | None) -> list[bytes]:
        """Return the first requests of a connection, which sign in if there is a name. Each waits for an answer.

        `peer` tells the address at the connection's other end: a token goes by that, not by the server's name. Raises
        SetupError, before anything is sent.
        """
        token = self._secret()
        if token and self._is_bare(server) and not _is_local(peer()):
            raise _unencrypted(server)
        greetings = [calls.identify(token)[0]] if token else []
        if name is not None:
            greetings.append(calls.sign_in(name)[0])
        return greetings

    def _is_bare(self, server: ServerAddress) -> bool:
        """Return whether the token may only go to this machine, since others on the way could read it."""
        return not (self.tls.are_for(server) or is_on("TTWEET_NO_TLS"))

    def _secret(self) -> str:
        return own_token() if self._token is None else self._token


def _unencrypted(server: ServerAddress) -> SetupError:
    return SetupError(
        "token",
        f"unencrypted connection to {server}: the token was not sent; set TTWEET_CA to the server's certificate",
    )


def _may_be_here(server: ServerAddress, until: float) -> bool:
    """Return whether a server has an address of this machine. If it has several, the connection's decides later."""
    try:
        found = tcp.addresses(server.host, server.port, until)
    except (OSError, UnicodeError):
        return False
    return any(_is_local(str(where[0])) for _, where in found)


def _is_local(address: str) -> bool:
    from ttweet.model.addresses import is_local  # most clients have no token, and need no addresses taken apart

    return is_local(address)


def own_token() -> str:
    """Return the token of TTWEET_TOKEN, or of the file that TTWEET_TOKEN_FILE names; empty when there is none.

    Raises SetupError `token` for a file that cannot be read or that others can read too.
    """
    token = os.environ.get("TTWEET_TOKEN", "").strip()
    path = os.environ.get("TTWEET_TOKEN_FILE")
    if token or not path:
        return _checked_token(token, "TTWEET_TOKEN")
    source = f"TTWEET_TOKEN_FILE {path!a}"
    if not (token := _token_of(path, source)):
        raise SetupError("token", f"{source} is empty; put the token into it")
    return _checked_token(token, source)


def _checked_token(token: str, source: str) -> str:
    if not (token.isascii() and token.isprintable()):
        raise SetupError("token", f"{source} has no token; a token begins with ttw_ and has 47 characters")
    return token


def _token_of(path: str, source: str) -> str:
    from ttweet.security.secret_file import read_secret  # most clients have no such file

    data = read_secret(path, source, MAX_TOKEN_BYTES)
    if data.startswith(UTF_16):
        raise SetupError("token", f"{source} {IS_UTF_16}")
    return data.removeprefix(UTF_8).decode("ascii", "replace").strip()
