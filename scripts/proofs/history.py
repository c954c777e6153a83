"""What clients did and what they were told, with the times of both: nanoseconds of CLOCK_MONOTONIC."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Literal

Outcome = Literal["ok", "refused", "unknown"]
now = time.monotonic_ns


@dataclass(slots=True)
class Upload:
    """One attempt to post. A text is sent by one client only; attempts after the first carry the same key."""

    connection: int
    text: str
    tags: tuple[str, ...]
    key: str | None
    invoked: int
    retry: bool = False
    returned: int | None = None
    outcome: Outcome = "unknown"
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """An answered question: the last message when `tag` is None, else a tag's newest tweets, at most `limit`.

    `tweets` are ids and texts as they came: newest first.
    """

    tag: str | None
    limit: int
    invoked: int
    returned: int
    tweets: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Push:
    """A tweet that came to a follower unasked. `tag` is the key it follows, None for all tweets."""

    follower: int
    tag: str | None
    id: int
    text: str
    received: int


@dataclass(slots=True)
class History:
    """All that was seen. Threads append to its lists without a lock."""

    uploads: list[Upload] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    pushes: list[Push] = field(default_factory=list)
    followers: int = 0

    def until(self, moment: int) -> History:
        """The history as it stood at a moment: what was not answered by then is unknown."""
        return History(
            [_as_of(upload, moment) for upload in self.uploads if upload.invoked < moment],
            [read for read in self.reads if read.returned < moment],
            [push for push in self.pushes if push.received < moment],
            self.followers,
        )

    @property
    def acknowledged(self) -> int:
        """How many uploads were answered with an id."""
        return sum(upload.outcome == "ok" for upload in self.uploads)

    @property
    def shows_something(self) -> bool:
        """Whether an upload was acknowledged, and something pushed if anybody followed."""
        return self.acknowledged > 0 and bool(self.pushes or not self.followers)

    @property
    def beside(self) -> str:
        """How much was seen, as a figure."""
        return f"acked={self.acknowledged}" + f" pushed={len(self.pushes)}" * bool(self.pushes)


def _as_of(upload: Upload, moment: int) -> Upload:
    if upload.returned is None or upload.returned < moment:
        return upload
    return replace(upload, returned=None, outcome="unknown", id=None)
