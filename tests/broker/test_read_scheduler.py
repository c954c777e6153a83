"""Reads beside uploads."""

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

import pytest
import trio
import trio.testing

from tests.support.guard import GUARD_S
from tests.support.held_store import HeldStore
from tests.support.posters import Poster, line_of, running
from ttweet.broker.journal import LINES_DELAY_S, Journal
from ttweet.broker.read_scheduler import GIVE_WAY_S, RECENT_S, ReadScheduler
from ttweet.broker.worker import MAX_CALLS, Worker, WorkerCall
from ttweet.model.errors import StoreError

T = TypeVar("T")


class Counting(Worker):
    """Counts what it was given."""

    given = 0

    def begin(self, function: Callable[[], T]) -> WorkerCall[T]:
        self.given += 1
        return super().begin(function)


class Reads:
    """Reads by name; `done` has the names in the order in which they were read."""

    def __init__(self, journal: Journal, worker: Counting, nursery: trio.Nursery) -> None:
        self.done: list[str] = []
        self.worker = worker
        self.scheduler = ReadScheduler(journal.uploads, worker, journal.trouble)
        self._nursery = nursery

    async def begin(self, *names: str) -> None:
        """Begin reads in this order, and wait until nothing more happens by itself."""
        for name in names:
            self._nursery.start_soon(self._read, name)
            await trio.testing.wait_all_tasks_blocked()

    def block(self) -> threading.Event:
        """Keep the thread from all that it is given from now on, until this is set."""
        blocked = threading.Event()
        self.worker.begin(partial(blocked.wait, GUARD_S))
        return blocked

    async def read_here(self, name: str) -> None:
        """Read in the task that calls."""
        await self._read(name)

    async def _read(self, *names: str) -> None:
        for name in names:
            self.done.append(await self.scheduler.run(partial(str, name)))

    async def read_on_and_on(self, *names: str) -> None:
        """Read one after the other, each as soon as the one before is done."""
        self._nursery.start_soon(self._read, *names)
        await trio.testing.wait_all_tasks_blocked()

    async def fail(self) -> None:
        """Read what cannot be read."""

        def damaged() -> None:
            raise StoreError("internal", "damaged")

        with pytest.raises(StoreError):
            await self.scheduler.run(damaged)


@asynccontextmanager
async def reading(journal: Journal) -> AsyncIterator[Reads]:
    with Counting("reader") as worker:
        async with trio.open_nursery() as nursery:
            yield Reads(journal, worker, nursery)


async def blocked_after_an_upload(journal: Journal, reads: Reads) -> threading.Event:
    """Have one upload written, and then keep the reader's thread until the event is set."""
    poster = Poster(journal)
    poster.post("just now")
    await poster.all_answered()
    return reads.block()


async def test_while_all_is_quiet_as_many_are_read_together_as_one_hop_answers() -> None:
    async with running(HeldStore()) as journal, reading(journal) as reads:
        blocked = reads.block()
        await reads.begin(*map(str, range(MAX_CALLS + 1)))
        assert reads.worker.given == 1 + MAX_CALLS
        blocked.set()
    assert len(reads.done) == MAX_CALLS + 1


async def test_a_read_waits_for_the_batch_that_is_being_written(mock_clock: trio.testing.MockClock) -> None:
    store = HeldStore()
    store.hold()
    async with running(store) as journal, reading(journal) as reads:
        Poster(journal).post("first")
        await store.wait_held()
        await reads.begin("why")
        assert reads.worker.given == 0
        store.release()
    assert reads.done == ["why"]


async def test_a_read_waits_no_longer_than_give_way_s(mock_clock: trio.testing.MockClock) -> None:
    store = HeldStore()
    store.hold()
    async with running(store) as journal, reading(journal) as reads:
        Poster(journal).post("slow disk")
        await store.wait_held()
        await reads.begin("why", "how")
        mock_clock.jump(GIVE_WAY_S)
        while not reads.done:
            await trio.lowlevel.checkpoint()
        assert reads.done == ["why"]
        store.release()
    assert reads.done == ["why", "how"]


async def test_beside_a_single_uploader_reads_are_made_one_by_one(mock_clock: trio.testing.MockClock) -> None:
    async with running(HeldStore()) as journal, reading(journal) as reads:
        blocked = await blocked_after_an_upload(journal, reads)
        await reads.begin("one", "two")
        assert reads.worker.given == 1 + 1
        mock_clock.jump(RECENT_S)
        await reads.begin("three")  # its turn is after that of "two"
        assert reads.worker.given == 1 + 1
        blocked.set()
    assert reads.done[0] == "one"
    assert len(reads.done) == 3


async def test_reads_are_beside_uploads_for_recent_s_after_the_last_one(mock_clock: trio.testing.MockClock) -> None:
    async with running(HeldStore()) as journal, reading(journal) as reads:
        seen = [reads.scheduler.beside_uploads]
        poster = Poster(journal)
        poster.post("just now")
        await poster.all_answered()
        seen.append(reads.scheduler.beside_uploads)
        mock_clock.jump(RECENT_S)
        assert [*seen, reads.scheduler.beside_uploads] == [False, True, False]


async def test_a_client_that_asks_on_and_on_comes_after_clients_that_have_asked_meanwhile(
    mock_clock: trio.testing.MockClock,
) -> None:
    async with running(HeldStore()) as journal, reading(journal) as reads:
        blocked = await blocked_after_an_upload(journal, reads)
        await reads.read_on_and_on("mine", "mine again")
        await reads.begin("yours")
        blocked.set()
    assert reads.done == ["mine", "yours", "mine again"]


async def test_a_batch_of_report_lines_alone_keeps_no_client_waiting(mock_clock: trio.testing.MockClock) -> None:
    store = HeldStore()
    store.hold()
    async with running(store) as journal, reading(journal) as reads:
        journal.report(line_of("somebody came"))
        await trio.testing.wait_all_tasks_blocked()
        mock_clock.jump(LINES_DELAY_S)
        await store.wait_held()
        await reads.begin("why")
        assert reads.worker.given == 1
        store.release()


async def test_a_read_that_fails_gives_its_place_to_the_next() -> None:
    async with running(HeldStore()) as journal, reading(journal) as reads:
        for _ in range(MAX_CALLS + 1):
            await reads.fail()
        await reads.begin("still there?")
    assert reads.done == ["still there?"]


async def test_a_client_that_gives_up_in_the_line_or_while_an_upload_is_written_leaves_its_place_to_others(
    mock_clock: trio.testing.MockClock,
) -> None:
    store = HeldStore()
    store.hold()
    async with running(store) as journal, reading(journal) as reads:
        Poster(journal).post("slow disk")
        await store.wait_held()
        async with trio.open_nursery() as leaving:
            for name in ("gives way", "stands in line"):
                leaving.start_soon(reads.read_here, name)
                await trio.testing.wait_all_tasks_blocked()
            leaving.cancel_scope.cancel()
        await reads.begin("here", "there")
        store.release()
    assert reads.done == ["here", "there"]
