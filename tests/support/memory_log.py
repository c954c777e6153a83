"""A replicated log in memory, which several stores share. Its switches do what an engine does on a bad day."""

import threading
from collections.abc import Callable
from enum import Enum

from ttweet.storage.replicated.log import Log, LogCut, NoQuorum, Record, Undecided

GAP = 3  # between two positions: an engine counts other changes, too
READ_RECORDS = 4  # of one read: several reads are needed to catch up


class Lost(Enum):
    """The fate of a record whose append gets no answer."""

    RECORD = "the record does not reach the log"
    ANSWER = "only the answer is lost"
    DELAYED = "the record reaches the log when `deliver` is called"


class SharedLog:
    """The log that all servers see. `lose` has the fate of the next appends; without `quorum` nothing is stored."""

    def __init__(self) -> None:
        self.genesis: bytes | None = None
        self.records: list[Record] = []
        self.numbers: dict[str, int] = {}
        self.quorum = True
        self.lose: list[Lost | None] = []
        self.kept_after = 0
        self.changed = threading.Condition()
        self._delayed: list[Callable[[], int]] = []

    def at(self, origin: str) -> "MemoryLog":
        """Return the log as a run of a server sees it."""
        return MemoryLog(self, origin)

    def put(self, origin: str, number: int, data: bytes) -> int:
        """Store a record unless there is one of its number; return the position of the one that is there."""
        with self.changed:
            taken = [one.position for one in self.records if (one.origin, one.number) == (origin, number)]
            if taken:
                return taken[0]
            assert number == self.numbers.get(origin, 0) + 1, "an origin numbers its records without a gap"
            self.numbers[origin] = number
            self.records.append(Record(self.end() + GAP, origin, number, data))
            self.changed.notify_all()
            return self.end()

    def end(self) -> int:
        """Return the position of the last record."""
        return self.records[-1].position if self.records else self.kept_after

    def delay(self, origin: str, number: int, data: bytes) -> None:
        """Keep a record on its way."""
        self._delayed.append(lambda: self.put(origin, number, data))

    def deliver(self) -> None:
        """Let the records that were delayed reach the log."""
        delayed, self._delayed = self._delayed, []
        for put in delayed:
            put()

    def cut(self, after: int) -> None:
        """Forget the records up to a position."""
        self.kept_after = after
        self.records = [one for one in self.records if one.position > after]


class MemoryLog:
    """See Log."""

    def __init__(self, shared: SharedLog, origin: str) -> None:
        self._shared = shared
        self.origin = origin

    def begin(self, genesis: bytes) -> bytes:
        self._need_quorum()
        if self._shared.genesis is None:
            self._shared.genesis = genesis
        return self._shared.genesis

    def append(self, number: int, data: bytes) -> int:
        self._need_quorum()
        fate = self._shared.lose.pop(0) if self._shared.lose else None
        if fate is Lost.DELAYED:
            self._shared.delay(self.origin, number, data)
        if fate in (Lost.DELAYED, Lost.RECORD):
            raise Undecided
        position = self._shared.put(self.origin, number, data)
        if fate is Lost.ANSWER:
            raise Undecided
        return position

    def read(self, after: int, *, wait_s: float) -> list[Record]:
        with self._shared.changed:
            if after < self._shared.kept_after:
                raise LogCut(after)
            self._shared.changed.wait_for(lambda: self._shared.end() > after, wait_s)
            return [one for one in self._shared.records if one.position > after][:READ_RECORDS]

    def end(self) -> int:
        self._need_quorum()
        return self._shared.end()

    def _need_quorum(self) -> None:
        if not self._shared.quorum:
            raise NoQuorum


_LOG: type[Log] = MemoryLog
