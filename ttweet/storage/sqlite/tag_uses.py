"""How often tags were used, and when and how they were spelled: a count over some tweets. Pure."""

from collections.abc import Iterable, Mapping

from ttweet.model import hashtags
from ttweet.model.durations import DAY_MS
from ttweet.model.tweets import NO_TAGS, Tweet

Tagged = tuple[int, int, Mapping[str, str]]
"""A tweet's id, its time (ms since 1970 UTC), and its tags: search key to spelling."""


def to_tagged(tweet: Tweet, foreign: Mapping[str, str] = NO_TAGS) -> Tagged:
    """Return a tweet as its tags are counted.

    `foreign` has the keys of spellings that are keyed otherwise in the file.
    """
    return tweet.id, tweet.at, {foreign.get(tag) or hashtags.key(tag): tag for tag in tweet.tags}


class TagUse:
    """The uses of one tag in some tweets. `days` counts them by the number of the day since 1970 UTC.

    `newest` is the time of the tweet with the highest id, which an earlier tweet may exceed: clocks jump.
    """

    __slots__ = ("days", "newest", "spellings", "total")

    def __init__(self) -> None:
        self.total = 0
        self.newest = 0
        self.spellings: dict[str, int] = {}
        self.days: dict[int, int] = {}

    def add(self, spelling: str, at: int, day: int) -> None:
        """Count one tweet, whose id is above those counted before."""
        self.total += 1
        self.newest = at
        self.spellings[spelling] = self.spellings.get(spelling, 0) + 1
        self.days[day] = self.days.get(day, 0) + 1

    @property
    def spelling(self) -> str:
        """The most frequent spelling; of several the one that came first."""
        return max(self.spellings, key=lambda spelling: self.spellings[spelling])


def count_uses(tagged: Iterable[Tagged]) -> dict[str, TagUse]:
    """Return the uses of each tag by its search key, in the order of their first tweets. The ids must rise."""
    uses: dict[str, TagUse] = {}
    for _, at, tags in tagged:
        day = at // DAY_MS
        for key, spelling in tags.items():
            use = uses.get(key)
            if use is None:
                use = uses[key] = TagUse()
            use.add(spelling, at, day)
    return uses
