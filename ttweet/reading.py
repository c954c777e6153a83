"""Questions to the file give way to uploads, whose acknowledgements wait for the disk as well.

The reader's thread and the writer's share one interpreter with the event loop: twenty clients that asked without a
pause made an upload beside them take 9 ms and more. So a question waits for the batch that is being written, and the
reader is given as many at a time as there were uploads in it: one, beside a client that uploads one after another.
While there are none it is given as many as one hop into trio answers.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

import trio

from ttweet.worker import MAX_CALLS, Worker

T = TypeVar("T")


class Uploads(Protocol):
    """What a question wants to know of the journal."""

    @property
    def recent_uploads(self) -> int:
        """How many uploads are being written, or were a moment ago; 0 when all is quiet."""
        ...

    async def give_way(self) -> None:
        """Wait until those that are being written are on the disk, but not for long."""
        ...


class Reading:
    """A worker for questions. `run` takes what reads for some ms at most; any number of tasks may wait for it."""

    def __init__(self, uploads: Uploads, worker: Worker) -> None:
        self._uploads = uploads
        self._worker = worker
        self._asked = 0
        self._line = trio.lowlevel.ParkingLot()  # first come, first served: else who asks again at once is always first

    async def run(self, find: Callable[[], T]) -> T:
        """What the function returns in the worker's thread, or raise what it raises."""
        if self._line or not self._places:
            await self._line.park()  # the place of who is woken was taken for it
        else:
            self._asked += 1
        try:
            await self._uploads.give_way()
            return await self._worker.run(find)
        finally:
            self._asked -= 1
            self._asked += len(self._line.unpark(count=self._places))

    @property
    def _places(self) -> int:
        return max(0, min(MAX_CALLS, self._uploads.recent_uploads or MAX_CALLS) - self._asked)
