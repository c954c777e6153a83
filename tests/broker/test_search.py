"""Searches: what they find, and that nothing else waits for one."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from tests.support.guard import GUARD_S
from tests.support.memory_store import MemoryStore
from tests.support.posters import Waiting
from tests.support.serving import counted
from ttweet.broker.journal import Journal
from ttweet.broker.read_scheduler import ReadScheduler
from ttweet.broker.search import Search
from ttweet.broker.service import Service
from ttweet.broker.worker import Worker
from ttweet.model.errors import Refused
from ttweet.model.query import Query
from ttweet.model.tweets import Count, Found


class HeldStore(MemoryStore):
    """Answers a search only when `may_answer` is set. Make it inside trio."""

    def __init__(self) -> None:
        super().__init__()
        self._token = trio.lowlevel.current_trio_token()
        self.may_answer = threading.Event()
        self.searches = 0
        self.has_found = trio.Event()

    def find(self, query: Query, *, limit: int, before: int | None = None) -> Found:
        found = super().find(query, limit=limit, before=before)
        self.searches += 1
        self._token.run_sync_soon(self.has_found.set)
        assert self.may_answer.wait(GUARD_S), "a test has kept the store from telling"
        return found


@asynccontextmanager
async def serving(store: MemoryStore) -> AsyncIterator[Service]:
    journal = Journal(store)
    with trio.fail_after(GUARD_S), Worker("reader") as worker, Worker("search") as searching:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(journal.run)
            scheduler = ReadScheduler(journal.uploads, worker, journal.trouble)
            search = Search(journal, store, ReadScheduler(journal.uploads, searching, journal.trouble))
            yield Service(journal, store, scheduler, counted(journal), search)
            journal.close()


async def post(service: Service, *texts: str) -> None:
    for text in texts:
        waiting = Waiting()
        await waiting.outcome(service.post(text, waiting))


async def test_a_query_finds_tweets_newest_first_in_pages_and_counts_them() -> None:
    store = MemoryStore()
    async with serving(store) as service:
        await post(service, "green build #ci", "red build", "green #ci", "")
        one, two, three, _ = store.tweets
        assert await service.find("build", limit=1) == Found([two], more=True)
        assert await service.find("build", limit=5, before=2) == Found([one], more=False)
        assert await service.find("", limit=2) == Found([three, two], more=True)
        assert await service.count_found("#ci") == Count(2)
        assert await service.count_found("#ci", before=3) == Count(1)


@pytest.mark.parametrize("query", ["-a", "since:foo", "a" * 301])
async def test_a_query_that_means_nothing_is_refused(query: str) -> None:
    async with serving(MemoryStore()) as service:
        for ask in (service.find(query, limit=5), service.count_found(query)):
            with pytest.raises(Refused) as refused:
                await ask
            assert refused.value.code == "bad_query"


async def test_a_search_that_takes_long_delays_no_other_query_and_is_the_only_one_under_way() -> None:
    store = HeldStore()
    async with serving(store) as service, trio.open_nursery() as nursery:
        await post(service, "one #a")
        for _ in range(3):
            nursery.start_soon(service.find, "one", 5)
        await store.has_found.wait()
        assert (await service.tweets_of_tag("a", limit=5)).value.tweets == store.tweets
        await post(service, "two")
        await trio.testing.wait_all_tasks_blocked()
        assert store.searches == 1
        store.may_answer.set()
    assert store.searches == 3


async def test_a_client_that_asks_many_times_delays_another_by_one_search() -> None:
    store = HeldStore()
    answered: list[str] = []
    async with serving(store) as service, trio.open_nursery() as nursery:
        await post(service, "one")

        async def search(client: str) -> None:
            await service.find("one", 5, client=client)
            answered.append(client)

        for client in (*["many"] * 6, "other"):
            nursery.start_soon(search, client)
            await trio.testing.wait_all_tasks_blocked()
        store.may_answer.set()
    assert answered == ["many", "many", "other", *["many"] * 4]


async def test_a_tweet_that_is_deleted_during_a_search_is_not_in_its_answer() -> None:
    store = HeldStore()
    found: list[Found] = []
    async with serving(store) as service, trio.open_nursery() as nursery:
        await post(service, "secret", "open secret")

        async def search() -> None:
            found.append(await service.find("secret", limit=5))

        nursery.start_soon(search)
        await store.has_found.wait()
        await service.delete(1, "ann")
        store.may_answer.set()
    assert [tweet.text for tweet in found[0].tweets] == ["open secret"]
    assert (found[0].more, found[0].searched_to) == (False, None)
    assert service._search._deleted == set()


async def test_a_query_continues_below_a_page_whose_tweets_are_deleted_during_the_search() -> None:
    store = HeldStore()
    found: list[Found] = []
    async with serving(store) as service, trio.open_nursery() as nursery:
        await post(service, "old secret", "secret")

        async def search() -> None:
            found.append(await service.find("secret", limit=1))

        nursery.start_soon(search)
        await store.has_found.wait()
        await service.delete(2, "ann")
        store.may_answer.set()
    assert found == [Found([], more=True, searched_to=2)]
