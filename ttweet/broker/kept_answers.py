"""Answers that are kept in memory: the newest tweets, those of tags that clients ask for, and lists of tags.

An answer is found in the file once for all clients that wait for it. Commits, deletions and removals keep it up to date
or end it, also while it is being found. The least recently used answers make room for others.
"""

from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any

import trio

from ttweet.broker.receipts import Keyed
from ttweet.broker.tag_answers import KEPT_TWEETS, LISTS, TagAnswer
from ttweet.model.answers import Shared
from ttweet.model.tweets import Deletion, Tweet

MAX_KEPT = 1_024  # answers kept: the newest tweets of so many tags, with up to four lists of tags
MAX_KEPT_BYTES = 12 * 1024 * 1024  # of kept answers, with their encodings


TIMELINE = ""
"""The name of the answer that holds the newest of all tweets; no tag has it."""


class _Search:
    """An answer that is being found, and the tweets that are committed meanwhile and may be missing from it."""

    def __init__(self) -> None:
        self.ended = trio.Event()
        self.new: deque[Tweet] = deque(maxlen=KEPT_TWEETS + 1)  # as many as any answer holds


class KeptAnswers:
    """Answers by name: the search key of a tag, TIMELINE, or one of LISTS. A listener of the journal; see Listener."""

    def __init__(self, newest: int) -> None:
        """`newest` is the id up to which the journal has published all commits."""
        self._published = newest
        self._kept: OrderedDict[Hashable, TagAnswer] = OrderedDict()
        self._searches: dict[Hashable, _Search] = {}
        self.weight = 0
        """How many bytes the kept answers count for."""

    def current(self, name: Hashable, limit: int, *, least: int) -> Shared[Any] | None:
        """Return the kept answer, cut to a limit, if it knows of all tweets up to the id `least`."""
        kept = self._kept.get(name)
        if kept is None or not (kept.reaches(limit) and kept.is_current(self._published, least)):
            return None
        self._kept.move_to_end(name)
        return kept.answer(limit)

    async def find(
        self, name: Hashable, limit: int, *, least: int, search: Callable[[], Awaitable[TagAnswer]]
    ) -> Shared[Any]:
        """Return the answer, cut to a limit, which knows of all tweets up to the id `least`.

        `search` finds in the file what was committed before it is called, and raises what this raises. Clients that ask
        during a search wait for it.
        """
        answer = self.current(name, limit, least=least)
        while answer is None:
            other = self._searches.get(name)
            if other is None:
                answer = (await self._search(name, search)).answer(limit)
            else:
                await other.ended.wait()
                answer = self.current(name, limit, least=least)
        return answer

    def committed(self, tweets: Sequence[Keyed]) -> None:
        """Add new tweets to the answers that they concern."""
        self._advance(tweets[0][0].id, tweets[-1][0].id)
        for tweet, keys in tweets:
            for key in keys:
                self._add(key, tweet)
        if TIMELINE in self._kept or TIMELINE in self._searches:
            for tweet, _ in tweets:
                if tweet.text:
                    self._add(TIMELINE, tweet)
        first = next((tweet for tweet, keys in tweets if keys), None)
        if first is not None:
            for name in LISTS:
                self._add(name, first)
        self._evict()

    def deleted(self, deletion: Deletion) -> None:
        """End the answers that hold the tweet, or count it."""
        self._advance(deletion.id, deletion.id)
        self._end(lambda kept: kept.outlives_deletion(deletion.tweet))

    def pruned(self, up_to: int) -> None:
        """End the answers that hold or count tweets up to an id."""
        self._end(lambda kept: kept.outlives_pruning(up_to))

    def _advance(self, first: int, last: int) -> None:
        """Ids rise by one. If some were not published, as their commit's outcome was unknown, no answer knows them."""
        if first != self._published + 1:
            self._end(lambda _: False)
        self._published = last

    async def _search(self, name: Hashable, search: Callable[[], Awaitable[TagAnswer]]) -> TagAnswer:
        own = self._searches[name] = _Search()
        try:
            kept = await search()
            if self._searches.get(name) is own:  # else a tweet that it holds or counts may be gone
                for tweet in own.new:
                    kept.add(tweet)
                self._keep(name, kept)
        finally:
            if self._searches.get(name) is own:
                del self._searches[name]
            own.ended.set()
        return kept

    def _keep(self, name: Hashable, kept: TagAnswer) -> None:
        self._drop(name)
        self._kept[name] = kept
        self.weight += kept.weight
        self._evict()

    def _add(self, name: Hashable, tweet: Tweet) -> None:
        if (search := self._searches.get(name)) is not None:
            search.new.append(tweet)
        if (kept := self._kept.get(name)) is not None:
            before = kept.weight
            kept.add(tweet)
            self.weight += kept.weight - before

    def _evict(self) -> None:
        while len(self._kept) > MAX_KEPT or self.weight > MAX_KEPT_BYTES:
            self._drop(next(iter(self._kept)))

    def _end(self, outlives: Callable[[TagAnswer], bool]) -> None:
        self._searches.clear()
        for name in [name for name, kept in self._kept.items() if not outlives(kept)]:
            self._drop(name)

    def _drop(self, name: Hashable) -> None:
        kept = self._kept.pop(name, None)
        if kept is not None:
            self.weight -= kept.weight
