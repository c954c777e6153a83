"""The deadline of a client: when it must have finished its current step."""

import trio

from ttweet.broker.session import Session
from ttweet.protocol.reader import RequestReader
from ttweet.server.config import Limits
from ttweet.server.net.places import Place
from ttweet.server.net.transport import LINGER_S


class Deadline:
    """One client's deadline, at first that for its first byte. `at` is the time, by trio's clock."""

    __slots__ = ("_limits", "_mid_frame", "_place", "_reader", "_session", "at")

    def __init__(self, limits: Limits, reader: RequestReader, place: Place, session: Session) -> None:
        self._limits = limits
        self._reader = reader
        self._place = place
        self._session = session
        self._mid_frame = False  # what reader.unfinished was after the last read
        self.at = place.received_at + limits.first_byte_s

    def move(self, *, progressed: bool) -> None:
        """Give the client time for what comes next. A whole frame moves the deadline, a part of one does not."""
        unfinished = self._reader.unfinished
        if progressed or unfinished != self._mid_frame:
            waiting_s = self._limits.idle_s if self._session.subscription is None else self._limits.ping_s
            self._place.received_at = now = trio.current_time()
            self.at = now + (self._limits.frame_s if unfinished else waiting_s)
        self._mid_frame = unfinished

    def wait_for_socket(self) -> None:
        """Give the client time to take what was sent."""
        self.at = trio.current_time() + self._limits.send_s

    def wait_for_keep_alive(self) -> None:
        """Wait until a follower is to be looked at again."""
        self.at = trio.current_time() + self._limits.ping_s

    def linger(self) -> None:
        """Give the client time to take our end."""
        self.at = trio.current_time() + LINGER_S

    @property
    def missing(self) -> str:
        """Name what is late."""
        if not self._reader.begun:
            return f"not one byte (within {self._limits.first_byte_s:g} seconds)"
        if self._reader.unfinished:
            return f"no end of the frame (within {self._limits.frame_s:g} seconds)"
        return f"no further frame (within {self._limits.idle_s:g} seconds)"
