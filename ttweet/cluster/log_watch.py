"""The end of the log as it arrives: a watch on one node, which another replaces when it falls silent or behind."""

from __future__ import annotations

import math
import time
from collections import deque
from typing import TYPE_CHECKING

import trio

from ttweet.cluster.messages import RANGE, GatewayError, RangeResponse, WatchResponse, get, revision_of, watch
from ttweet.cluster.node_connection import NodeConnection, NodeError
from ttweet.cluster.nodes import PAUSE_S
from ttweet.storage.replicated.log import LogCut, Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from ttweet.cluster.layout import Layout
    from ttweet.cluster.messages import WatchEvent
    from ttweet.cluster.nodes import Nodes

STALLED_S = 1.0  # without the record that is known to exist; a node that is paused keeps its connections
PROBE_S = 1.0  # between two reads of the end of the log
SILENT_S = 2.0  # without an answer to such a read: the node is paused, or has no majority
MAX_BUFFERED = 1024  # records that the server has not read
MAX_BUFFERED_BYTES = 8 * 1024 * 1024  # of them; beyond it the watch waits, and etcd keeps its history
MAX_AGE_S = 86_400.0  # of a confirmation, as it is published; also before the first one
READ_RECORDS = 256  # in one answer: the server applies them in its own transactions


class LogWatch:
    """The records after the position that was read last, in order and without a gap."""

    def __init__(self, nodes: Nodes, layout: Layout, on_arrival: Callable[[Record], None]) -> None:
        self._nodes = nodes
        self._layout = layout
        self._on_arrival = on_arrival
        self._given = 0  # the position after which `read` resumes
        self._received = 0
        self._watched_from = 0  # the revision up to which there is no record but those received
        self._known = 0  # a position that is in the log
        self._records: deque[Record] = deque()
        self._bytes = 0
        self._cut = False
        self._wanted = trio.Event()
        self._changed = trio.lowlevel.ParkingLot()
        self._watching = trio.CancelScope()
        self._progress_at = -math.inf
        self._asked = (-math.inf, 0, 0)  # when the end of the log was asked for, what it was, and etcd's revision then
        self.confirmed_at = -math.inf
        """The newest time, by time.monotonic(), whose records are known to be here: all of them."""
        self._confirmed_revision = 0

    @property
    def age_ms(self) -> int:
        """How old the newest confirmation is that no record is missing."""
        return int(min(time.monotonic() - self.confirmed_at, MAX_AGE_S) * 1000)

    def needed(self, position: int) -> int:
        """Return the revision up to which a file at this position needs nothing that etcd keeps."""
        return max(position, self._confirmed_revision) if position == self._received else position

    @property
    def position(self) -> int:
        """The position of the newest record that has arrived."""
        return self._received

    def expect(self, position: int) -> None:
        """Take note that the log has a record at this position."""
        if position > self._known:
            self._known = position
            self._progress_at = trio.current_time()

    def add_own(self, record: Record, *, previous: int) -> int | None:
        """Take a record that is in the log, and do not wait for the watch if it follows the last that has arrived.

        Returns the position after which `take` resumes then, else None: also before the first `read`.
        """
        self.expect(record.position)
        if previous != self._received or not self._wanted.is_set():
            return None
        self._arrive(record)
        return self._given

    async def read(self, after: int, *, wait_s: float) -> list[Record]:
        """See Log.read."""
        if after != self._given or not self._wanted.is_set():
            self._restart(after)
        with trio.move_on_after(wait_s):
            while not (self._records or self._cut):
                await self._changed.park()
        if self._cut:
            raise LogCut(after)
        return self.take()

    def take(self) -> list[Record]:
        """Return the next records that have arrived."""
        taken = [self._records.popleft() for _ in range(min(READ_RECORDS, len(self._records)))]
        if taken:
            self._given = taken[-1].position
            self._bytes -= sum(len(record.data) for record in taken)
            self._progress_at = trio.current_time()  # a full buffer was no fault of the node
            self._changed.unpark_all()
        return taken

    def _restart(self, after: int) -> None:
        self._records.clear()
        self._bytes, self._cut = 0, False
        self._given = self._received = self._watched_from = after
        self._watching.cancel()
        self._wanted.set()

    async def run(self) -> None:
        """Watch node after node, once there is a reader."""
        await self._wanted.wait()
        while True:
            with trio.CancelScope() as self._watching:
                try:
                    await self._watch_a_node()
                except* (NodeError, GatewayError) as group:
                    self._nodes.skip(str(group.exceptions[0]))
                await trio.sleep(PAUSE_S)

    async def _watch_a_node(self) -> None:
        with await self._nodes.open() as connection, await self._nodes.open() as other:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._probe, other)
                nursery.start_soon(self._notice_stalls, connection)
                self._progress_at = trio.current_time()
                await connection.begin_watch(watch(self._layout.log, max(self._received, self._watched_from)))
                while True:
                    for line in await connection.next_watched():
                        if line.compact_revision:
                            await self._pass_over(line.compact_revision)
                            return nursery.cancel_scope.cancel()
                        await self._receive(line)

    async def _pass_over(self, compacted: int) -> None:
        """Resume after the revision up to which etcd has compacted its history, if it had no record of the log."""
        with await self._nodes.open() as connection:
            found = await connection.call(RANGE, get(self._layout.end) | {"revision": compacted}, RangeResponse)
        if self._watching.cancel_called:
            return
        if revision_of(found.first) <= self._received:
            self._watched_from = compacted - 1
        else:
            self._cut = True
            self._changed.unpark_all()
            await trio.sleep_forever()  # until a reader with another position comes

    async def _receive(self, line: WatchResponse) -> None:
        if self._watching.cancel_called:  # after this line was received
            return
        for event in line.events:
            await self._room()
            self._add(event)
        self._changed.unpark_all()

    @property
    def _is_full(self) -> bool:
        return len(self._records) >= MAX_BUFFERED or self._bytes >= MAX_BUFFERED_BYTES

    async def _room(self) -> None:
        while self._is_full:
            self._changed.unpark_all()
            await self._changed.park()

    def _add(self, event: WatchEvent) -> None:
        pair = event.kv
        if event.type == "PUT" and pair.mod_revision > self._received:
            self._arrive(Record(pair.mod_revision, self._layout.origin_of(pair.key), pair.version, pair.value))

    def _arrive(self, record: Record) -> None:
        self._records.append(record)
        self._bytes += len(record.data)
        self._received = record.position
        self._progress_at = trio.current_time()
        self._confirm()
        self._on_arrival(record)

    def _confirm(self) -> None:
        asked_at, end, revision = self._asked
        if self._received >= end:
            self.confirmed_at, self._confirmed_revision = asked_at, revision

    async def _probe(self, connection: NodeConnection) -> None:
        """Ask for the end of the log again and again: the answer needs a majority."""
        while True:
            asked_at = time.monotonic()
            found = await connection.call(RANGE, get(self._layout.end), RangeResponse, within_s=SILENT_S)
            end = revision_of(found.first)
            self._asked = (asked_at, end, found.header.revision)
            self.expect(end)
            self._confirm()
            await trio.sleep(PROBE_S)

    async def _notice_stalls(self, connection: NodeConnection) -> None:
        while True:
            await trio.sleep(STALLED_S / 4)
            late = trio.current_time() - self._progress_at > STALLED_S
            if self._received < self._known and late and not self._is_full and not self._cut:
                raise NodeError(f"{connection.node} is behind")
