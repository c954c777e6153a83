"""The operations of users, without bytes and streams."""

import sqlite3
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path

import pytest
import trio
import trio.testing

from tests.support.guard import GUARD_S
from tests.support.memory_store import MemoryStore
from tests.support.posters import MOVED_UNKNOWN, Waiting
from tests.support.serving import counted
from tests.support.sqlite_files import opened
from ttweet.broker.journal import Journal
from ttweet.broker.read_scheduler import ReadScheduler
from ttweet.broker.search import Search
from ttweet.broker.service import Service
from ttweet.broker.worker import Worker
from ttweet.model import reports
from ttweet.model.answers import Deletions, Shared
from ttweet.model.errors import Refused
from ttweet.model.tweets import Draft, Page, TagPage, Tombstone, Tweet
from ttweet.storage.contract import Line, Store


class CountingStore(MemoryStore):
    """Counts how often tags are listed."""

    lists = 0

    def list_tags(self, *, limit: int, now: int, numbers: bool = False) -> TagPage:
        self.lists += 1
        return super().list_tags(limit=limit, now=now, numbers=numbers)


class SlowToTell(MemoryStore):
    """Keeps the writer for a while after a commit that readers see already. Make it inside trio."""

    def __init__(self) -> None:
        super().__init__()
        self._token = trio.lowlevel.current_trio_token()
        self._gate = threading.Event()
        self.tell = self._gate.set
        self.committed = trio.Event()
        self.asked = trio.Event()

    def append(self, drafts: Sequence[Draft], lines: Sequence[Line], *, at: int) -> list[Tweet | Tombstone]:
        stored = super().append(drafts, lines, at=at)
        self._token.run_sync_soon(self.committed.set)
        assert self._gate.wait(GUARD_S), "a test has kept the store from telling"
        return stored

    def newest_id(self) -> int:
        self._token.run_sync_soon(self.asked.set)
        return super().newest_id()


@asynccontextmanager
async def serving(store: Store) -> AsyncIterator[Service]:
    journal = Journal(store)
    with Worker("reader") as worker, closing(store.reader()) as reader:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(journal.run)
            scheduler = ReadScheduler(journal.uploads, worker, journal.trouble)
            yield Service(journal, reader, scheduler, counted(journal), Search(journal, reader, scheduler))
            journal.close()


async def post(service: Service, text: str, **options: object) -> Tweet:
    waiting = Waiting()
    return await waiting.outcome(service.post(text, waiting, **options))  # type: ignore[arg-type]  # as post has them


async def test_a_posted_tweet_is_the_last_message_and_found_by_its_tag_in_any_spelling() -> None:
    async with serving(MemoryStore()) as service:
        assert service.last() is None
        tweet = await post(service, "learning #Python")
        assert service.last() == tweet
        for spelling in ("python", "#PYTHON", "＃Ｐython"):
            page = (await service.tweets_of_tag(spelling, limit=5)).value
            assert page == ([tweet], False)


async def test_tags_beside_the_text_find_it_too_and_a_key_gives_the_first_again() -> None:
    async with serving(MemoryStore()) as service:
        tweet = await post(service, "a #b", tags=["c"], scan=False, key="k")
        assert tweet.tags == ("c",)
        assert await post(service, "other", key="k") == tweet
        assert (await service.tweets_of_tag("b", limit=5)).value.tweets == []


async def test_the_pages_of_a_tag_go_back_from_an_id() -> None:
    async with serving(MemoryStore()) as service:
        tweets = [await post(service, f"{number} #t") for number in range(3)]
        assert (await service.tweets_of_tag("t", limit=2)).value == ([tweets[2], tweets[1]], True)
        assert (await service.tweets_of_tag("t", limit=2, before=tweets[1].id)).value == ([tweets[0]], False)


async def test_the_newest_tweets_are_kept_up_by_commits_without_the_empty_ones_and_without_a_deleted_one() -> None:
    async with serving(MemoryStore()) as service:
        tweets = [await post(service, text) for text in ("1", "2 #t", "")]
        assert (await service.timeline(limit=5)).value == ([tweets[1], tweets[0]], False)
        tweets += [await post(service, "4"), await post(service, "")]
        kept = await service.timeline(limit=5)
        assert kept.value == ([tweets[3], tweets[1], tweets[0]], False)
        assert await service.timeline(limit=5) is kept, "its bytes are made once"
        await service.delete(2, "ann")
        assert (await service.timeline(limit=1)).value == ([tweets[3]], True)
        assert (await service.timeline(limit=5)).value == ([tweets[3], tweets[0]], False)


async def test_the_timeline_goes_back_from_an_id_and_forward_from_one_without_the_empty_tweets() -> None:
    async with serving(MemoryStore()) as service:
        tweets = [await post(service, text) for text in ("1", "", "3", "4")]
        assert (await service.timeline(limit=1, before=4)).value == ([tweets[2]], True)
        assert (await service.timeline(limit=2, after=0)).value == ([tweets[0], tweets[2]], True)
        assert (await service.timeline(limit=200, after=1)).value == (tweets[2:], False)


async def test_a_tweet_is_found_by_its_id_a_deleted_one_as_its_tombstone() -> None:
    async with serving(MemoryStore()) as service:
        tweets = [await post(service, text) for text in ("1", "2")]
        await service.delete(2, "ann")
        assert await service.tweet(1) == tweets[0]
        assert await service.tweet(2) == Tombstone(2, tweets[1].at)
        with pytest.raises(Refused, match="no tweet has the id 7"):
            await service.tweet(7)


async def test_the_newest_deletions_are_reported_newest_first() -> None:
    async with serving(MemoryStore()) as service:
        for text in ("1", "2"):
            await post(service, text)
        deletions = [await service.delete(id_, "ann") for id_ in (2, 1)]
        assert await service.newest_deletions(limit=5) == Deletions(deletions[::-1])
        assert await service.newest_deletions(limit=1) == Deletions(deletions[1:])


@pytest.mark.parametrize("tag", ["", "#", "##a", "a b", " ab", "a-b", "🎉", "\u200d", "\ud800"])
def test_an_invalid_tag_is_refused(tag: str) -> None:
    async def ask() -> None:
        async with serving(MemoryStore()) as service:
            with pytest.raises(Refused, match="invalid tag") as refused:
                await service.tweets_of_tag(tag, limit=5)
            assert refused.value.code == "bad_tag"

    trio.run(ask)


async def test_the_tags_are_listed_with_todays_count_and_numbers_only_when_asked() -> None:
    async with serving(MemoryStore()) as service:
        await post(service, "#a #1")
        await post(service, "#a")
        (listed,), more = (await service.list_tags(limit=5)).value
        assert (listed.tag, listed.count, sum(listed.days), more) == ("a", 2, 2, False)
        with_numbers = (await service.list_tags(limit=5, numbers=True)).value
        assert [summary.tag for summary in with_numbers.tags] == ["a", "1"]


async def test_a_refused_post_queues_nothing() -> None:
    store = MemoryStore()
    async with serving(store) as service:
        with pytest.raises(Refused, match="151 characters"):
            service.post("a" * 151, Waiting())
    assert store.tweets == []
    assert store.log == []


async def test_report_lines_of_posts_and_of_others_are_stored_in_order() -> None:
    store = MemoryStore()
    async with serving(store) as service:
        service.report(reports.server_started("127.0.0.1"))
        await post(service, "")
        assert service.inbox.has_room
        await service.inbox.room()
    assert [line.text for line in store.log] == [
        "SERVER ON HAS INITIALIZED ON IP: 127.0.0.1",
        "Message Received: Empty Message",
    ]


@pytest.mark.parametrize("query", ["tweets_of_tag", "list_tags"])
async def test_the_last_message_is_never_older_than_what_a_tag_has_shown(query: str) -> None:
    store = SlowToTell()
    answers: list[Shared[Page] | Shared[TagPage]] = []
    async with serving(store) as service, trio.open_nursery() as nursery:

        async def ask() -> None:
            find = service.list_tags if query == "list_tags" else partial(service.tweets_of_tag, "seen")
            answers.append(await find(limit=5))
            assert service.last() == store.tweets[0]

        service.post("early #seen", Waiting())
        await store.committed.wait()
        nursery.start_soon(ask)
        await store.asked.wait()
        await trio.testing.wait_all_tasks_blocked()
        assert answers == []
        store.tell()
    assert len(answers) == 1


async def test_queries_are_answered_after_a_commit_of_which_no_client_was_reported() -> None:
    store = MemoryStore()
    async with serving(store) as service:
        await post(service, "stored #seen")
        store.fail_next = [MOVED_UNKNOWN]
        waiting = Waiting()
        service.post("unknown #seen", waiting)
        await waiting.told()
        page = (await service.tweets_of_tag("seen", limit=5)).value
        assert [tweet.text for tweet in page.tweets] == ["unknown #seen", "stored #seen"]
        assert service.last() == page.tweets[0]


async def test_a_tweet_that_another_program_put_into_the_file_keeps_no_query_waiting(tmp_path: Path) -> None:
    with opened(tmp_path / "tweets.db") as store, trio.fail_after(GUARD_S):
        async with serving(store) as service:
            own = await post(service, "ours", by="ann")
            with closing(sqlite3.connect(tmp_path / "tweets.db")) as other, other:
                other.execute("INSERT INTO tweets VALUES (9, 1, 'ann', 'by hand', '[]')")
            found = await service.tweets_of_author("ann", limit=5)
            assert [tweet.id for tweet in found.tweets] == [9, own.id]


async def test_lists_of_tags_within_a_moment_cost_one_look_and_each_gets_its_length() -> None:
    store = CountingStore()
    async with serving(store) as service:
        for number in range(30):
            await post(service, f"#{'abcdefghijklmnopqrstuvwxyzäöüß'[number]}")
        lists = [(await service.list_tags(limit)).value for limit in (1, 5, 20)]
        assert [(len(tags), more) for tags, more in lists] == [(1, True), (5, True), (20, True)]
        assert store.lists == 1
        lists = [(await service.list_tags(limit)).value for limit in (200, 30, 29)]
        assert [(len(tags), more) for tags, more in lists] == [(30, False), (30, False), (29, True)]
        assert store.lists == 2
        await post(service, "#new")
        assert len((await service.list_tags(200, least=30)).value.tags) == 30
        assert len((await service.list_tags(200)).value.tags) == 31
        assert store.lists == 3


async def test_no_list_shows_a_tag_whose_tweet_was_deleted() -> None:
    async with serving(MemoryStore()) as service:
        tweet = await post(service, "#secret")
        assert len((await service.list_tags(20)).value.tags) == 1
        await service.delete(tweet.id, "ann")
        assert (await service.list_tags(20, least=0)).value.tags == []
