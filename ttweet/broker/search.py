"""Searches for a query: with a reader and a thread of their own, since one may take half a second."""

from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import TypeVar

from ttweet.broker.journal import Journal
from ttweet.broker.read_scheduler import ReadScheduler
from ttweet.broker.receipts import Keyed
from ttweet.broker.turns import Turns
from ttweet.model.query import Query
from ttweet.model.tweets import Count, Deletion, Found
from ttweet.storage.contract import Reader

T = TypeVar("T")


class Search:
    """Searches one after another, in turns by client. A listener of the journal; see Listener.

    `reader` is called by `reads` only.
    """

    def __init__(self, journal: Journal, reader: Reader, reads: ReadScheduler) -> None:
        self._journal = journal
        self._reader = reader
        self._reads = reads
        self._turns = Turns()
        self._under_way = 0
        self._deleted: set[int] = set()  # tweets that were deleted since one of the searches under way began
        journal.head.add_listener(self)

    async def find(self, query: Query, limit: int, before: int | None = None, *, client: Hashable = None) -> Found:
        """Return the newest tweets that a query finds, newest first, without those that are deleted meanwhile."""
        self._under_way += 1
        try:
            found = await self._run(partial(self._reader.find, query, limit=limit, before=before), client)
            return self._without_deleted(found)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._deleted.clear()

    def _without_deleted(self, found: Found) -> Found:
        """Leave out deleted tweets. The next query continues below the last tweet, also if that is one of them."""
        kept = [tweet for tweet in found.tweets if tweet.id not in self._deleted]
        if kept == found.tweets or not found.more:
            return found._replace(tweets=kept)
        return found._replace(tweets=kept, searched_to=found.searched_to or found.tweets[-1].id)

    async def count(self, query: Query, before: int | None = None, *, client: Hashable = None) -> Count:
        """Count the tweets that a query finds."""
        return await self._run(partial(self._reader.count_found, query, before=before), client)

    def committed(self, tweets: Sequence[Keyed]) -> None:
        """See Listener."""

    def deleted(self, deletion: Deletion) -> None:
        """See Listener."""
        if self._under_way:
            self._deleted.add(deletion.tweet)

    def pruned(self, up_to: int) -> None:
        """See Listener."""

    async def _run(self, search: Callable[[], T], client: Hashable) -> T:
        """Return what the reader finds, once `last` is as new: it may see a commit before the journal reports it."""
        async with self._turns.turn(client):
            found, newest = await self._reads.run(lambda: (search(), self._reader.newest_id()))
        await self._journal.wait_known(newest)
        return found
