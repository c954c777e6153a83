"""Queries of the file give way to uploads, which wait for the disk too.

The reader's thread and the writer's share one interpreter with the event loop: twenty clients that queried without a
pause made an upload take 6 ms instead of one. So a query waits for the batch that is being written. Then the reader's
thread gets as many queries as that batch has uploads: one, if a single client uploads. Without uploads it gets as many
as one hop into trio answers.
"""

from collections.abc import Callable
from typing import TypeVar

import trio

from ttweet.broker.trouble import Trouble
from ttweet.broker.worker import MAX_CALLS, Worker
from ttweet.model.errors import StoreError

GIVE_WAY_S = 0.002  # that a query waits for the batch being written; most batches take 0.5 ms
RECENT_S = 0.1  # after a batch of uploads in which the next one is expected

T = TypeVar("T")


class PendingBatch:
    """The batches of uploads on their way to the disk, for queries that let them go first."""

    def __init__(self) -> None:
        self._number = 0  # of the last batch that had some
        self._under_way = False
        self._decided_at = float("-inf")
        self._waiting = trio.lowlevel.ParkingLot()

    def begin(self, number: int) -> None:
        """Note that a batch of so many posts is on its way; 0: it has report lines only, for which no client waits."""
        if number:
            self._number = number
            self._under_way = True

    def end(self) -> None:
        """Note that the batch is decided."""
        if self._under_way:
            self._under_way = False
            self._decided_at = trio.current_time()
            self._waiting.unpark_all()

    @property
    def recent(self) -> int:
        """How many uploads the batch has that is on its way, or was within RECENT_S; 0 without one."""
        is_recent = self._under_way or trio.current_time() - self._decided_at < RECENT_S
        return self._number if is_recent else 0

    async def give_way(self) -> None:
        """Wait until the batch that is on its way is decided, for GIVE_WAY_S at most."""
        if self._under_way:
            with trio.move_on_after(GIVE_WAY_S):
                await self._waiting.park()


class ReadScheduler:
    """A worker for queries. `run` takes a call of a few ms at most; any number of tasks may wait for it."""

    def __init__(self, uploads: PendingBatch, worker: Worker, trouble: Trouble) -> None:
        self._uploads = uploads
        self._worker = worker
        self._trouble = trouble
        self._asked = 0
        self._line = trio.lowlevel.ParkingLot()  # first come, first served, also beside a fast client

    async def run(self, find: Callable[[], T]) -> T:
        """Run a function in the worker's thread; return its result or raise its exception, which `trouble` notes."""
        if self._line or not self._free:
            await self._line.park()  # the query that wakes this one has taken the place for it
        else:
            self._asked += 1
        try:
            await self._uploads.give_way()
            return await self._worker.run(find)
        except StoreError as error:
            self._trouble.note_unread(error)
            raise
        finally:
            self._asked -= 1
            self._asked += len(self._line.unpark(count=self._free))

    @property
    def beside_uploads(self) -> bool:
        """Whether an upload is under way or expected, which a read of the file slows down."""
        return self._uploads.recent > 0

    @property
    def _free(self) -> int:
        return max(0, min(MAX_CALLS, self._uploads.recent or MAX_CALLS) - self._asked)
