"""The requests of clients and their answers, with the times of both: nanoseconds of CLOCK_MONOTONIC."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, Self, TypeVar

Outcome = Literal["ok", "refused", "unknown"]
now = time.monotonic_ns
BY = "@"  # before a name: what a query asks about when it is no tag


class Seen(NamedTuple):
    """A tweet as a client was shown it."""

    id: int
    at: int
    by: str | None
    text: str
    tags: tuple[str, ...]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """The tweet in an answer or a push."""
        return cls(data["id"], data["at"], data["by"], data["text"], tuple(data["tags"]))


@dataclass(slots=True)
class Upload:
    """One attempt to post. A text is sent by one client only; attempts after the first carry the same key.

    `stored` is what the acknowledgement says.
    """

    connection: int
    text: str
    tags: tuple[str, ...]
    key: str | None
    invoked: int
    by: str | None = None
    retry: bool = False
    returned: int | None = None
    outcome: Outcome = "unknown"
    stored: Seen | None = None

    @property
    def id(self) -> int | None:
        """The id of the answer."""
        return None if self.stored is None else self.stored.id


@dataclass(slots=True)
class DeleteAttempt:
    """One attempt to delete a tweet; `id` is that of the deletion."""

    tweet: int
    text: str
    invoked: int
    returned: int | None = None
    outcome: Outcome = "unknown"
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """An answered query: the last message when `about` is None, else some tweets of a tag, or of `BY` a name.

    They are the newest, or those below the id `before`, at most `limit`, newest first; `more`: there are others.
    """

    about: str | None
    limit: int
    invoked: int
    returned: int
    tweets: tuple[Seen, ...]
    before: int | None = None
    more: bool = False


@dataclass(frozen=True, slots=True)
class TagCount:
    """How often a tag was used, as a list of tags says that has all tweets seen by a moment."""

    tag: str
    count: int
    made: int
    returned: int


@dataclass(frozen=True, slots=True)
class Push:
    """A tweet that came to a follower unasked. `keys` are those of the tags that it follows, none for all tweets."""

    follower: int
    keys: tuple[str, ...]
    tweet: Seen
    received: int


@dataclass(slots=True)
class History:
    """All that was seen. Threads append to its lists without a lock."""

    uploads: list[Upload] = field(default_factory=list)
    deletes: list[DeleteAttempt] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    counts: list[TagCount] = field(default_factory=list)
    pushes: list[Push] = field(default_factory=list)
    followers: int = 0
    awaited: dict[tuple[int, tuple[str, ...]], int] = field(default_factory=dict)
    """Up to which id each follower of some keys was to have all when it ended, where it had the time."""

    def until(self, moment: int) -> History:
        """The history as it stood at a moment: what was not answered by then is unknown."""
        return History(
            [_as_of(upload, moment) for upload in self.uploads if upload.invoked < moment],
            [_as_of(delete, moment) for delete in self.deletes if delete.invoked < moment],
            [read for read in self.reads if read.returned < moment],
            [count for count in self.counts if count.returned < moment],
            [push for push in self.pushes if push.received < moment],
            self.followers,
        )

    @property
    def acknowledged(self) -> int:
        """How many uploads were answered with an id."""
        return sum(upload.outcome == "ok" for upload in self.uploads)

    @property
    def shows_something(self) -> bool:
        """Whether an upload was acknowledged, and something pushed if there were followers."""
        return self.acknowledged > 0 and bool(self.pushes or not self.followers)

    @property
    def beside(self) -> str:
        """How much was seen, as a figure."""
        return f"acked={self.acknowledged}" + f" pushed={len(self.pushes)}" * bool(self.pushes)


T = TypeVar("T", Upload, DeleteAttempt)


def _as_of(attempt: T, moment: int) -> T:
    if attempt.returned is None or attempt.returned < moment:
        return attempt
    if isinstance(attempt, Upload):
        return replace(attempt, returned=None, outcome="unknown", stored=None)
    return replace(attempt, returned=None, outcome="unknown", id=None)
