"""The one writer against a random model of posters, keys, cancellations and failing commits."""

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.guard import GUARD_S
from tests.support.held_store import HeldStore
from tests.support.posters import BUSY, FULL, Poster, line_of
from ttweet.broker import inbox, journal
from ttweet.broker.journal import Journal
from ttweet.broker.receipts import Receipt
from ttweet.model.reports import message_received
from ttweet.model.tweets import Tweet

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


class JournalModel:
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
            case "post" if self.journal.inbox.has_room:
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
                await self.journal.inbox.room()
                self._post(self.posters[POSTERS], key)
                await trio.lowlevel.checkpoint()


async def carried_out(steps: list[tuple[str, int, str | None]]) -> JournalModel:
    with trio.fail_after(GUARD_S):
        async with trio.open_nursery() as writing:
            async with trio.open_nursery() as posting:
                model = JournalModel(posting)
                writing.start_soon(model.journal.run)
                for step in steps:
                    await model.carry_out(*step)
                model.store.release()
            await model.settle()
            while len(model.store.log) < len(expected_log(model)):
                await model.journal.wait_commit(model.journal.commits)
            model.journal.close()
    return model


def check(model: JournalModel) -> None:
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
    assert model.journal.head.last == store.position().last
    assert all(batch <= inbox.MAX_BATCH for batch in store.batches)
    logged, expected = [line.text for line in store.log], expected_log(model)
    assert sorted(logged) == sorted(expected), "every line once"
    place = {text: number for number, text in enumerate(logged)}
    for number, text in enumerate(expected):
        if text.startswith("line"):
            assert all(place[earlier] < place[text] for earlier in expected[:number]), "no line overtakes another"


def expected_log(model: JournalModel) -> list[str]:
    """Every line, in the order in which it came, but none of a draft that was refused."""
    return [
        item if isinstance(item, str) else message_received(item.draft.text).text
        for item in model.queued
        if isinstance(item, str) or isinstance(item.outcome, Tweet)
    ]


@settings(deadline=None, max_examples=200)
@given(steps=STEPS)
def test_whatever_happens_each_draft_is_answered_in_order_and_stored_once(
    steps: list[tuple[str, int, str | None]],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inbox, "MAX_BATCH", 3)
        patch.setattr(inbox, "MAX_WAITING", 5)
        patch.setattr(journal, "RETRY_INTERVAL_S", 0.001)
        check(trio.run(carried_out, steps))
