"""The output to one client: answers in the order of the requests, and pushes between them.

All of it is encoded here. An upload is answered by its receipt, which stands in the queue until it is decided. Whatever
is ready leaves in one write; what the socket does not take is sent by `send_rest`, in a task of its own.
"""

from collections import deque
from collections.abc import Callable

import trio

from ttweet.broker.receipts import Receipt
from ttweet.model.answers import Answer
from ttweet.model.errors import TtweetError
from ttweet.model.tweets import Tweet
from ttweet.protocol import classic
from ttweet.protocol.answers import KeptEncoder, encode_error, encode_outcome
from ttweet.protocol.codecs import JSON
from ttweet.protocol.pushes import FrameEncoder
from ttweet.protocol.reader import RequestReader
from ttweet.server.net.transport import LOST, Transport

ANSWERS = KeptEncoder(JSON)
"""Makes the frames of all connections' answers to queries."""
ENCODER = FrameEncoder(JSON)
"""Makes the frames of all connections' pushes."""


def error_frame(error: TtweetError) -> bytes:
    """Encode an error."""
    return encode_error(error, JSON)


class Outbox:
    """The sending half of a connection. Knows of the reader only whether its protocol answers uploads at all."""

    __slots__ = ("_closed", "_reader", "_transport", "answers", "progress", "receipts", "unsent")

    def __init__(self, transport: Transport, reader: RequestReader) -> None:
        self._transport = transport
        self._reader = reader
        self._closed = False
        self.answers: deque[bytes | Receipt] = deque()
        """The answers to be sent, in order."""
        self.receipts = 0
        """How many of the answers are receipts."""
        self.unsent: bytes | memoryview = b""
        """The bytes that the socket did not take. Nothing else is sent until `send_rest` has sent it."""
        self.progress: trio.Event | None = None
        """There while `until` waits for answers to leave."""

    @property
    def is_empty(self) -> bool:
        """Whether all is answered, and sent."""
        return not (self.answers or self.unsent)

    @property
    def has_answers(self) -> bool:
        """Whether there are answers beside receipts."""
        return len(self.answers) > self.receipts

    @property
    def is_undecided(self) -> bool:
        """Whether an upload is on its way to the disk."""
        return any(isinstance(one, Receipt) and one.outcome is None for one in self.answers)

    def add(self, answer: Answer) -> int:
        """Answer a query. Returns how many bytes that takes."""
        data = ANSWERS.encode(answer)
        self.answers.append(data)
        return len(data)

    def add_error(self, error: TtweetError) -> None:
        """Answer what is not carried out; the classic protocol has no errors."""
        if not self._reader.classic:
            self.answers.append(error_frame(error))

    def add_last_text(self, last: Tweet | None) -> None:
        """Answer a classic download."""
        self.answers.append(classic.encode_last(last))

    def add_receipt(self, receipt: Receipt) -> None:
        """Answer an upload once it is decided."""
        self.answers.append(receipt)
        self.receipts += 1

    def flush(self) -> bool:
        """Send the answers that are ready. Returns False when the socket did not take them all, or has gone."""
        if self.unsent or self._closed:
            return True
        ready = self._take_ready()
        if not ready:
            return True
        sent = self.send(b"".join(ready))
        self.note_progress()
        return sent

    def _take_ready(self) -> list[bytes]:
        ready: list[bytes] = []
        answers = self.answers
        while answers:
            answer = answers[0]
            if isinstance(answer, Receipt):
                if answer.outcome is None:
                    break
                self.receipts -= 1
                answer = b"" if self._reader.classic else encode_outcome(answer.outcome, JSON)
            ready.append(answer)
            answers.popleft()
        return ready

    def send(self, data: bytes) -> bool:
        """Send data before all answers, when nothing is unsent. Returns the same as `flush`."""
        try:
            sent = self._transport.send_now(data)
        except LOST:
            return False
        if sent < len(data):
            self.unsent = memoryview(data)[sent:]  # not a copy: a thousand followers may wait for the same bytes
            return False
        return True

    async def send_rest(self) -> None:
        """Send what the socket did not take. Raises one of LOST."""
        await self._transport.send(self.unsent)
        self.unsent = b""

    async def until(self, ready: Callable[[], bool]) -> None:
        """Wait until enough answers have left. Raises ClosedResourceError when the connection is closed before."""
        while not ready():
            if self._closed:
                raise trio.ClosedResourceError
            self.progress = trio.Event()
            await self.progress.wait()
        self.progress = None

    def note_progress(self) -> None:
        """Wake `until`, which looks again."""
        if self.progress is not None:
            self.progress.set()

    def close(self) -> None:
        """Send no answer any more."""
        self._closed = True
        self.note_progress()
