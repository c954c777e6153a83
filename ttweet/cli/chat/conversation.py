"""One connection for a session at the keyboard: requests of one thread, and pushes that another thread takes.

Standard library only.
"""

import select
import time
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from ttweet import defaults
from ttweet.client import link_errors
from ttweet.client.link import SyncLink
from ttweet.client.waiting import Bell, ready
from ttweet.model.errors import ConnectError, Refused
from ttweet.protocol import frames, replies

T = TypeVar("T")

MAX_ANSWERS = 2  # unread: one to a request, and one that the server sends before it closes the connection
FAREWELL_S = 1.0  # for the server to close the connection, so that the name is free when the program has ended

CLOSED = "the server closed the connection"


class Conversation:
    """An open connection. One thread calls `read`, which hands each push on; another one calls `call`."""

    def __init__(self, link: SyncLink) -> None:
        self._link = link
        self._answers: deque[bytes] = deque()
        self._fault: ConnectError | OSError | None = None  # what has ended `read`
        self._arrived = Bell()  # for the thread that calls, with everything that `read` takes

    def read(self, push: Callable[[bytes], None]) -> ConnectError | OSError:
        """Take what the server sends until the connection ends, and return why it did.

        `push` gets each line that answers no request. Its OSError, as of stdout, ends the connection too.
        """
        fault: ConnectError | OSError
        try:
            while True:
                self._take(self._link.receive(), push)
                self._arrived.ring()
        except OSError as exc:
            fault = exc
        except ConnectError:
            fault = ConnectError("unknown", CLOSED)
        except frames.MISFITS:
            fault = link_errors.not_ttweet()
        self._fault = fault
        self._arrived.ring()
        return fault

    def call(self, frame: bytes, shape: Callable[[Any], T]) -> T:
        """Make a request and return what its shape makes of the answer. Raises Refused, ConnectError, OSError."""
        self._link.send(frame)
        return self._answer(shape)

    def wait_for(self, come: Callable[[], bool], longest_s: float) -> None:
        """Wait until what has come changes a condition, for so many seconds at most."""
        until = time.monotonic() + longest_s
        while not come() and ready({self._arrived.fd: select.POLLIN}, until):
            self._arrived.hush()

    def raise_last_words(self, fault: ConnectError | OSError) -> None:
        """Raise the error that the server sent unasked before it closed the connection, or else the fault."""
        try:
            self._answer(replies.done)
        except Refused as refused:
            raise ConnectError("unknown", refused.text) from refused
        raise fault

    @property
    def fault(self) -> ConnectError | OSError | None:
        """The error that has ended the connection, or None."""
        return self._fault

    def leave(self) -> None:
        """End the connection, so that the name is free."""
        self._link.shut_down()
        self.wait_for(lambda: self._fault is not None, FAREWELL_S)
        if self._fault:  # else the other thread still reads
            self._link.close()

    def _answer(self, shape: Callable[[Any], T]) -> T:
        self.wait_for(lambda: bool(self._fault or self._answers), defaults.TIMEOUT_S)
        if not self._answers:
            self._link.shut_down()  # an answer that came later would be taken for that to the next request
            raise self._fault or ConnectError("unknown", CLOSED)
        try:
            return shape(replies.data_of(self._answers.popleft()))
        except frames.MISFITS as exc:
            raise link_errors.not_ttweet() from exc

    def _take(self, line: bytes, push: Callable[[bytes], None]) -> None:
        if not replies.is_reply(line):
            push(line)
        elif len(self._answers) < MAX_ANSWERS:
            self._answers.append(line)
        else:
            raise ValueError("more answers than requests")
