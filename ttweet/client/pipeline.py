"""Many uploads under way on one connection, and what came of each, in order.

The server answers in order too. After a request that it refuses with `slow_down`, it also refuses all that follow
directly. They are sent again in the same order when the server allows it. Imported to post many.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import Generic, TypeVar

from ttweet.client.waiting import FOREVER, pause
from ttweet.model.errors import Refused, SlowDown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ttweet.client.link import SyncLink
    from ttweet.client.retry import RetryBudget

Stored = TypeVar("Stored")  # what the server says of an upload

MAX_BATCH_BYTES = 64 * 1024  # sent at once: the answers fit into the socket's buffers, so both ends make progress


class Pipeline(Generic[Stored]):
    """The uploads that are to be answered, at most `size` of them. Raises ConnectError."""

    def __init__(
        self,
        connection: SyncLink,
        size: int,
        outcome_of: Callable[[bytes], Stored | Refused],
        budget: RetryBudget,
        deadline: float = FOREVER,
    ) -> None:
        self._connection = connection
        self._size = size
        self._outcome_of = outcome_of
        self._budget = budget
        self._deadline = deadline
        self._uploads: deque[bytes | Stored | Refused] = deque()  # frames to be answered, and outcomes in their places

    def __len__(self) -> int:
        return len(self._uploads)

    def fill(self, uploads: Iterator[bytes | Refused]) -> bool:
        """Send as many as there is room for. Returns whether there was anything to send, or refused before."""
        batch: list[bytes] = []
        bytes_ = taken = 0
        for upload in islice(uploads, self._size - len(self._uploads)):
            taken += 1
            self._uploads.append(upload)
            if isinstance(upload, Refused):
                continue
            batch.append(upload)
            bytes_ += len(upload)
            if bytes_ >= MAX_BATCH_BYTES:
                break
        if batch:
            self._connection.send(b"".join(batch))
        return taken > 0

    def next_outcome(self) -> Stored | Refused:
        """Return the outcome of the first upload, which leaves the pipeline."""
        while isinstance(first := self._uploads[0], bytes):
            outcome = self._outcome_of(self._connection.receive())
            if isinstance(outcome, SlowDown):
                self._begin_again(outcome)
            else:
                self._budget.renew()
                self._uploads[0] = outcome
        self._uploads.popleft()
        return first

    def _begin_again(self, refused: SlowDown) -> None:
        """Read the outcomes of the others, wait, and send the refused ones again, within the budget."""
        for place in range(1, len(self._uploads)):
            if isinstance(self._uploads[place], bytes):
                outcome = self._outcome_of(self._connection.receive())
                if not isinstance(outcome, SlowDown):
                    self._uploads[place] = outcome
        try:
            pause(self._budget.pause_s(refused), self._deadline)
        except SlowDown:
            self._uploads = deque([refused if isinstance(one, bytes) else one for one in self._uploads])
        else:
            for frame in [one for one in self._uploads if isinstance(one, bytes)]:
                self._connection.send(frame)
