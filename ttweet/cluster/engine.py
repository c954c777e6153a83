"""The log in etcd, for tasks: what one server appends, and what all of them have appended as it arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import trio

from ttweet.cluster.log_watch import LogWatch
from ttweet.cluster.messages import (
    MAX_RECORD_BYTES,
    RANGE,
    TXN,
    GatewayError,
    RangeResponse,
    TxnResponse,
    get,
    put_new,
    put_number,
    revision_of,
)
from ttweet.cluster.nodes import HedgedCaller, UnansweredError
from ttweet.cluster.presence import Presence
from ttweet.model.errors import StoreError
from ttweet.storage.replicated.log import NoQuorum, Record, Undecided

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ttweet.cluster.layout import Layout
    from ttweet.cluster.nodes import Nodes

UNDECIDED_S = 3.5  # for an append: an election takes 1 to 3 s, and all posts have an answer within 5 s
QUORUM_S = 1.0  # for a majority to answer, after an append that was not decided


class Appended(NamedTuple):
    """The position of a record, and the records after the position `after` up to it, if all of them have arrived."""

    position: int
    after: int = 0
    records: Sequence[Record] = ()


class Engine:
    """The log of one run of a server, whose name is `origin`. One append at a time."""

    def __init__(
        self, nodes: Callable[[], Nodes], layout: Layout, origin: str, on_arrival: Callable[[Record], None]
    ) -> None:
        self.origin = origin
        self._layout = layout
        self._writer = HedgedCaller(nodes())
        self.watch = LogWatch(nodes(), layout, on_arrival)
        self.presence = Presence(nodes(), layout, origin, self.watch, self._diverge)
        self._divergence = ""
        self._is_doubtful = False  # the last append was not decided: a majority may be missing

    async def run(self) -> None:
        """Follow the log until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._writer.run)
            nursery.start_soon(self.watch.run)
            nursery.start_soon(self.presence.run)

    async def begin(self, genesis: bytes) -> bytes:
        """See Log.begin."""
        decided = await self._decide(put_new(self._layout.genesis, genesis))
        return genesis if decided.found is None else decided.found.value

    async def append(self, number: int, data: bytes) -> Appended:
        """See Log.append. The records are those that `read` would return next."""
        if len(data) > MAX_RECORD_BYTES:
            raise StoreError("internal", f"a record of {len(data)} bytes; etcd takes {MAX_RECORD_BYTES}")
        if self._is_doubtful:
            await self.end()
        self._is_doubtful = True
        key = self._layout.records_of(self.origin)
        decided = await self._decide(put_number(key, number, data, end=self._layout.end))
        self._is_doubtful = False
        if not decided.succeeded:
            return Appended(self._taken(decided, number))
        record = Record(decided.header.revision, self.origin, number, data)
        after = self.watch.add_own(record, previous=revision_of(decided.replaced))
        if after is None or self._divergence:
            return Appended(record.position)
        return Appended(record.position, after, self.watch.take())

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
            found = await self._writer.call(RANGE, get(self._layout.end), RangeResponse, within_s=QUORUM_S)
        except (UnansweredError, GatewayError) as exc:
            raise NoQuorum from exc
        return revision_of(found.first)

    async def _decide(self, request: dict[str, object]) -> TxnResponse:
        try:
            return await self._writer.call(TXN, request, TxnResponse, within_s=UNDECIDED_S)
        except UnansweredError as exc:
            raise (Undecided if exc.sent else NoQuorum) from exc
        except GatewayError as exc:
            raise StoreError("full" if exc.is_full else "internal", f"etcd refuses the record: {exc.text}") from exc

    def _taken(self, decided: TxnResponse, number: int) -> int:
        found = decided.found
        if found is None or found.version != number:
            raise StoreError(
                "internal", f"the log of {self.origin} is not at record {number}: another program wrote it"
            )
        self.watch.expect(found.mod_revision)
        return found.mod_revision
