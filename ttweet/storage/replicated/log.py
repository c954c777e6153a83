"""The contract of a replicated log: opaque records in one order, which every server reads.

A record is in the log for good when a majority of the engine's nodes has it on the disk. Its position rises from record
to record, with gaps. Each run of a server appends under its own origin, and numbers its records from 1. All methods
block the caller's thread, and no two calls of one log run at the same time.
"""

from typing import NamedTuple, Protocol

from ttweet.model.errors import StoreError


class Record(NamedTuple):
    """A record of the log, and its place: the position, and the number among the records of its origin."""

    position: int
    origin: str
    number: int
    data: bytes


class Undecided(StoreError):
    """No answer came in time: a record may be in the log or not. `outcome`: what that means, and what to do."""

    def __init__(self, outcome: str = "") -> None:
        super().__init__("unknown", "the cluster did not answer in time" + (outcome and f": {outcome}"))

    @property
    def may_pass(self) -> bool:
        """The next record may be stored."""
        return True


class NoQuorum(StoreError):
    """A majority of the engine's nodes cannot be reached; nothing was stored."""

    def __init__(self) -> None:
        super().__init__(
            "no_quorum", "no majority of the cluster answers: nothing was stored; retry later, or at another server"
        )


class LogCut(StoreError):
    """The records after a position are no longer kept, so a file at this position cannot follow the log."""

    def __init__(self, after: int) -> None:
        problem = f"the log of the cluster is no longer kept after {after}"
        super().__init__("internal", problem, "restart from a backup of another server")
        self.after = after


class Log(Protocol):
    """A replicated log. It gives records back as they were appended, in the same order to every server."""

    @property
    def origin(self) -> str:
        """The name of this run of a server. No other run has had it, or will."""
        ...

    def begin(self, genesis: bytes) -> bytes:
        """Begin the log with this data unless it has begun; return the data that it began with.

        Records after the position 0 are all that follow. Raises NoQuorum and Undecided: calling again is safe.
        """
        ...

    def append(self, number: int, data: bytes) -> int:
        """Store the next record of this origin, and return its position.

        If the origin has a record of this number, return its position and store nothing. After Undecided, that may be
        the record of the earlier call, with other data: the caller compares. Durable on return.
        Raises Undecided within 5 s, and NoQuorum when nothing was stored.
        """
        ...

    def read(self, after: int, *, wait_s: float) -> list[Record]:
        """Return records above a position in order, without a gap, a bounded number.

        Waits up to `wait_s` seconds for the first of them, then returns none. With 0, returns what has arrived.
        Raises LogCut.
        """
        ...

    def end(self) -> int:
        """Return the position of the last record, 0 without one: no record that was stored before the call is above.

        Raises NoQuorum.
        """
        ...
