"""The pushes to subscriptions that are behind: pages of the last tweets, which are in memory, or of the file.

A page is bounded by the work of looking at tweets, and by the bytes of those that are wanted. Knows no encoding.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, takewhile
from typing import NamedTuple, Self

from ttweet.broker.read_scheduler import ReadScheduler
from ttweet.broker.receipts import Keyed
from ttweet.broker.subscriptions import Encoder, Subscription, Wanted
from ttweet.model.limits import PAGE_BYTES
from ttweet.model.tweets import Deletion, Tweet, weight_of
from ttweet.storage.contract import Slice, TagQueries

PAGE_TWEETS = 256  # tweets of one read for a follower that is catching up: about 70 KiB, 1 ms
SHORT_PAGE_TWEETS = 32  # of one read of the file beside uploads: with 256, one upload in a hundred took 4 ms, not 2
RECENT_TWEETS = 2_000  # newest tweets in memory, about 1 MiB: a follower that is briefly behind needs no disk
RECENT_BYTES = 2 * 1024 * 1024  # of the newest tweets in memory
TWEET_BYTES = 512  # that a tweet without tags counts for, with its frame
MAX_PAGES = 8  # shared by followers that are catching up from the same id: 2 MiB


class PageEntry(NamedTuple):
    """A tweet or a deletion that was looked at: its id, and its frame, which is empty if it is not wanted."""

    id: int
    frame: bytes
    effort: int = 1
    """For how many tweets of a page it counts."""


class Commit:
    """One commit's tweets, or a deletion; each is encoded when it is first wanted, once for each encoder."""

    def __init__(self, tweets: Sequence[Keyed], deletion: Deletion | None = None) -> None:
        self.tweets = tweets
        self.deletion = deletion
        self.last = tweets[-1][0].id if deletion is None else deletion.id
        """The newest id of this commit, which stays when its tweet is deleted."""
        self.weight = max(1, len(tweets))
        """For how many tweets it counts in memory."""
        self.bytes = TWEET_BYTES * self.weight + weight_of([key for _, keys in tweets for key in keys])
        """For how many bytes it does."""
        self._frames: dict[tuple[Encoder, int], bytes] = {}

    def frame(self, encoder: Encoder, tweet: Tweet) -> bytes:
        """Return the tweet as it is pushed."""
        place = encoder, tweet.id
        frame = self._frames.get(place)
        if frame is None:
            frame = self._frames[place] = encoder.tweet(tweet)
        return frame

    def drop(self, tweet: int) -> None:
        """Forget a tweet that was deleted."""
        self.tweets = [one for one in self.tweets if one[0].id != tweet]
        self._frames = {place: frame for place, frame in self._frames.items() if place[1] != tweet}

    def drop_up_to(self, id_: int) -> None:
        """Forget tweets that are not kept any more."""
        self.tweets = [one for one in self.tweets if one[0].id > id_]

    def entries_for(self, subscription: Subscription) -> Iterator[PageEntry]:
        """Yield an entry for each id of this commit above a cursor."""
        encoder, wanted = subscription.kind
        if self.deletion is not None:
            yield PageEntry(self.deletion.id, encoder.deletion(self.deletion) if subscription.deletions else b"")
        for tweet, keys in self.tweets:
            if tweet.id > subscription.cursor:
                frame = self.frame(encoder, tweet) if wanted.has(tweet, keys) else b""
                yield PageEntry(tweet.id, frame, wanted.effort(tweet, folded=True))


class FramePage(NamedTuple):
    """Frames for a follower, the id up to which it has all then, and the one up to which tweets were gone before."""

    data: bytes
    cursor: int
    pruned_up_to: int

    @classmethod
    def of(cls, entries: Iterable[PageEntry], end: int, pruned_up_to: int) -> Self:
        """As many frames as a page takes; with all of them the cursor comes to `end`.

        An empty frame counts too: what a page costs depends on the tweets that are looked at, not on those wanted.
        """
        taken: list[bytes] = []
        size = cursor = looked_at = 0
        for id_, frame, effort in entries:
            if looked_at >= PAGE_TWEETS or (frame and size >= PAGE_BYTES):
                return cls(b"".join(taken), cursor, pruned_up_to)
            taken.append(frame)
            size, cursor, looked_at = size + len(frame), id_, looked_at + effort
        return cls(b"".join(taken), end, pruned_up_to)


class Recent:
    """The newest tweets and deletions: `newest` is the last id. Tweets up to `pruned_up_to` are not kept any more."""

    def __init__(self, newest: int, pruned_up_to: int) -> None:
        self.newest = self._before = newest
        self.pruned_up_to = pruned_up_to
        self._commits: deque[Commit] = deque()
        self._tweets = self._bytes = 0
        self._pages: dict[tuple[tuple[Encoder, Wanted], int, bool], FramePage] = {}  # until something is new or gone

    def add(self, commit: Commit) -> int:
        """Remember what is the newest by now; returns the newest id before."""
        before, self.newest = self.newest, commit.last
        self._pages.clear()
        self._commits.append(commit)
        self._tweets += commit.weight
        self._bytes += commit.bytes
        while self._tweets > RECENT_TWEETS or self._bytes > RECENT_BYTES:
            self._drop_oldest()
        return before

    def delete(self, deletion: Deletion) -> int:
        """Forget the tweet, and remember the deletion; returns the newest id before."""
        holding = next((commit for commit in self._commits if commit.last >= deletion.tweet), None)
        if holding is not None:
            holding.drop(deletion.tweet)
        return self.add(Commit([], deletion))

    def prune(self, pruned_up_to: int) -> None:
        """Forget the tweets up to an id."""
        self.pruned_up_to = pruned_up_to
        self._pages.clear()
        while self._commits and self._commits[0].last <= pruned_up_to:
            self._drop_oldest()
        if self._commits:
            self._commits[0].drop_up_to(pruned_up_to)

    def reaches(self, cursor: int) -> bool:
        """Whether all above a cursor is here."""
        return cursor >= self._before

    def kept_page(self, subscription: Subscription) -> FramePage | None:
        """Return the page that another subscription at the same cursor got, if it is kept.

        A commit that was too much for one turn of the event loop leaves many of them at the same place.
        """
        return self._pages.get((subscription.kind, subscription.cursor, subscription.deletions))

    def page(self, subscription: Subscription) -> FramePage:
        """Return the tweets above a cursor that this page reaches."""
        new = [*takewhile(lambda commit: commit.last > subscription.cursor, reversed(self._commits))]
        entries = chain.from_iterable(commit.entries_for(subscription) for commit in reversed(new))
        page = FramePage.of(entries, self.newest, self.pruned_up_to)
        if len(self._pages) == MAX_PAGES:
            self._pages.clear()
        self._pages[subscription.kind, subscription.cursor, subscription.deletions] = page
        return page

    def drop_pages(self) -> None:
        """Keep no pages: no subscription is behind."""
        self._pages.clear()

    def _drop_oldest(self) -> None:
        oldest = self._commits.popleft()
        self._tweets -= oldest.weight
        self._bytes -= oldest.bytes
        self._before = oldest.last


class _ReadPage(NamedTuple):
    """Entries for tweets and deletions of the file: up to the id `end`, or for all there are."""

    entries: Sequence[PageEntry]
    end: int | None
    pruned_up_to: int

    @classmethod
    def of(cls, found: Slice, subscription: Subscription, limit: int) -> Self:
        """As many entries as `limit` allows effort for, to compare with the query, and as a page takes bytes."""
        (encoder, wanted), entries = subscription.kind, list[PageEntry]()
        size = effort = 0
        for one in found.entries:
            if effort >= limit or size >= PAGE_BYTES:
                break
            entries.append(PageEntry(one.id, _frame(one, encoder, wanted)))
            size += len(entries[-1].frame)
            effort += wanted.effort(one, folded=False) if isinstance(one, Tweet) else 1
        is_all = len(entries) == len(found.entries) < limit
        return cls(entries, None if is_all else entries[-1].id, found.pruned_up_to)


def _frame(entry: Tweet | Deletion, encoder: Encoder, wanted: Wanted) -> bytes:
    if isinstance(entry, Deletion):
        return encoder.deletion(entry)
    return encoder.tweet(entry) if wanted.holds(entry) else b""


class Backlog:
    """Read a page of the file. `reader` is called by `reads` only."""

    def __init__(self, reader: TagQueries, reads: ReadScheduler) -> None:
        self._reader = reader
        self._reads = reads
        self._deleted: set[int] | None = None  # tweets that are deleted while a page is read

    def note_deleted(self, tweet: int) -> None:
        """Leave a tweet out of the page that is being read."""
        if self._deleted is not None:
            self._deleted.add(tweet)

    async def page(self, subscription: Subscription, newest: int) -> FramePage:
        """Return the tweets above a cursor, up to the newest id that was published. Raises StoreError.

        The file may be ahead of that: what is newer will be pushed to a subscriber that is live by then, or be in the
        next page. A tweet that is deleted meanwhile must not be sent.
        """
        deleted = self._deleted = set()
        try:
            limit = SHORT_PAGE_TWEETS if self._reads.beside_uploads else PAGE_TWEETS
            read = await self._reads.run(partial(self._read, subscription, limit))
        finally:
            self._deleted = None
        entries = [entry for entry in read.entries if entry.id <= newest and entry.id not in deleted]
        end = newest if read.end is None else min(read.end, newest)
        return FramePage.of(entries, end, read.pruned_up_to)

    def _read(self, subscription: Subscription, limit: int) -> _ReadPage:
        # In the worker's thread the event loop does not wait for the comparisons and the encoding.
        keys, deletions = sorted(subscription.wanted.keys), subscription.deletions
        found = self._reader.read_after(subscription.cursor, limit, keys=keys, deletions=deletions)
        return _ReadPage.of(found, subscription, limit)
