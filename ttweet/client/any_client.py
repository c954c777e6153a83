"""The common part of all clients, so that each setting stands once.

Standard library only and quick to import.
"""

from __future__ import annotations

from ttweet import defaults
from ttweet.client import servers
from ttweet.client.endpoint import ClientTls, Endpoint
from ttweet.client.rotation import Patience, Rotation
from ttweet.client.verbs import Verbs
from ttweet.model.errors import ConnectError
from ttweet.model.netloc import netloc
from ttweet.protocol import frames, replies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from ttweet.client.exchanges import Steps
    from ttweet.client.retry import RetryBudget

    T = TypeVar("T")


class AnyClient(Verbs):
    """A client of a server, or of the first of several that can be reached.

    A server is named `HOST:PORT`, with its port 13001 if none is given, or by host and port apart.
    `ttweets://HOST:PORT` wants TLS. Without a name it is that of TTWEET_SERVER, else 127.0.0.1:13001. `host` and `port`
    are those of the last attempt.

    Several with commas are those of a cluster. The first that can be reached is taken, for each connection again. When
    it is behind what this client has seen, takes no posts for now or does not answer, the next one gets the request.
    A post without a key is not repeated when its outcome is unknown.

    With a `name` a connection signs in. It shows the `token`, or else the one of the environment; see own_token. A
    request that the server has no time for now (`slow_down`) is made again when it says, up to `retry_budget_s` later;
    `on_wait` is called with each pause, in seconds.

    With `ca` it speaks TLS and trusts the certificates in that PEM file, or with `system` those that the system trusts;
    `cert` and `key` are the client's own, for a server that wants one. Missing values are taken from TTWEET_CA,
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
        timeout_s: float = defaults.TIMEOUT_S,
        retry_budget_s: float = defaults.RETRY_BUDGET_S,
        on_wait: Callable[[int], object] | None = None,
    ) -> None:
        self.endpoint = Endpoint(servers.resolve(server, port), ClientTls(ca, cert, key), token)
        self.rotation = Rotation(self.endpoint.servers)
        self.host, self.port = self.endpoint.servers[0].host, self.endpoint.servers[0].port
        self.name = name
        self._timeout_s = timeout_s
        self._retry_budget_s = retry_budget_s
        self._on_wait = on_wait
        self._start()

    def _start(self) -> None:
        """Begin without a connection."""

    def check(self) -> None:
        """Look at what it connects with, before there is anything to send. Raises SetupError."""
        self.endpoint.check(self._timeout_s)

    @property
    def address(self) -> str:
        """Return the servers as they are named on a command line, with commas between them."""
        return ",".join([str(server) for server in self.endpoint.servers])

    def _retry_budget(self) -> RetryBudget:
        """Return the budget of one request. Its modules are imported only now: most clients never get `slow_down`."""
        from ttweet.client.retry import RetryBudget

        return RetryBudget(self._retry_budget_s, self._on_wait)

    def _patience(self, *, may_repeat: bool) -> Patience:
        """Return the attempts for one request."""
        return Patience(self.rotation, self._retry_budget, may_repeat=may_repeat)

    def _read(self, read: Callable[[Any], T], line: bytes) -> T:
        """Return what a line answers. Raises Refused, and ConnectError for an answer that no ttweet server sends."""
        try:
            return read(replies.data_of(line))
        except frames.MISFITS as exc:
            raise self._no_ttweet() from exc

    def _checked(self, steps: Steps[T]) -> Steps[T]:
        """Yield the same steps. Raises ConnectError for an answer that no ttweet server sends."""
        try:
            return (yield from steps)
        except frames.MISFITS as exc:
            raise self._no_ttweet() from exc

    def _no_ttweet(self) -> ConnectError:
        return ConnectError(
            "unknown",
            f"{netloc(self.host, self.port)} is not a ttweet server; check the port, as HTTP uses another",
        )
