"""Following: history and live are one sequence for every follower: slow, returning, or changing tags."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.support.following import FollowingClient, Log, follow_all, following
from tests.support.memory_store import MemoryStore
from ttweet.broker import fanout, pages
from ttweet.broker.subscriptions import Encoder, Subscription, Wanted, wanted
from ttweet.model import hashtags
from ttweet.model.errors import Refused, StoreError
from ttweet.model.query import parse
from ttweet.model.tweets import Deletion, Tweet, search_key
from ttweet.storage.contract import Slice


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little memory and small pages, so that a few tweets are enough to be far behind."""
    monkeypatch.setattr(pages, "PAGE_TWEETS", 3)
    monkeypatch.setattr(pages, "RECENT_TWEETS", 4)


async def test_a_live_follower_gets_the_commit_at_once_each_tweet_once() -> None:
    log = Log()
    client = FollowingClient(log)
    await following(log, lambda: client.follow("ab", None))
    log.commit("a", "c", "ab", "b")
    assert (client.received, client.live) == ([1, 3, 4], [0])


async def test_a_tweet_is_encoded_once_for_all_and_not_at_all_for_no_client() -> None:
    log = Log()
    clients = [FollowingClient(log) for _ in range(5)]
    await following(log, lambda: follow_all(clients, ["a", "a", "ab", "b", ""]))
    clients[4].close()
    log.commit("a", "c", "ab")
    assert log.encoder.encoded == [1, 3]
    assert [client.received for client in clients] == [[1, 3], [1, 3], [1, 3], [3], []]


@pytest.mark.parametrize("query", ["a -b", "tag:a -b", "-tag:b #a", "#A -#b te*"])
async def test_a_follower_with_a_query_gets_what_it_finds_behind_and_live(query: str) -> None:
    log = Log()
    log.commit("a", "ab", "b", "a", "c", "b", "ab", "a")
    client, others = FollowingClient(log), FollowingClient(log)
    await following(log, lambda: follow_all([client, others], [query, ""], 1))
    assert client.received == [4, 8]
    log.commit("ab", "a", "b")
    assert client.received == [4, 8, 10]
    assert others.received == [*range(2, 12)]
    client.close()
    others.close()
    assert (log.fanout._live, log.fanout._index, log.fanout._of_queries) == ({}, {}, set())


def test_a_query_for_a_tag_is_compared_with_tweets_of_that_tag_alone() -> None:
    assert wanted([], parse("b #A -tag:c tag:d", 0)).keys == {"a"}
    assert wanted([], parse("b -#a from:c tag:aa*", 0)).keys == set()
    assert wanted(["x"], parse("#a", 0)).keys == {"x"}


class Words:
    """Another edge's encoder."""

    keep_alive = b"here "

    def tweet(self, tweet: Tweet) -> bytes:
        return b"tweet %d\n" % tweet.id

    def deletion(self, deletion: Deletion) -> bytes:
        return b"deleted %d\n" % deletion.tweet

    def caught_up(self, cursor: int) -> bytes:
        return b"caught up %d\n" % cursor

    def pruned(self, up_to: int) -> bytes:
        return b"pruned %d\n" % up_to


class Sink:
    """A subscriber of an edge that takes everything at once."""

    has_room = True

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self.data = b""

    def push(self, data: bytes) -> bool:
        self.data += data
        return True

    def close(self) -> None:
        raise AssertionError("nothing fails here")


async def test_followers_of_different_edges_get_the_same_entries_each_in_its_encoding() -> None:
    log = Log()
    log.commit("a", "b", "a")
    frames, words = Sink(log.encoder), Sink(Words())
    for sink in (frames, words, words):
        log.fanout.resume(log.fanout.follow(sink, wanted(["a"]), 0, deletions=True))
    await following(log, lambda: log.fanout.pruned(1))
    log.commit("b", "a")
    log.fanout.deleted(Deletion(6, 0, 3))
    kinds = [json.loads(line)[0] for line in frames.data.splitlines()]
    assert kinds == ["g", "m", "e", "m", "x"]
    expected = ["pruned 1", "tweet 3", "caught up 3"] * 2 + ["tweet 5"] * 2 + ["deleted 3"] * 2
    assert words.data.decode().splitlines() == expected
    assert log.encoder.encoded == [3, 5]


async def test_history_comes_in_pages_and_its_end_is_reported_once(small: None) -> None:
    log = Log()
    for _ in range(10):
        log.commit("a", "b")
    client = FollowingClient(log)
    await following(log, lambda: client.follow("b", 3))
    client.check(20)
    assert client.live == [20]
    log.commit("b")
    assert client.received[-1] == 21


@pytest.mark.parametrize(("tags", "wanted"), [("b", 0), ("a", 8), ("", 8)])
async def test_a_page_from_memory_looks_at_a_bounded_number_of_tweets(
    tags: str, wanted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE_TWEETS", 3)
    log = Log()
    for taggings in ("aaaaa", "a", "aa"):
        log.commit(*taggings)
    seen: list[int] = []
    look_up = log.fanout._recent.page

    def look_up_and_note(follower: Subscription) -> object:
        page = look_up(follower)
        seen.append(page.cursor - follower.cursor)
        return page

    monkeypatch.setattr(log.fanout._recent, "page", look_up_and_note)
    client = FollowingClient(log)
    await following(log, lambda: client.follow(tags, 0))
    assert seen == [3, 3, 2]
    assert (len(client.received), client.live) == (wanted, [8])


async def test_a_follower_of_an_unused_tag_leaves_the_others_their_turns(small: None) -> None:
    log = Log()
    log.commit(*"aaaa")
    rare, all_ = FollowingClient(log), FollowingClient(log)
    await following(log, lambda: follow_all([rare, all_], ["z", ""], after=0))
    assert (rare.received, rare.live, rare.pushed) == ([], [4], [0])
    assert (all_.received, all_.live) == ([1, 2, 3, 4], [4])


async def test_no_tag_of_a_tweet_is_folded_for_a_follower(monkeypatch: pytest.MonkeyPatch) -> None:
    folded: list[str] = []
    fold = hashtags.key

    def fold_and_note(body: str) -> str:
        folded.append(body)
        return fold(body)

    log = Log()
    log.commit("A", "b", "Ab")
    monkeypatch.setattr(hashtags, "key", fold_and_note)
    search_key.cache_clear()
    client = FollowingClient(log)
    await following(log, lambda: client.follow("a", 0))
    log.fanout.committed([(Tweet(4, 0, None, "", ("A",)), ["a"])])
    assert client.received == [1, 3, 4]
    assert {*folded} == {"a"}, "the tag that is followed"


@pytest.mark.parametrize("remembered", [0, 100])
async def test_a_page_of_long_tweets_is_cut_short(remembered: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (pages, fanout):
        monkeypatch.setattr(module, "PAGE_BYTES", 100)
    monkeypatch.setattr(pages, "RECENT_TWEETS", remembered)
    log = Log()
    log.commit(*"abababab")
    client = FollowingClient(log)
    await following(log, lambda: client.follow("a", 0))
    client.check(8)
    assert client.pushed == [2, 2]


async def test_a_commit_of_more_than_a_page_is_pushed_as_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log()
    client = FollowingClient(log)
    await following(log, lambda: client.follow("", None))
    for module in (pages, fanout):
        monkeypatch.setattr(module, "PAGE_BYTES", 100)
    await following(log, lambda: log.commit(*"ababab"))
    client.check(6)
    assert client.pushed == [0, 2, 2, 2]
    log.commit("a")
    assert client.received[-1] == 7, "it is live again"


async def test_a_follower_without_room_costs_the_writer_nothing_and_misses_nothing(small: None) -> None:
    log = Log()
    client = FollowingClient(log)
    await following(log, lambda: client.follow("", None))
    client.slow = True
    for _ in range(20):
        log.commit("a")
    assert log.encoder.encoded == [1, 2], "the second found no room"
    client.slow = False
    client.drain()
    await following(log, client.resume)
    client.check(20)


async def test_recent_tweets_are_read_from_memory() -> None:
    class Unreadable(MemoryStore):
        def read_after(self, cursor: int, limit: int, **wanted: Any) -> Slice:
            raise AssertionError("the file was read")

    log = Log(Unreadable())
    for _ in range(1000):
        log.commit("a")
    client = FollowingClient(log)
    await following(log, lambda: client.follow("", 0))
    client.check(1000)


async def test_tweets_with_many_long_tags_are_remembered_in_smaller_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "RECENT_BYTES", 10_000)
    log = Log()
    remembered: list[int] = []
    for tags in ("", "abcdefgh"):
        for _ in range(50):
            log.commit(tags)
        remembered.append(len(log.fanout._recent._commits))
    assert remembered == [19, 6]
    client = FollowingClient(log)
    await following(log, lambda: client.follow("", 0))
    client.check(100)
    for number in range(1, 101):
        log.fanout.pruned(number)
    assert log.fanout._recent._bytes == 0


@pytest.mark.parametrize("tags", ["", "a"])
async def test_a_commit_during_a_read_comes_once(small: None, tags: str) -> None:
    class Racing(MemoryStore):
        def read_after(self, cursor: int, limit: int, **wanted: Any) -> Slice:
            found = super().read_after(cursor, limit, **wanted)
            if len(self.tweets) < 100:
                log.commit("a", "b")
            return found

    log = Log(Racing())
    log.commit("a", *"bbbbbbbbb")
    log.commit("b")
    client = FollowingClient(log)
    await following(log, lambda: client.follow(tags, 0))
    assert len(log.store.tweets) > 11
    client.check(len(log.store.tweets))


@pytest.mark.parametrize("tags", ["", "a"])
async def test_a_tweet_that_the_file_has_before_it_is_published_comes_once(small: None, tags: str) -> None:
    log = Log()
    log.commit("a", *"bbbbbbbbb")
    log.commit("b")
    log.write("a", "b")
    client = FollowingClient(log)
    await following(log, lambda: client.follow(tags, 9))
    assert client.received == log.ids(tags, 9, 11)
    log.commit("a")
    client.check(14)
    assert client.received[-1] == len(log.store.tweets)


async def test_a_client_that_cannot_be_read_for_is_disconnected_and_the_others_are_served(small: None) -> None:
    class Broken(MemoryStore):
        def read_after(self, cursor: int, limit: int, *, keys: Sequence[str] = (), deletions: bool = False) -> Slice:
            if keys:
                raise StoreError("internal", "the database failed")
            return super().read_after(cursor, limit, deletions=deletions)

    log = Log(Broken())
    for _ in range(10):
        log.commit("a")
    broken, whole = FollowingClient(log), FollowingClient(log)
    await following(log, lambda: follow_all([broken, whole], ["a", ""], after=0))
    assert (broken.closed, broken.received) == (True, [])
    whole.check(10)


async def test_after_a_read_that_failed_no_deletions_are_kept_for_it(small: None) -> None:
    class Broken(MemoryStore):
        def read_after(self, cursor: int, limit: int, **wanted: Any) -> Slice:
            raise StoreError("internal", "the database failed")

    log = Log(Broken())
    for _ in range(10):
        log.commit("a")
    await following(log, lambda: FollowingClient(log).follow("", 0))
    assert log.fanout._history._deleted is None


async def test_a_follower_that_has_ended_gets_nothing_more_and_leaves_nothing_behind() -> None:
    log = Log()
    clients = [FollowingClient(log) for _ in range(3)]
    await following(log, lambda: follow_all(clients, ["a", "ab", ""]))
    for client in clients:
        client.close()
        client.close()
    log.commit("a", "b")
    assert [client.received for client in clients] == [[], [], []]
    assert (log.fanout._live, log.fanout._index, log.fanout._of_everything) == ({}, {}, set())


def test_an_after_that_is_yet_to_come_counts_as_the_newest() -> None:
    log = Log()
    log.commit("a", "a")
    assert log.fanout.follow(FollowingClient(log), Wanted(), 99).cursor == 2


@pytest.mark.parametrize("tags", [["a-b"], ["a b"], [f"t{number}" for number in range(33)], ["a", "A"] * 17])
def test_tags_that_cannot_be_followed_are_refused(tags: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        wanted(tags)
    assert refused.value.code == "bad_tag"
