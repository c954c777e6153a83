"""Many uploads under way on one connection, and what came of each, in order. Without sockets; imported to post many.

The server answers in order too. After a request that it refuses with `slow_down`, it also refuses all that follow
directly. They are sent again in the same order when the server allows it.
"""

from __future__ import annotations

from collections import deque
from itertools import islice

from ttweet.client.exchanges import RECEIVE
from ttweet.model.errors import Refused, SlowDown
from ttweet.protocol import replies

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ttweet.client.exchanges import Steps
    from ttweet.client.retry import RetryBudget
    from ttweet.protocol.replies import Stored

    PostOutcome = Stored | Refused
    PostBatch = tuple[Iterator[bytes | Refused], int]  # frames and refusals; how many frames are unanswered at most

MAX_BATCH_BYTES = 64 * 1024  # sent at once: the answers fit into the socket's buffers, so both ends make progress


class Pipeline:
    """The uploads that are to be answered, at most `size` of them."""

    def __init__(self, size: int, budget: RetryBudget) -> None:
        self._size = size
        self._budget = budget
        self._uploads: deque[bytes | PostOutcome] = deque()  # frames to be answered, and outcomes in their places

    def __len__(self) -> int:
        return len(self._uploads)

    def fill(self, uploads: Iterator[bytes | Refused]) -> bytes:
        """Take as many as there is room for, and return what to send: nothing if all were refused before."""
        batch: list[bytes] = []
        bytes_ = 0
        for upload in islice(uploads, self._size - len(self._uploads)):
            self._uploads.append(upload)
            if isinstance(upload, Refused):
                continue
            batch.append(upload)
            bytes_ += len(upload)
            if bytes_ >= MAX_BATCH_BYTES:
                break
        return b"".join(batch)

    def next_outcome(self) -> Steps[PostOutcome]:
        """Return the outcome of the first upload, which leaves the pipeline."""
        while isinstance(first := self._uploads[0], bytes):
            outcome = _outcome((yield RECEIVE))
            if isinstance(outcome, SlowDown):
                yield from self._begin_again(outcome)
            else:
                self._budget.renew()
                self._uploads[0] = outcome
        self._uploads.popleft()
        return first

    def _begin_again(self, refused: SlowDown) -> Steps[None]:
        """Read the outcomes of the others, wait, and send the refused ones again, within the budget."""
        for place in range(1, len(self._uploads)):
            if isinstance(self._uploads[place], bytes):
                outcome = _outcome((yield RECEIVE))
                if not isinstance(outcome, SlowDown):
                    self._uploads[place] = outcome
        try:
            pause_s = self._budget.pause_s(refused)
        except SlowDown:
            self._uploads = deque([refused if isinstance(one, bytes) else one for one in self._uploads])
            return
        yield pause_s
        yield from [one for one in self._uploads if isinstance(one, bytes)]


def _outcome(line: bytes) -> PostOutcome:
    try:
        return replies.stored(replies.data_of(line))
    except Refused as refused:
        return refused
