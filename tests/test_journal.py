"""The one writer: examples of each promise, then a random model of posters, keys, cancellations and failing commits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.held_store import HeldStore
from tests.memory_store import MemoryStore
from ttweet import journal as journal_module
from ttweet import reports
from ttweet.errors import Refused, StoreError, TtweetError
from ttweet.journal import Journal, Receipt
from ttweet.reports import Report, message_received
from ttweet.tweets import Draft, Tweet

FULL, BUSY = StoreError("full", "no room"), StoreError("busy", "locked")
UNKNOWN, INTERNAL = StoreError("unknown", "input/output error"), StoreError("internal", "broken")


@dataclass
class Poster:
    """Posts to a journal and keeps what became of it, in the order in which it was answered."""

    journal: Journal
    receipts: list[Receipt] = field(default_factory=list)
    answers: list[Receipt] = field(default_factory=list)
    calls: int = 0
    progress: trio.Event = field(default_factory=trio.Event)

    def post(self, text: str, key: str | None = None) -> Receipt:
        receipt = self.journal.append(Draft(text, key=key), message_received(text), self)
        self.receipts.append(receipt)
        return receipt

    def answered(self) -> None:
        self.calls += 1
        decided = [receipt for receipt in self.receipts if receipt.outcome is not None]
        self.answers += decided[len(self.answers) :]
        self.progress.set()

    async def all_answered(self) -> list["Tweet | TtweetError | None"]:
        with trio.fail_after(10):
            while len(self.answers) < len(self.receipts):
                self.progress = trio.Event()
                await self.progress.wait()
        return [receipt.outcome for receipt in self.receipts]


@asynccontextmanager
async def running(store: MemoryStore) -> AsyncIterator[Journal]:
    """A journal that runs until the block is left, and is drained then."""
    journal = Journal(store)
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(journal.run)
            yield journal
            journal.close()


def texts(store: MemoryStore) -> list[str]:
    return [tweet.text for tweet in store.tweets]


def lines(store: MemoryStore) -> list[str]:
    return [reports.line(line.side, line.category, line.text) for line in store.log]


def line_of(text: str) -> Report:
    return Report("SERVER", "GENERAL", text)


async def test_a_draft_is_answered_after_its_commit_with_the_tweet_it_became() -> None:
    store = MemoryStore()
    async with running(store) as journal:
        poster = Poster(journal)
        poster.post("hello")
        (tweet,) = await poster.all_answered()
    assert store.tweets == [tweet]
    assert lines(store) == ["SERVER ALERT [GENERAL] Message Received: hello"]


async def test_a_tweet_is_stamped_with_the_clock_in_milliseconds() -> None:
    store = MemoryStore()
    journal = Journal(store, clock=lambda: 1795446500.123)
    poster = Poster(journal)
    poster.post("now")
    journal.close()
    await journal.run()
    assert store.tweets[0].at == 1795446500123


async def test_all_that_queued_up_during_a_commit_goes_into_the_next_one() -> None:
    store = HeldStore()
    store.hold()
    async with running(store) as journal:
        poster = Poster(journal)
        poster.post("first")
        await store.wait_held()
        for number in range(100):
            poster.post(str(number))
        store.release()
        await poster.all_answered()
    assert store.batches[:2] == [1, 100]
    assert poster.calls == 2, "a waiter is told once a batch, not once a tweet"


async def test_a_batch_is_bounded_and_each_drafts_line_goes_with_it() -> None:
    store = HeldStore()
    store.hold()
    async with running(store) as journal:
        poster = Poster(journal)
        poster.post("first")
        await store.wait_held()
        for number in range(journal_module.MAX_BATCH + 1):
            journal.report(line_of(f"before {number}"))
            poster.post(str(number))
        store.fail_next = [None, None, FULL]
        store.release()
        outcomes = await poster.all_answered()
    assert store.batches[:2] == [1, journal_module.MAX_BATCH]
    assert outcomes[-1] is FULL
    assert f"SERVER ALERT [GENERAL] Message Received: {journal_module.MAX_BATCH - 1}" in lines(store)
    assert f"SERVER ALERT [GENERAL] Message Received: {journal_module.MAX_BATCH}" not in lines(store)
    assert lines(store)[-1] == f"SERVER ALERT [GENERAL] before {journal_module.MAX_BATCH}"


async def test_an_inbox_that_is_full_has_room_again_after_a_commit() -> None:
    store = HeldStore()
    store.hold()
    async with running(store) as journal:
        poster = Poster(journal)
        poster.post("first")
        await store.wait_held()
        for number in range(journal_module.MAX_WAITING):
            assert journal.has_room
            poster.post(str(number))
        assert not journal.has_room
        async with trio.open_nursery() as nursery:
            nursery.start_soon(journal.room)
            await trio.testing.wait_all_tasks_blocked()
            store.release()
        await poster.all_answered()
    assert max(store.batches) == journal_module.MAX_BATCH


async def test_report_lines_alone_fill_the_journal_too() -> None:
    store = HeldStore()
    store.hold()
    async with running(store) as journal:
        journal.report(line_of("first"))
        await store.wait_held()
        for _ in range(journal_module.MAX_LINES):
            assert journal.has_room
            journal.report(line_of("flood"))
        assert not journal.has_room
        store.release()
        await journal.room()
    assert len(store.log) == 1 + journal_module.MAX_LINES


async def test_a_full_disk_refuses_and_what_comes_later_is_stored(caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore()
    store.fail_next = [FULL, BUSY]
    async with running(store) as journal:
        poster = Poster(journal)
        for text in ("one", "two", "three"):
            poster.post(text)
            await poster.all_answered()
        assert [receipt.outcome for receipt in poster.receipts[:2]] == [FULL, BUSY]
        assert journal.last == store.tweets[0]
    assert texts(store) == ["three"]
    assert [message.split(":")[0] for message in caplog.messages] == ["cannot store for now"] * 2 + ["storing again"]


async def test_report_lines_survive_a_failing_commit_and_those_of_refused_drafts_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(journal_module, "RETRY_S", 0.01)
    store = MemoryStore()
    store.fail_next = [FULL, BUSY, FULL]
    async with running(store) as journal:
        journal.report(line_of("before"))
        poster = Poster(journal)
        poster.post("refused")
        journal.report(line_of("after"))
        await poster.all_answered()
        with trio.fail_after(10):
            await journal.wait_commit(0)
    assert lines(store) == ["SERVER ALERT [GENERAL] before", "SERVER ALERT [GENERAL] after"]


async def test_lines_that_a_full_disk_holds_up_are_bounded_and_the_newest_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "MAX_HELD_LINES", 3)
    monkeypatch.setattr(journal_module, "RETRY_S", 0.01)
    store = MemoryStore()
    store.fail_next = [FULL]
    async with running(store) as journal:
        for number in range(5):
            journal.report(line_of(str(number)))
        await journal.wait_commit(0)
    assert [line.text for line in store.log] == ["2", "3", "4"]


async def test_nobody_waits_for_room_on_the_disk_once_the_journal_is_closed() -> None:
    store = HeldStore()
    store.hold()
    store.fail_next = [FULL, None]
    async with running(store) as journal:
        poster = Poster(journal)
        journal.report(line_of("lost"))
        await store.wait_held()
        poster.post("still stored")
        journal.close()
        store.release()
    assert texts(store) == ["still stored"]
    assert lines(store) == ["SERVER ALERT [GENERAL] Message Received: still stored"]


@pytest.mark.parametrize("error", [UNKNOWN, INTERNAL], ids=lambda error: error.code)
async def test_after_a_commit_with_unknown_outcome_all_are_told_and_the_journal_ends(error: StoreError) -> None:
    store = HeldStore()
    store.hold()
    journal = Journal(store)
    poster, late = Poster(journal), Poster(journal)
    with pytest.RaisesGroup(pytest.RaisesExc(StoreError, check=lambda raised: raised is error)):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(journal.run)
            poster.post("in the batch")
            await store.wait_held()
            late.post("queued behind it")
            store.fail_next = [error]
            store.release()
    assert poster.receipts[0].outcome is error
    (outcome,) = [receipt.outcome for receipt in late.answers]
    assert isinstance(outcome, Refused)
    assert outcome.code == "stopping"
    assert store.tweets == []
    with pytest.raises(Refused, match="stopping"):
        poster.post("after the end")


async def test_a_closed_journal_takes_no_drafts_and_drains_what_it_has() -> None:
    store = HeldStore()
    store.hold()
    async with running(store) as journal:
        poster = Poster(journal)
        poster.post("first")
        await store.wait_held()
        poster.post("second")
        journal.close()
        with pytest.raises(Refused) as refused:
            poster.post("third")
        journal.report(line_of("last words"))
        store.release()
    assert refused.value.code == "stopping"
    assert texts(store) == ["first", "second"]
    assert lines(store)[-1] == "SERVER ALERT [GENERAL] last words"


async def test_a_journal_that_is_closed_with_nothing_to_write_ends() -> None:
    store = MemoryStore()
    async with running(store):
        await trio.testing.wait_all_tasks_blocked()
    assert store.batches == []


async def test_the_same_key_gives_the_first_tweet_again_and_the_newest_stays_the_last() -> None:
    store = MemoryStore()
    async with running(store) as journal:
        poster = Poster(journal)
        poster.post("first", key="k")
        poster.post("second")
        await poster.all_answered()
        poster.post("first again", key="k")
        first, second, again = await poster.all_answered()
        assert first == again
        assert journal.last == second
    assert texts(store) == ["first", "second"]


async def test_the_last_tweet_of_the_store_is_the_journals_from_the_start() -> None:
    store = MemoryStore()
    store.append([Draft("old")], [], at=1)
    assert Journal(store).last == store.tweets[0]


async def test_a_commit_under_way_is_reported_though_the_writer_is_cancelled() -> None:
    store = HeldStore()
    store.hold()
    journal = Journal(store)
    poster = Poster(journal)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(journal.run)
        poster.post("written")
        await store.wait_held()
        nursery.cancel_scope.cancel()
        store.release()
    assert [receipt.outcome for receipt in poster.answers] == store.tweets
    assert texts(store) == ["written"]


async def test_who_waits_for_a_commit_is_woken_by_it_and_not_by_a_failure() -> None:
    store = HeldStore()
    store.fail_next = [FULL]
    async with running(store) as journal:
        woken = trio.Event()

        async def wait() -> None:
            await journal.wait_commit(0)
            woken.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            poster = Poster(journal)
            poster.post("refused")
            await poster.all_answered()
            await trio.testing.wait_all_tasks_blocked()
            assert not woken.is_set()
            poster.post("stored")
        assert journal.commits == 1
        with trio.fail_after(1):
            await journal.wait_commit(0)  # it has been: no waiting


# The model: a list of steps, drawn at random and carried out in one run.

KEYS = st.sampled_from([None, None, None, "a", "b"])
POSTERS = 3
POST = st.tuples(st.just("post"), st.integers(0, POSTERS - 1), KEYS)
STEPS = st.lists(
    st.one_of(
        POST,
        POST,
        st.tuples(st.just("flood"), st.integers(1, 12), KEYS),  # a task that waits for room before each post
        st.tuples(st.just("cancel"), st.just(0), KEYS),  # ... and its end, wherever it stands
        st.tuples(st.just("report"), st.just(0), KEYS),
        st.tuples(st.just("fail"), st.sampled_from([1, 2, 3]), KEYS),
        st.tuples(st.just("hold"), st.just(0), KEYS),
        st.tuples(st.just("settle"), st.just(0), KEYS),
    ),
    max_size=40,
)


class Model:
    """Carries out steps and remembers in which order lines and drafts were given to the journal."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.store = HeldStore()
        self.journal = Journal(self.store)
        self.posters = [Poster(self.journal) for _ in range(POSTERS + 1)]
        self.queued: list[Receipt | str] = []
        self.nursery = nursery
        self.floods: list[trio.CancelScope] = []
        self.posted = 0

    async def carry_out(self, what: str, number: int, key: str | None) -> None:
        match what:
            case "post" if self.journal.has_room:
                self._post(self.posters[number], key)
            case "flood":
                self.floods.append(await self.nursery.start(self._flood, number, key))
            case "cancel" if self.floods:
                self.floods.pop().cancel()
            case "report":
                self.queued.append(f"line {len(self.queued)}")
                self.journal.report(line_of(str(self.queued[-1])))
            case "fail":
                self.store.fail_next += [FULL, None, BUSY][:number]
            case "hold":
                self.store.hold()
            case "settle":
                await self.settle()

    async def settle(self) -> None:
        self.store.release()
        for poster in self.posters:
            await poster.all_answered()

    def _post(self, poster: Poster, key: str | None) -> None:
        self.posted += 1
        self.queued.append(poster.post(f"text {self.posted}", key))

    async def _flood(self, amount: int, key: str | None, *, task_status: trio.TaskStatus[trio.CancelScope]) -> None:
        with trio.CancelScope() as scope:
            task_status.started(scope)
            for _ in range(amount):
                await self.journal.room()
                self._post(self.posters[POSTERS], key)
                await trio.lowlevel.checkpoint()


async def carried_out(steps: list[tuple[str, int, str | None]]) -> Model:
    with trio.fail_after(20):
        async with trio.open_nursery() as writing:
            async with trio.open_nursery() as posting:
                model = Model(posting)
                writing.start_soon(model.journal.run)
                for step in steps:
                    await model.carry_out(*step)
                model.store.release()
            await model.settle()
            while len(model.store.log) < len(expected_log(model)):
                await model.journal.wait_commit(model.journal.commits)
            model.journal.close()
    return model


def check(model: Model) -> None:
    store = model.store
    receipts = [receipt for poster in model.posters for receipt in poster.receipts]
    stored = [receipt.outcome for receipt in receipts if isinstance(receipt.outcome, Tweet)]
    assert all(receipt.outcome in (FULL, BUSY) or isinstance(receipt.outcome, Tweet) for receipt in receipts)
    assert set(stored) == set(store.tweets), "acknowledged is stored, and nothing else is"
    unkeyed = [receipt.outcome for receipt in receipts if receipt.draft.key is None and receipt.outcome in stored]
    assert len(unkeyed) == len(set(unkeyed)), "each once"
    for poster in model.posters:
        assert poster.answers == poster.receipts, "each answered, in order"
        ids = [
            answer.outcome.id for answer in poster.answers if isinstance(answer.outcome, Tweet) and not answer.draft.key
        ]
        assert ids == sorted(ids)
    assert [tweet.id for tweet in store.tweets] == list(range(1, len(store.tweets) + 1))
    assert model.journal.last == store.last()
    assert all(batch <= journal_module.MAX_BATCH for batch in store.batches)
    assert [line.text for line in store.log] == expected_log(model)


def expected_log(model: Model) -> list[str]:
    """Every line once and in order, but none of a draft that was refused."""
    return [
        item if isinstance(item, str) else item.report.text
        for item in model.queued
        if isinstance(item, str) or isinstance(item.outcome, Tweet)
    ]


@settings(deadline=None, max_examples=200)
@given(steps=STEPS)
def test_whatever_happens_each_draft_is_answered_in_order_and_stored_once(
    steps: list[tuple[str, int, str | None]],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal_module, "MAX_BATCH", 3)
        patch.setattr(journal_module, "MAX_WAITING", 5)
        patch.setattr(journal_module, "RETRY_S", 0.001)
        check(trio.run(carried_out, steps))
