"""Helpers for tests of the fan-out: a log without a server, and followers that check what they get."""

import json
from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest
import trio
import trio.testing

from tests.support.memory_store import MemoryStore
from tests.support.stored import tweets_of
from ttweet.broker import fanout, pages
from ttweet.broker.fanout import FanOut
from ttweet.broker.head import Head
from ttweet.broker.read_scheduler import ReadScheduler
from ttweet.broker.receipts import Keyed
from ttweet.broker.subscriptions import Encoder, Subscription, Wanted, wanted
from ttweet.model.query import holds, parse
from ttweet.model.tweets import Deletion, Tweet, draft
from ttweet.protocol.pushes import FrameEncoder

T = TypeVar("T")


class Stepwise(ReadScheduler):
    """Reads without a thread, whose calls take some turns of the other tasks before and after."""

    beside_uploads = False

    def __init__(self) -> None:
        pass

    async def run(self, find: Callable[[], T]) -> T:
        await trio.lowlevel.checkpoint()
        result = find()
        await trio.lowlevel.checkpoint()
        return result


class NotingEncoder(FrameEncoder):
    """Keeps the ids of the tweets that it has encoded."""

    def __init__(self) -> None:
        super().__init__()
        self.encoded: list[int] = []

    def tweet(self, tweet: Tweet) -> bytes:
        self.encoded.append(tweet.id)
        return super().tweet(tweet)


class Log:
    """A store, its fan-out, and a way to commit."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore()
        self.encoder = NotingEncoder()
        self.unpublished: list[list[Keyed]] = []
        self.restart()

    def restart(self) -> None:
        """Begin with nothing in memory, as a server that was started again."""
        self.fanout = FanOut(Head(self.store.position()), self.store, Stepwise())

    def commit(self, *taggings: str) -> None:
        """Commit a tweet for each string, with its letters as words and tags, and publish all that is committed."""
        self.write(*taggings)
        for tweets in self.unpublished:
            self.fanout.committed(tweets)
        self.unpublished.clear()

    def write(self, *taggings: str) -> None:
        """Commit tweets that are in the file already when they are yet to be published."""
        drafts = [draft(" ".join(["text", *tags]), tags=tags) for tags in taggings]
        tweets = tweets_of(self.store.append(drafts, [], at=0))
        self.unpublished.append([(tweet, draft.tags) for tweet, draft in zip(tweets, drafts, strict=True)])

    def ids(self, tags: str, above: int, up_to: int) -> list[int]:
        """Return the tweets that a follower of these tags must get."""
        tweets = self.store.tweets[above:up_to]
        if " " in tags:
            return [tweet.id for tweet in tweets if holds(parse(tags, 0), tweet)]
        return [tweet.id for tweet in tweets if not tags or {*tags} & {*tweet.tags}]


def asked(tags: str) -> Wanted:
    """Return what a follower wants: tweets with one of some tags, which are letters, or with a space a query."""
    return wanted("", parse(tags, 0)) if " " in tags else wanted(tags)


class FollowingClient:
    """A follower's end: what has come since it last said what it follows."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.encoder: Encoder = log.encoder
        self.tags = ""
        self.start = 0
        self.received: list[int] = []
        self.live: list[int] = []
        self.unsent = b""
        self.pushed: list[int] = []  # tweets, each time
        self.slow = False
        self.closed = False
        self.follower: Subscription | None = None

    @property
    def has_room(self) -> bool:
        return not self.unsent

    def push(self, data: bytes) -> bool:
        if not self.has_room:
            return False
        self.pushed.append(data.count(b'["m"'))
        self.unsent = data
        if not self.slow:
            self.drain()
        return True

    def close(self) -> None:
        self.closed = True
        if self.follower is not None:
            self.log.fanout.end(self.follower)

    def drain(self) -> None:
        """Take what is on its way."""
        for line in self.unsent.splitlines():
            kind, data = json.loads(line)
            (self.received if kind == "m" else self.live).append(data["id"])
        self.unsent = b""

    def resume(self) -> None:
        assert self.follower is not None
        self.log.fanout.resume(self.follower)

    def follow(self, tags: str, after: int | None) -> None:
        """Follow as one that has just connected."""
        self.follower = self.log.fanout.follow(self, asked(tags), after)
        self._begin(tags)

    def change(self, tags: str) -> None:
        """Follow other tags on the same connection."""
        self.drain()
        before = self.follower
        self.follower = self.log.fanout.follow(self, asked(tags), None, before)
        self.check(self.follower.cursor)
        self._begin(tags)

    def reconnect(self) -> None:
        """Lose what is on its way, and come back with the last id."""
        assert self.follower is not None
        self.log.fanout.end(self.follower)
        last = max([self.start, *self.received])
        self.unsent = b""
        self.check(last)
        self.follow(self.tags, last)

    def check(self, up_to: int) -> None:
        """Nothing is missing, nothing is twice, all in order; and the end of the history came in its place."""
        assert self.received == self.log.ids(self.tags, self.start, up_to)
        assert len(self.live) <= 1

    def _begin(self, tags: str) -> None:
        assert self.follower is not None
        self.tags, self.start, self.received, self.live = tags, self.follower.cursor, [], []
        self.resume()


async def following(log: Log, steps: Callable[[], object]) -> None:
    """Run steps, and then the reading for all followers that are behind."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(log.fanout.run)
        steps()
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()


def follow_all(clients: list[FollowingClient], tags: list[str], after: int | None = None) -> None:
    for client, theirs in zip(clients, tags, strict=True):
        client.follow(theirs, after)


class Listening:
    """A listener of a journal that keeps its calls."""

    def __init__(self) -> None:
        self.tweets: list[Keyed] = []
        self.ids: list[int] = []  # of tweets and deletions

    def committed(self, tweets: Sequence[Keyed]) -> None:
        self.tweets += tweets
        self.ids += [tweet.id for tweet, _ in tweets]

    def deleted(self, deletion: Deletion) -> None:
        self.ids.append(deletion.id)

    def pruned(self, up_to: int) -> None:
        pass


def shrink(patch: pytest.MonkeyPatch) -> None:
    """Little memory, small pages and short turns, so that a few tweets are enough to be far behind."""
    patch.setattr(pages, "PAGE_TWEETS", 3)
    patch.setattr(pages, "RECENT_TWEETS", 4)
    patch.setattr(pages, "MAX_PAGES", 2)
    for module in (pages, fanout):
        patch.setattr(module, "PAGE_BYTES", 150)
    patch.setattr(fanout, "PUSH_BYTES", 80)
    for turn in ("TURN_BYTES", "SHORT_TURN_BYTES"):
        patch.setattr(fanout, turn, 200)
    patch.setattr(fanout, "MAX_HITS", 4)
