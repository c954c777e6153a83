"""Where a client finds its server, and what it shows there: addresses, TLS, a token, a name.

Standard library only and quick to import.
"""

from __future__ import annotations

import os
import time

from ttweet.client import servers, tcp
from ttweet.client.servers import address
from ttweet.model.errors import ConnectError, SetupError
from ttweet.model.switches import is_on
from ttweet.protocol import calls, frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLContext
    from typing import Any, TypeVar

    from ttweet.client.retry import RetryBudget
    from ttweet.client.servers import ServerAddress

    T = TypeVar("T")

TIMEOUT_S = 15.0  # to connect, and for each answer; the server gives its disk and other writers 5 s, and a client 10
UTF_8 = b"\xef\xbb\xbf"  # the byte order marks that editors put before a text
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
MAX_TOKEN_BYTES = 1024  # read of a token's file: a token has 47, and a file may be anything


class Endpoint:
    """A server and how to come to it: what the kinds of clients have in common, so that each setting stands once.

    A server is named `HOST:PORT`, with its port 13001 if none is given, or by host and port apart. `ttweets://HOST:PORT`
    wants TLS. Of several with commas the first that can be reached is taken, for each connection again. Without a name
    it is that of TTWEET_SERVER, else 127.0.0.1:13001. `host` and `port` are those of the last attempt.

    With a `name` a connection signs in. It shows the `token`, or else the one of the environment; see own_token. A
    request that the server has no time for now (`slow_down`) is made again when it says, up to `retry_budget_s` later;
    `on_wait` hears of each pause, in seconds.

    With `ca` it speaks TLS and trusts the certificates in that PEM file, or with `system` those that the system trusts;
    `cert` and `key` are the client's own, for a server that wants one. What is not given is taken from TTWEET_CA,
    TTWEET_CERT and TTWEET_KEY. A kind of client prepares what it keeps in `_start`.

    Raises SetupError for what names no server.
    """

    def __init__(
        self,
        server: str | None = None,
        port: int | None = None,
        *,
        name: str | None = None,
        token: str | None = None,
        ca: str | None = None,
        cert: str | None = None,
        key: str | None = None,
        timeout_s: float = TIMEOUT_S,
        retry_budget_s: float | None = None,
        on_wait: Callable[[int], object] | None = None,
    ) -> None:
        self.servers = servers.resolve(server, port)
        self.host, self.port = self.servers[0].host, self.servers[0].port
        self.name = name
        self._token = token
        self._ca = (os.environ.get("TTWEET_CA") or None) if ca is None else ca
        self._cert = cert or os.environ.get("TTWEET_CERT") or None
        self._key = key or os.environ.get("TTWEET_KEY") or None
        self._timeout_s = timeout_s
        self._tls: SSLContext | None = None
        self._retry_budget_s = retry_budget_s
        self._on_wait = on_wait
        self._start()

    def _start(self) -> None:
        """Begin without a connection."""

    def check(self) -> None:
        """Look at what it connects with, before there is anything to send. Raises SetupError."""
        for server in self.servers:
            self._tls_context(server)
            bare = self._secret() and self._is_bare(server)
            if bare and not _may_be_here(server, time.monotonic() + self._timeout_s):
                raise _unencrypted(server)

    @property
    def address(self) -> str:
        """The servers, as one name for them."""
        return ",".join([str(server) for server in self.servers])

    def _tls_context(self, server: ServerAddress) -> SSLContext | None:
        """What TLS is spoken with; None for plain connections. Raises SetupError when a file does not serve."""
        if not self._speaks_tls(server):
            return None
        if self._tls is None:
            from ttweet.security.outgoing import SYSTEM, make_context

            self._tls = make_context(SYSTEM if self._ca is None else self._ca, self._cert, self._key)
        return self._tls

    def _speaks_tls(self, server: ServerAddress) -> bool:
        return server.tls or self._ca is not None

    def _is_bare(self, server: ServerAddress) -> bool:
        """Whether a token may go there on this machine alone, since everybody on the way could read it."""
        return not (self._speaks_tls(server) or is_on("TTWEET_NO_TLS"))

    def _secret(self) -> str:
        return own_token() if self._token is None else self._token

    def _greetings(self, server: ServerAddress, peer: Callable[[], str]) -> list[bytes]:
        """What a connection begins with; each is sent when the one before it was answered.

        `peer` tells the address at the connection's other end: a token goes by that, not by the server's name. Raises
        SetupError, before anything is sent.
        """
        token = self._secret()
        if token and self._is_bare(server) and not _is_local(peer()):
            raise _unencrypted(server)
        greetings = [calls.identify(token)[0]] if token else []
        if self.name is not None:
            greetings.append(calls.sign_in(self.name)[0])
        return greetings

    def _retry_budget(self) -> RetryBudget:
        """For one request. What it is made of is imported now: most clients are never told to slow down."""
        from ttweet.client.retry import RETRY_BUDGET_S, RetryBudget

        return RetryBudget(RETRY_BUDGET_S if self._retry_budget_s is None else self._retry_budget_s, self._on_wait)

    def _shaped(self, shape: Callable[[Any], T], data: Any) -> T:
        try:
            return shape(data)
        except frames.MISFITS as exc:
            raise ConnectError("unknown", f"what answers at {address(self.host, self.port)} is no ttweet") from exc


def _unencrypted(server: ServerAddress) -> SetupError:
    return SetupError(
        "token", f"the token would go to {server} unencrypted; set TTWEET_CA to the certificate of the server"
    )


def _may_be_here(server: ServerAddress, until: float) -> bool:
    """Whether a server has an address of this machine; of several that of the connection decides."""
    try:
        found = tcp.addresses(server.host, server.port, until)
    except (OSError, UnicodeError):
        return False
    return any(_is_local(str(where[0])) for _, where in found)


def _is_local(address: str) -> bool:
    from ttweet.model.addresses import is_local  # most clients have no token, and need no addresses taken apart

    return is_local(address)


def own_token() -> str:
    """The token of TTWEET_TOKEN, or of the file that TTWEET_TOKEN_FILE names; empty when there is none.

    Raises SetupError `token` for a file that cannot be read or that others can read too.
    """
    token = os.environ.get("TTWEET_TOKEN", "").strip()
    path = os.environ.get("TTWEET_TOKEN_FILE")
    if token or not path:
        return _checked_token(token, "TTWEET_TOKEN")
    source = f"{path!a}, the file of TTWEET_TOKEN_FILE,"
    if not (token := _token_of(path, source)):
        raise SetupError("token", f"{source} is empty; put the token into it")
    return _checked_token(token, source)


def _checked_token(token: str, source: str) -> str:
    if not (token.isascii() and token.isprintable()):
        raise SetupError("token", f"{source} holds no token; one begins with ttw_ and has 47 characters")
    return token


def _token_of(path: str, source: str) -> str:
    from ttweet.files import refuse_replaceable, secret_objection, trusted_path  # most clients have no such file

    try:
        trusted_path(path)
        with open(path, "rb") as file:
            if (wrong := secret_objection(path, os.fstat(file.fileno()))) is not None:
                raise SetupError("token", f"others can read {source[:-1]} {wrong}")
            refuse_replaceable(path)
            data = file.read(MAX_TOKEN_BYTES)
    except OSError as exc:
        raise SetupError("token", f"{source} cannot be read: {exc.strerror}") from exc
    if data.startswith(UTF_16):
        raise SetupError("token", f"{source} is UTF-16, as PowerShell's > writes it; save it as UTF-8")
    return data.removeprefix(UTF_8).decode("ascii", "replace").strip()
