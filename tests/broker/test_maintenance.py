"""Words are indexed and erased while the server runs, and posts go first."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import pytest
import trio
import trio.lowlevel
import trio.testing

from tests.support.guard import GUARD_S
from tests.support.memory_store import MemoryStore
from tests.support.serving import Serving, serving
from ttweet.broker import maintenance
from ttweet.broker.journal import Journal
from ttweet.broker.maintenance import Maintenance
from ttweet.model.errors import StoreError
from ttweet.model.reports import message_deleted
from ttweet.storage.sqlite.reader import SqliteReader
from ttweet.storage.sqlite.word_index import parts_of
from ttweet.storage.sqlite.writer import SqliteStore

STEP_S = 0.01


class Busy(MemoryStore):
    """A store that has some pieces of work left for each tweet. `fails` are the errors of the next pieces."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 0
        self.pieces = 0
        self.fails: list[StoreError] = []

    def maintain(self) -> bool:
        if self.fails:
            raise self.fails.pop(0)
        due = 2 * len(self.tweets) + 3 * len(self.deletions)
        is_work = self.pieces < due
        self.pieces += is_work
        return is_work


class Timed(Journal):
    """A journal without a writer: a piece of its maintenance takes STEP_S, and `steps` are the times of their ends."""

    def __init__(self) -> None:
        super().__init__(MemoryStore())
        self.steps: list[float] = []

    async def maintain(self) -> bool:
        await trio.sleep(STEP_S)
        self.steps.append(trio.current_time())
        return True

    def share(self, from_s: float, to_s: float) -> float:
        """How much of a time was spent in maintenance."""
        return STEP_S * len([end for end in self.steps if from_s < end <= to_s]) / (to_s - from_s)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "GATHERING_S", 0.0)


@asynccontextmanager
async def maintained(here: Serving) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Maintenance(here.journal).run)
        yield
        nursery.cancel_scope.cancel()


async def until_pieces(store: Busy, number: int) -> None:
    with trio.fail_after(GUARD_S):
        while store.pieces < number:  # the store has no event
            await trio.lowlevel.checkpoint()


async def test_all_that_tweets_and_deletions_leave_is_done() -> None:
    store = Busy()
    async with serving(store) as here, maintained(here):
        caller = await here.call()
        await caller.ask("u", "one")
        commits = here.journal.commits
        await until_pieces(store, 2)
        assert here.journal.commits == commits
        await caller.ask("u", "two")
        await until_pieces(store, 4)
        await here.journal.delete(1, message_deleted(1, "ann"))
        await until_pieces(store, 5)
        assert (store.pieces, len(store.tweets)) == (5, 1)


async def test_a_store_that_cannot_be_maintained_is_tried_again_and_takes_posts_meanwhile(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(maintenance, "RETRY_INTERVAL_S", 0.0)
    store = Busy()
    store.fails = [StoreError("full", "the disk is full"), StoreError("busy", "locked")]
    async with serving(store) as here, maintained(here):
        caller = await here.call()
        assert (await caller.ask("u", "one"))[0] == "ok"
        await until_pieces(store, 2)
    assert [record.message for record in caplog.records if "indexed" in record.message] == [
        "words are not indexed for now: the disk is full"
    ]


async def test_maintenance_ends_when_the_journal_is_closed() -> None:
    async with serving(Busy()) as here:
        maintaining = Maintenance(here.journal)
        here.journal.close()
        with trio.fail_after(GUARD_S):
            await maintaining.run()


async def test_maintenance_takes_a_tenth_of_the_time_while_clients_post_and_then_all_of_it(
    autojump_clock: trio.testing.MockClock,
) -> None:
    journal = Timed()
    start = autojump_clock.current_time()
    with trio.move_on_at(start + 20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Maintenance(journal).run)
            while trio.current_time() < start + 10:
                await trio.sleep(0.004)
                journal.acknowledged += 1
            await trio.sleep_forever()
    assert journal.share(start, start + 10) == pytest.approx(0.1, rel=0.02)
    assert journal.share(start + 10.1, start + 20) == pytest.approx(1, rel=0.02)


async def test_a_server_indexes_words_soon_after_a_post(store: SqliteStore) -> None:
    async with serving(store) as here, maintained(here):
        caller = await here.call()
        for number in range(5):
            await caller.ask("u", f"word{number}")
        with closing(store.reader()) as reader, trio.fail_after(GUARD_S):
            while indexed_up_to(reader) < 5:  # the store has no event
                await trio.lowlevel.checkpoint()


def indexed_up_to(reader: SqliteReader) -> int:
    return max([part.up_to for part in parts_of(reader._connection).values()], default=0)
