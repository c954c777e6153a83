"""The replicated log of a cluster, kept in etcd: the contract `Log` for the threads that store."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from ttweet.cluster.engine import Appended, Engine
from ttweet.cluster.layout import Layout
from ttweet.cluster.names import ClusterNames
from ttweet.cluster.nodes import Nodes
from ttweet.cluster.portal import Portal
from ttweet.cluster.session import session_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from ttweet.cluster.address import ClusterAddress
    from ttweet.cluster.presence import ServerState
    from ttweet.cluster.session import Session
    from ttweet.cluster.settings import Credentials
    from ttweet.storage.replicated.log import Record

NOTHING_AHEAD = Appended(0)


class EtcdLog:
    """The log in etcd; see `Log`. `opened` makes it."""

    def __init__(
        self, layout: Layout, nodes: Callable[[Session | None], Nodes], credentials: Credentials | None, origin: str
    ) -> None:
        self._engine = Engine(partial(nodes, session_of(credentials)), layout, origin, self._arrived)
        self._names_nodes = nodes(session_of(credentials))  # a session is for one loop
        self._layout = layout
        self._portal = Portal("cluster", self._engine.run)
        self._ahead = NOTHING_AHEAD
        self.on_arrival: Callable[[], None] = _ignore
        """Called in a thread of the log's own when a record of another server has arrived."""

    @property
    def origin(self) -> str:
        """See Log."""
        return self._engine.origin

    def begin(self, genesis: bytes) -> bytes:
        """See Log."""
        return self._portal.call(self._engine.begin, genesis)

    def append(self, number: int, data: bytes) -> int:
        """See Log."""
        self._ahead = self._portal.call(self._engine.append, number, data)
        return self._ahead.position

    def read(self, after: int, *, wait_s: float) -> list[Record]:
        """See Log. The answer to an append often has what is to be read next: a call of the engine takes 0.1 ms."""
        ahead, self._ahead = self._ahead, NOTHING_AHEAD
        if ahead.records and ahead.after == after:
            return [*ahead.records]
        return self._portal.call(partial(self._engine.read, after, wait_s=wait_s))

    def end(self) -> int:
        """See Log."""
        return self._portal.call(self._engine.end)

    @property
    def age_s(self) -> float:
        """How long ago a majority of the nodes confirmed that no record was missing here. Any thread may read it."""
        return self._engine.watch.age_ms / 1000

    def names(self) -> ClusterNames:
        """Return the names that are online in the cluster, for the caller's own loop."""
        return ClusterNames(self._names_nodes, self._layout, self.origin)

    def publish(self, state: Callable[[], ServerState]) -> None:
        """Show this state to the other servers, as long as this one runs. It is called in a thread of the log's own.

        Returns when the other servers can see it, or after 2 s without a majority.
        """
        self._portal.call(self._engine.presence.show, state)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Connect with etcd for as long as the context lasts."""
        with self._portal:
            yield

    def _arrived(self, record: Record) -> None:
        if record.origin != self.origin:
            self.on_arrival()


@contextmanager
def opened(
    address: ClusterAddress,
    *,
    tls: ssl.SSLContext | None = None,
    credentials: Credentials | None = None,
    origin: str | None = None,
) -> Iterator[EtcdLog]:
    """Open the log of a cluster, under a new origin unless one is given."""
    nodes = partial(Nodes, address, tls)
    log = EtcdLog(Layout(address.name), nodes, credentials, origin or secrets.token_hex(8))
    with log.running():
        yield log


def _ignore() -> None:
    """Do nothing."""
