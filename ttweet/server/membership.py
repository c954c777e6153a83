"""The place of a server in a cluster: the log in etcd, and the file that follows it."""

from __future__ import annotations

import socket
import time
from contextlib import closing, contextmanager, suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import trio

from ttweet.cluster.etcd_log import EtcdLog, opened
from ttweet.cluster.messages import GatewayError
from ttweet.cluster.nodes import explained
from ttweet.cluster.presence import ServerState
from ttweet.model.errors import OpenError
from ttweet.model.netloc import netloc
from ttweet.model.times import now_ms
from ttweet.security.outgoing import make_context
from ttweet.storage.replicated.log import NoQuorum
from ttweet.storage.replicated.store import ReplicatedStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ttweet.broker.journal import Journal
    from ttweet.cluster.settings import ClusterSettings
    from ttweet.server.config import Config
    from ttweet.server.stats import StatsCollector

JOIN_S = 5.0  # for a majority of etcd's nodes to answer a server that starts
PAUSE_S = 0.2  # between attempts


class Membership:
    """A server in its cluster, from the moment that its file has all that is in the log."""

    def __init__(self, log: EtcdLog, store: ReplicatedStore) -> None:
        self._log = log
        self.store = store
        self.names = log.names()
        """The names that are online; its `run` is to be run beside the clients."""

    async def keep_up(self, journal: Journal, stats: StatsCollector, listener: socket.socket) -> None:
        """Have the journal take what other servers append as it arrives, and show this server to the others.

        Returns when the status of the cluster lists this server, or a majority of etcd does not answer.
        """
        token = trio.lowlevel.current_trio_token()
        server = _name_of(listener)

        def arrived() -> None:
            with suppress(trio.RunFinishedError):  # the server stops
                token.run_sync_soon(journal.refresh, idempotent=True)

        def state() -> ServerState:
            progress = self.store.progress
            newest = journal.head.newest
            return ServerState(server, progress.position, newest, progress.checksum, needed=self.store.synced)

        stats.cluster = self._stats
        self._log.on_arrival = arrived
        arrived()  # what has come since the file was opened
        await trio.to_thread.run_sync(self._log.publish, state)

    def _stats(self) -> dict[str, Any]:
        return {"position": self.store.progress.position, "age_s": self._log.age_s}


@contextmanager
def joined(config: Config, settings: ClusterSettings) -> Iterator[Membership]:
    """Open the file of a server and bring it to the end of its cluster's log. Raises OpenError and StoreError."""
    tls = make_context(settings.ca, settings.cert, settings.key) if settings.address.tls else None
    with opened(settings.address, tls=tls, credentials=settings.credentials) as log:
        _wait_for_majority(log, settings)
        with closing(
            ReplicatedStore.join(
                config.db, log, log_limit=config.log_limit, at=now_ms(), find=config.find, begin=settings.begin
            )
        ) as store:
            yield Membership(log, store)


def _name_of(listener: socket.socket) -> str:
    """Return the address by which others may reach a listener: for one on all addresses, the name of this machine."""
    host, port = listener.getsockname()[:2]
    return netloc(socket.gethostname() if ip_address(host).is_unspecified else host, port)


def _wait_for_majority(log: EtcdLog, settings: ClusterSettings) -> None:
    until = time.monotonic() + JOIN_S
    while True:
        try:
            log.end()
        except NoQuorum as exc:
            if isinstance(exc.__cause__, GatewayError) or time.monotonic() >= until:
                raise OpenError("unreachable", *explained(exc.__cause__, settings)) from exc
            time.sleep(PAUSE_S)
        else:
            return
