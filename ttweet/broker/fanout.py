"""Those who follow the log: each is a cursor, `(tags, last id)`, and what it reads is one sequence, history and live.

A follower that has caught up is *live*: it stands in the index of its tags and gets what a commit has for it from
memory, encoded once for all. One that is behind, because its history is long or its socket full, is out of the index
and costs the writer nothing: `run` reads it page after page, from the last tweets in memory or from the file, as fast
as it takes them, until it is live again. No follower has a queue.

The two meet in `_step`: only what is above the cursor and was published is sent, and in the same moment in which the
cursor reaches the newest published tweet the follower becomes live, so there is neither a gap nor a repetition.
Knows no sockets and no SQL.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, takewhile
from typing import NamedTuple, Protocol, Self

import trio

from ttweet.broker.journal import Journal
from ttweet.broker.read_scheduler import ReadScheduler
from ttweet.broker.receipts import Keyed
from ttweet.model.errors import Refused, StoreError
from ttweet.model.limits import PAGE_BYTES
from ttweet.model.tweets import MAX_TAGS, Deletion, Tweet, search_key
from ttweet.protocol import pushes
from ttweet.storage.contract import TagQueries

log = logging.getLogger(__name__)

PAGE_TWEETS = 256  # looked at in one read for a follower that is behind: some 70 KiB, 1 ms
TURN_BYTES = 1024 * 1024  # pushed in one turn of the event loop, 2 ms: others get theirs in between
PUSH_BYTES = TURN_BYTES // 256  # that a push counts for at least: a system call takes as long as 4 KiB
MAX_HITS = 4_096  # tweets times sets of tags that a commit is sorted into: more are found page by page, some 2 ms
MAX_PAGES = 8  # kept for the followers that are behind at the same place, 2 MiB
RECENT_TWEETS = 2_000  # at most are kept in memory, some 1 MiB: who fell behind for a moment needs no disk

Encode = Callable[[Tweet], bytes]
Keys = frozenset[str]


class Subscriber(Protocol):
    """Whoever is pushed to."""

    @property
    def has_room(self) -> bool:
        """Whether all that was pushed so far has left. Who says no calls `FanOut.resume` when it has."""
        ...

    def push(self, data: bytes) -> None:
        """Send frames without waiting; what does not leave at once is the subscriber's to keep. Must not raise."""
        ...

    def close(self) -> None:
        """Let go of the client, who can come back with the last id it has seen."""
        ...


class Subscription:
    """One cursor: all that is to be pushed up to `cursor` was pushed. While it is live, the newest tweet counts."""

    __slots__ = ("cursor", "deletions", "gone", "history", "keys", "state", "subscriber")

    def __init__(
        self, subscriber: Subscriber, keys: Keys, cursor: int, history: int, *, gone: int = 0, deletions: bool = False
    ) -> None:
        self.subscriber = subscriber
        self.keys = keys
        """Search keys, any of which a tweet must have; none: all tweets are wanted."""
        self.deletions = deletions
        """Whether it wants to hear of deletions; those of all tweets, as a deleted one has no tags."""
        self.cursor = cursor
        self.history: int | None = history
        """The newest id when it began; None once it was told that it has all up to there."""
        self.gone = gone
        """The id up to which it knows that tweets are not kept any more."""
        self.state = WAITING


WAITING, READING, LIVE, ENDED = "waiting for room", "to be read for", "live", "ended"


class _Turn:
    """What may still be pushed in one turn of the event loop."""

    def __init__(self) -> None:
        self._left = TURN_BYTES

    @property
    def is_over(self) -> bool:
        return self._left <= 0

    def count(self, size: int) -> None:
        """Note a push of so many bytes, or other work that takes as long."""
        self._left -= max(size, PUSH_BYTES)

    def reserve(self, wanted: int, size: int) -> int:
        """How many of the pushes wanted, each of so many bytes, are made in this turn."""
        each = max(size, PUSH_BYTES)
        number = min(wanted, self._left // each) if size <= PAGE_BYTES else 0
        self._left -= number * each
        return number


class _Batch:
    """One commit's tweets, or a deletion; each is encoded when it is first wanted, once for all."""

    def __init__(self, tweets: Sequence[Keyed], encode: Encode, deletion: Deletion | None = None) -> None:
        self.tweets = tweets
        self.deletion = deletion
        self.last = tweets[-1][0].id if deletion is None else deletion.id
        """The newest id of this commit, which stays when its tweet is deleted."""
        self.weight = max(1, len(tweets))
        """For how many tweets it counts in memory."""
        self._encode = encode
        self._frames: dict[int, bytes] = {}

    def frame(self, tweet: Tweet) -> bytes:
        frame = self._frames.get(tweet.id)
        if frame is None:
            frame = self._frames[tweet.id] = self._encode(tweet)
        return frame

    def drop(self, tweet: int) -> None:
        self.tweets = [one for one in self.tweets if one[0].id != tweet]
        self._frames.pop(tweet, None)

    def drop_up_to(self, gone: int) -> None:
        self.tweets = [one for one in self.tweets if one[0].id > gone]

    def frames_for(self, follower: Subscription) -> Iterator[tuple[int, bytes]]:
        """The ids of this commit above a follower's cursor, each with its frame, which is empty if it is not wanted."""
        if self.deletion is not None:
            yield self.deletion.id, pushes.encode_deletion(self.deletion) if follower.deletions else b""
        for tweet, keys in self.tweets:
            if tweet.id > follower.cursor:
                is_wanted = not (follower.keys and follower.keys.isdisjoint(keys))
                yield tweet.id, self.frame(tweet) if is_wanted else b""


class _Page(NamedTuple):
    """Frames for a follower, the id up to which it has all then, and the one up to which tweets were gone before."""

    data: bytes
    cursor: int
    gone: int

    @classmethod
    def of(cls, frames: Iterable[tuple[int, bytes]], end: int, gone: int) -> Self:
        """As many frames as a page takes, each given with its id; with all of them the cursor comes to `end`.

        An empty frame counts too: what a page costs depends on the tweets that are looked at, not on those wanted.
        """
        taken: list[bytes] = []
        size = cursor = 0
        for id_, frame in frames:
            if len(taken) == PAGE_TWEETS or (frame and size >= PAGE_BYTES):
                return cls(b"".join(taken), cursor, gone)
            taken.append(frame)
            size, cursor = size + len(frame), id_
        return cls(b"".join(taken), end, gone)


class FanOut:
    """All followers of one journal. `reader` is called by `reading` only; `encode` makes the frame of a push."""

    def __init__(self, journal: Journal, reader: TagQueries, reading: ReadScheduler, encode: Encode) -> None:
        self._reader = reader
        self._reading = reading
        self._encode = encode
        self._live: dict[Keys, set[Subscription]] = {}
        self._index: dict[str, set[Keys]] = {}
        self._behind: deque[Subscription] = deque()
        self._work = trio.Event()
        self._recent: deque[_Batch] = deque()
        self._recent_tweets = 0
        self._pages: dict[tuple[Keys, int, bool], _Page] = {}  # from memory, until something is new or gone
        self._deleted_meanwhile: set[int] | None = None  # tweets that are deleted while a page of the file is read
        self._newest = self._before_recent = journal.newest
        self.gone = journal.gone
        """The id up to which tweets are not kept any more: who follows from before it is told so."""
        journal.on_commit = self.publish
        journal.on_deletion = self.publish_deletion
        journal.on_prune = self.prune

    def follow(
        self,
        subscriber: Subscriber,
        tags: Sequence[str],
        after: int | None,
        instead_of: Subscription | None = None,
        *,
        deletions: bool = False,
    ) -> Subscription:
        """A follower that `resume` sets going, of tweets above `after`, or of new ones. Raises Refused `bad_tag`.

        One that takes another's place without saying from where goes on where that one was, so nothing is missed. An
        `after` beyond the newest tweet counts as the newest.
        """
        if len(tags) > MAX_TAGS:  # looked at first: a frame has room for thousands, which take 15 ms to fold
            raise Refused("bad_tag", f"{len(tags)} tags to follow, the limit is {MAX_TAGS}")
        keys = frozenset([search_key(tag) for tag in tags])
        if after is None:
            after = self._position(instead_of) if instead_of is not None else self._newest
        if instead_of is not None:
            self.end(instead_of)
        cursor = min(after, self._newest)
        return Subscription(subscriber, keys, cursor, self._newest, gone=self.gone, deletions=deletions)

    def resume(self, follower: Subscription) -> None:
        """Go on with a follower that has room."""
        if follower.state is WAITING:
            follower.state = READING
            self._behind.append(follower)
            self._work.set()

    def end(self, follower: Subscription) -> None:
        """Push nothing more to it."""
        if follower.state is LIVE:
            self._leave(follower)
        follower.state = ENDED

    def publish(self, tweets: Sequence[Keyed]) -> None:
        """Push what was committed just now to those who are live; ids rise from call to call."""
        batch = _Batch(tweets, self._encode)
        before = self._take_over(batch)
        if self._live:
            turn = _Turn()
            for keys, frames in self._wanted(batch).items():
                self._push_to_all([*self._live[keys]], frames, before, turn)

    def publish_deletion(self, deletion: Deletion) -> None:
        """Forget a tweet, and push to those who are live and want to hear of it that it was deleted."""
        if self._deleted_meanwhile is not None:
            self._deleted_meanwhile.add(deletion.tweet)
        self._forget(deletion.tweet)
        before = self._take_over(_Batch([], self._encode, deletion))
        told = [follower for alike in self._live.values() for follower in alike if follower.deletions]
        self._push_to_all(told, [pushes.encode_deletion(deletion)], before, _Turn())

    def prune(self, gone: int) -> None:
        """Forget the tweets up to an id. Who is live has them; who is behind is told with the next page."""
        self.gone = gone
        self._pages.clear()
        while self._recent and self._recent[0].last <= gone:
            self._drop_oldest()
        if self._recent:
            self._recent[0].drop_up_to(gone)

    async def run(self) -> None:
        """Read for those who are behind, a page for each in turn, until cancelled."""
        while True:
            await self._work.wait()  # a checkpoint in any case
            turn = _Turn()
            while self._behind and not turn.is_over:
                await self._read_for(self._behind.popleft(), turn)
            if not self._behind:
                self._work = trio.Event()
                self._pages.clear()

    def _position(self, follower: Subscription) -> int:
        return self._newest if follower.state is LIVE else follower.cursor

    def _push_to_all(
        self, followers: Sequence[Subscription], frames: Sequence[bytes], before: int, turn: _Turn
    ) -> None:
        """Push to as many as the turn has room for; the others get it as a page, as those without room do."""
        number = turn.reserve(len(followers), sum(map(len, frames))) if frames else 0
        data = b"".join(frames) if number else b""
        for follower in followers[:number]:
            if follower.subscriber.has_room:
                follower.subscriber.push(data)
            else:
                self._fall_behind(follower, before)
        for follower in followers[number:]:
            self._fall_behind(follower, before)

    def _fall_behind(self, follower: Subscription, cursor: int) -> None:
        self._leave(follower)
        follower.cursor = cursor
        follower.state = WAITING
        if follower.subscriber.has_room:
            self.resume(follower)

    def _wanted(self, batch: _Batch) -> dict[Keys, Sequence[bytes]]:
        """The frames of a batch for each set of keys that live followers have, in order of ids.

        With more than MAX_HITS, every set has none: its followers are to be read for.
        """
        wanted: dict[Keys, list[bytes]] = {}
        if _EVERYTHING in self._live:
            wanted[_EVERYTHING] = [batch.frame(tweet) for tweet, _ in batch.tweets]
        hits = 0
        for tweet, tags in batch.tweets if self._index else ():
            found = self._followed_sets(tags)
            hits += len(found)
            if hits > MAX_HITS:
                return dict.fromkeys(self._live, ())
            for keys in found:
                wanted.setdefault(keys, []).append(batch.frame(tweet))
        return {**wanted}

    def _followed_sets(self, tags: Iterable[str]) -> set[Keys]:
        found = [self._index[key] for key in tags if key in self._index]
        return set().union(*found) if found else _NOTHING

    def _take_over(self, batch: _Batch) -> int:
        """Remember what is the newest by now; returns the newest id before."""
        before, self._newest = self._newest, batch.last
        self._pages.clear()
        self._remember(batch)
        return before

    def _remember(self, batch: _Batch) -> None:
        self._recent.append(batch)
        self._recent_tweets += batch.weight
        while self._recent_tweets > RECENT_TWEETS:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        oldest = self._recent.popleft()
        self._recent_tweets -= oldest.weight
        self._before_recent = oldest.last

    def _forget(self, tweet: int) -> None:
        holding = next((batch for batch in self._recent if batch.last >= tweet), None)
        if holding is not None:
            holding.drop(tweet)

    async def _read_for(self, follower: Subscription, turn: _Turn) -> None:
        if follower.state is not READING:
            return
        try:
            page = self._page_from_memory(follower, turn) or await self._page_from_file(follower)
        except StoreError as error:
            log.warning("a follower is let go, as its history cannot be read: %s", error)
            follower.subscriber.close()
            return
        if follower.state is READING:
            turn.count(len(page.data))
            self._step(follower, page)

    def _step(self, follower: Subscription, page: _Page) -> None:
        """Send a page and see what comes next: live, another page, or waiting for room."""
        if not follower.subscriber.has_room:
            follower.state = WAITING
            return
        data = page.data
        if follower.cursor < page.gone > follower.gone:
            follower.gone = page.gone
            data = pushes.encode_gone(page.gone) + data
        follower.cursor = page.cursor
        if follower.history is not None and page.cursor >= follower.history:
            follower.history = None
            data += pushes.encode_live(page.cursor)
        if page.cursor >= self._newest:
            self._join(follower)
        else:
            self._behind.append(follower)
        if data:
            follower.subscriber.push(data)

    def _page_from_memory(self, follower: Subscription, turn: _Turn) -> _Page | None:
        """What is new to a follower whose cursor is among the recent tweets; None for any other.

        Alike followers share it: a commit that was too much for one turn leaves many of them at the same place.
        """
        if follower.cursor < self._before_recent:
            return None
        place = follower.keys, follower.cursor, follower.deletions
        page = self._pages.get(place)
        if page is None:
            turn.count(PAGE_BYTES)  # it takes as long to look at so many tweets
            page = self._look_up(follower)
            if len(self._pages) == MAX_PAGES:
                self._pages.clear()
            self._pages[place] = page
        return page

    def _look_up(self, follower: Subscription) -> _Page:
        new = [*takewhile(lambda batch: batch.last > follower.cursor, reversed(self._recent))]
        frames = chain.from_iterable(batch.frames_for(follower) for batch in reversed(new))
        return _Page.of(frames, self._newest, self.gone)

    async def _page_from_file(self, follower: Subscription) -> _Page:
        # The file may be ahead of what was published: what is newer than this will be pushed to a follower that is live
        # by then, or be in the next page. What is deleted meanwhile must not be sent.
        newest = self._newest
        deleted = self._deleted_meanwhile = set()
        keys = sorted(follower.keys)
        read = partial(self._reader.read_after, keys=keys, deletions=follower.deletions)
        try:
            found, gone = await self._reading.run(partial(read, follower.cursor, PAGE_TWEETS))
        finally:
            self._deleted_meanwhile = None
        entries = [entry for entry in found if entry.id <= newest]
        end = entries[-1].id if len(entries) == PAGE_TWEETS else newest
        frames = ((entry.id, self._frame(entry)) for entry in entries if entry.id not in deleted)
        return _Page.of(frames, end, gone)

    def _frame(self, entry: Tweet | Deletion) -> bytes:
        return self._encode(entry) if isinstance(entry, Tweet) else pushes.encode_deletion(entry)

    def _join(self, follower: Subscription) -> None:
        follower.state = LIVE
        alike = self._live.setdefault(follower.keys, set())
        if not alike:
            for key in follower.keys:
                self._index.setdefault(key, set()).add(follower.keys)
        alike.add(follower)

    def _leave(self, follower: Subscription) -> None:
        alike = self._live[follower.keys]
        alike.remove(follower)
        if not alike:
            del self._live[follower.keys]
            for key in follower.keys:
                self._index[key].remove(follower.keys)
                if not self._index[key]:
                    del self._index[key]


_EVERYTHING = Keys()
_NOTHING: set[Keys] = set()
