"""The log in etcd, for tasks: what one server appends, and what all of them have appended as it arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from ttweet.cluster.log_watch import LogWatch
from ttweet.cluster.messages import (
    MAX_RECORD_BYTES,
    RANGE,
    TXN,
    GatewayError,
    RangeResponse,
    TxnResponse,
    end_of,
    newest_of,
    put_new,
    put_number,
)
from ttweet.cluster.nodes import Caller, UnansweredError
from ttweet.cluster.presence import Presence
from ttweet.model.errors import StoreError
from ttweet.storage.replicated.log import NoQuorum, Undecided

if TYPE_CHECKING:
    from collections.abc import Callable

    from ttweet.cluster.layout import Layout
    from ttweet.cluster.nodes import Nodes
    from ttweet.storage.replicated.log import Record

UNDECIDED_S = 3.5  # for an append: an election takes 1 to 3 s, and all posts have an answer within 5 s
QUORUM_S = 1.0  # for a majority to answer, after an append that was not decided


class Engine:
    """The log of one run of a server, whose name is `origin`. One append at a time."""

    def __init__(
        self, nodes: Callable[[], Nodes], layout: Layout, origin: str, on_arrival: Callable[[Record], None]
    ) -> None:
        self.origin = origin
        self._layout = layout
        self._writer = Caller(nodes())
        self.watch = LogWatch(nodes(), layout, on_arrival)
        self.presence = Presence(nodes(), layout, origin, self.watch, self._diverge)
        self._divergence = ""
        self._is_doubtful = False  # the last append was not decided: a majority may be missing

    async def run(self) -> None:
        """Follow the log until cancelled."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.watch.run)
                nursery.start_soon(self.presence.run)
        finally:
            self._writer.drop()

    async def begin(self, genesis: bytes) -> bytes:
        """See Log.begin."""
        decided = await self._decide(put_new(self._layout.genesis, genesis))
        return genesis if decided.found is None else decided.found.value

    async def append(self, number: int, data: bytes) -> int:
        """See Log.append."""
        if len(data) > MAX_RECORD_BYTES:
            raise StoreError("internal", f"a record of {len(data)} bytes; etcd takes {MAX_RECORD_BYTES}")
        if self._is_doubtful:
            await self.end()
        self._is_doubtful = True
        decided = await self._decide(put_number(self._layout.records_of(self.origin), number, data))
        self._is_doubtful = False
        position = self._position_of(decided, number)
        self.watch.expect(position)
        return position

    async def read(self, after: int, *, wait_s: float) -> list[Record]:
        """See Log.read. Raises StoreError `internal` once another server has other tweets."""
        if self._divergence:
            raise StoreError("internal", self._divergence)
        return await self.watch.read(after, wait_s=wait_s)

    def _diverge(self, problem: str) -> None:
        self._divergence = f"{problem}; stop this server and start it with a backup of another one"

    async def end(self) -> int:
        """See Log.end."""
        try:
            return end_of(await self._writer.call(RANGE, newest_of(self._layout.log), RangeResponse, within_s=QUORUM_S))
        except (UnansweredError, GatewayError) as exc:
            raise NoQuorum from exc

    async def _decide(self, request: dict[str, object]) -> TxnResponse:
        try:
            return await self._writer.call(TXN, request, TxnResponse, within_s=UNDECIDED_S)
        except UnansweredError as exc:
            raise (Undecided if exc.sent else NoQuorum) from exc
        except GatewayError as exc:
            raise StoreError("full" if exc.is_full else "internal", f"etcd refuses the record: {exc.text}") from exc

    def _position_of(self, decided: TxnResponse, number: int) -> int:
        if decided.succeeded:
            return decided.header.revision
        found = decided.found
        if found is None or found.version != number:
            raise StoreError(
                "internal", f"the log of {self.origin} is not at record {number}: another program wrote it"
            )
        return found.mod_revision
