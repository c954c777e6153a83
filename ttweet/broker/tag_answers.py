"""Kept answers about tags: the newest tweets of one tag, or a list of tags.

Each is cut to the limit that a client asks for. The last cut is kept too, with its encodings, until it changes.
"""

from abc import ABC, abstractmethod
from itertools import product
from typing import Any

import trio

from ttweet.broker.pages import TWEET_BYTES
from ttweet.model.answers import Shared
from ttweet.model.durations import DAY_MS
from ttweet.model.limits import MAX_QUERY_LIMIT, QUERY_LIMIT
from ttweet.model.times import now_ms
from ttweet.model.tweets import Page, TagPage, Tweet, weight_of

KEPT_TWEETS = 50  # newest tweets of a tag kept for queries with a limit above 20; more come from the file
KEPT_S = 0.5  # age of a list of tags that lacks new tweets: too short for a person to notice
ENTRY_BYTES = 1024  # that a kept answer counts for in addition to its tweets or tags

LISTS = tuple(product((QUERY_LIMIT, MAX_QUERY_LIMIT), (False, True)))
"""The lists that are kept: how many tags, and whether those without a letter are among them."""


class TagAnswer(ABC):
    """An answer that was found in the file. `seen` is the newest id that was committed before."""

    __slots__ = ("_cut", "_limit", "_seen", "weight")

    def __init__(self, seen: int) -> None:
        self._seen = seen
        self._limit = 0
        self._cut: Shared[Any] | None = None
        self.weight = ENTRY_BYTES
        """How many bytes it counts for, with its encodings."""

    def answer(self, limit: int) -> Shared[Any]:
        """Return what a client gets that asks for up to `limit` tweets or tags."""
        if self._cut is None or self._limit != limit:
            self._cut, self._limit = self._cut_to(limit), limit
        return self._cut

    def is_current(self, published: int, least: int) -> bool:
        """Return whether it knows of all tweets up to `least`, after it was given those up to `published`."""
        return max(self._seen, published) >= least

    def reaches(self, limit: int) -> bool:  # noqa: ARG002
        """Return whether it holds all that an answer with a limit tells."""
        return True

    @abstractmethod
    def add(self, tweet: Tweet) -> None:
        """Take a new tweet that concerns it, and that it may have seen in the file."""

    @abstractmethod
    def outlives_deletion(self, tweet: int) -> bool:
        """Return whether the answer is the same without a tweet."""

    @abstractmethod
    def outlives_pruning(self, up_to: int) -> bool:
        """Return whether the answer is the same without the tweets up to an id."""

    @abstractmethod
    def _cut_to(self, limit: int) -> Shared[Any]: ...


class TagTweets(TagAnswer):
    """The newest tweets of a tag, newest first: all there are, or one more than any limit that they answer."""

    __slots__ = ("_is_whole", "_most", "_tweets")

    def __init__(self, page: Page, *, most: int, seen: int) -> None:
        """`page` has `most` + 1 tweets if there are so many."""
        super().__init__(seen)
        self._tweets, self._is_whole = page.tweets, not page.more
        self._most = most
        self.weight += sum(map(_weight, self._tweets))

    def reaches(self, limit: int) -> bool:
        """See TagAnswer."""
        return self._is_whole or limit < len(self._tweets)

    def add(self, tweet: Tweet) -> None:
        """See TagAnswer."""
        if self._tweets and tweet.id <= self._tweets[0].id:
            return
        self._tweets.insert(0, tweet)
        self.weight += _weight(tweet)
        if len(self._tweets) > self._most + 1:
            self.weight -= _weight(self._tweets.pop())
            self._is_whole = False
        self._cut = None

    def outlives_deletion(self, tweet: int) -> bool:
        """See TagAnswer."""
        return all(one.id != tweet for one in self._tweets)

    def outlives_pruning(self, up_to: int) -> bool:
        """See TagAnswer."""
        return not self._tweets or self._tweets[-1].id > up_to

    def _cut_to(self, limit: int) -> Shared[Page]:
        is_last = self._is_whole and limit >= len(self._tweets)
        return Shared(Page(self._tweets[:limit], not is_last))


class TagList(TagAnswer):
    """The most used tags. Once a new tweet has tags, it is shown for KEPT_S after the search for it began."""

    __slots__ = ("_day", "_is_outdated", "_page", "_until")

    def __init__(self, seen: int) -> None:
        """Make it before the file is asked; `found` completes it."""
        super().__init__(seen)
        self._day, self._until = _today(), trio.current_time() + KEPT_S
        self._is_outdated = False
        self._page = TagPage([], more=False)

    def found(self, page: TagPage) -> "TagList":
        """Take the tags that the file has."""
        self._page = page
        self.weight += TWEET_BYTES * len(page.tags) + weight_of([one.tag for one in page.tags])
        return self

    def is_current(self, published: int, least: int) -> bool:
        """See TagAnswer."""
        if self._is_outdated:
            return self._seen >= least and trio.current_time() < self._until
        return super().is_current(published, least) and self._day == _today()

    def add(self, tweet: Tweet) -> None:
        """See TagAnswer."""
        self._is_outdated = self._is_outdated or tweet.id > self._seen

    def outlives_deletion(self, tweet: int) -> bool:  # noqa: ARG002
        """See TagAnswer."""
        return False

    def outlives_pruning(self, up_to: int) -> bool:  # noqa: ARG002
        """See TagAnswer."""
        return False

    def _cut_to(self, limit: int) -> Shared[TagPage]:
        tags, more = self._page
        return Shared(TagPage(tags[:limit], more or len(tags) > limit))


def _weight(tweet: Tweet) -> int:
    return TWEET_BYTES + weight_of(tweet.tags)


def _today() -> int:
    return now_ms() // DAY_MS
