"""A lease of etcd, which this server keeps: what it holds with the lease is gone soon after the server has ended."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import trio

from ttweet.cluster.messages import GRANT, KEEP_ALIVE, REVOKE, EmptyResponse, GatewayError, KeepAliveResponse, Lease
from ttweet.cluster.nodes import UnansweredError

if TYPE_CHECKING:
    from ttweet.cluster.nodes import Caller

LEASE_S = 10  # that a server is listed, and its names are taken, after its last sign; an election takes 1 to 3 s
RENEW_S = 3.0  # between two renewals
CALL_S = 2.0  # for each call
END_S = 1.0  # to revoke a lease when a server stops; it ends by itself later


class KeptLease:
    """The lease that `id` names, once it is granted."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._renewed_at = 0.0
        self.id = 0

    @property
    def is_due(self) -> bool:
        """Whether it is to be renewed, or granted."""
        return not self.id or trio.current_time() - self._renewed_at >= RENEW_S

    async def renew(self) -> bool:
        """Renew the lease, or get another one; return whether it is another one. Raises as Caller.call does."""
        renewed_at, before = trio.current_time(), self.id
        if self.id:
            kept = await self._caller.call(KEEP_ALIVE, {"ID": self.id}, KeepAliveResponse, within_s=CALL_S)
            self.id = self.id if kept.result.TTL else 0
        if not self.id:
            self.id = (await self._caller.call(GRANT, {"TTL": LEASE_S}, Lease, within_s=CALL_S)).ID
        self._renewed_at = renewed_at
        return self.id != before

    async def revoke(self) -> None:
        """End the lease, and all that is held with it, if etcd can be reached. A task that is cancelled may do so."""
        if self.id:
            with trio.move_on_after(END_S) as ending, suppress(UnansweredError, GatewayError):
                ending.shield = True
                await self._caller.call(REVOKE, {"ID": self.id}, EmptyResponse, within_s=CALL_S)
            self.id = 0
