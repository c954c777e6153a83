"""How long a batch waits for the clients of the last one: with as many drafts, or after the time, whatever is first."""

import pytest
import trio
import trio.testing

from tests.support.held_store import HeldStore
from tests.support.posters import Poster, running
from ttweet.broker import gathering
from ttweet.broker.gathering import BATCHES_WITHOUT, MAX_DRAFTS, MIN_CLIENTS, Gathering
from ttweet.broker.inbox import Inbox
from ttweet.broker.receipts import Receipt
from ttweet.model.tweets import Draft, draft


class _Client:
    def answered(self) -> None:
        raise AssertionError("an inbox answers no client")


def _fill(inbox: Inbox, drafts: int) -> None:
    for _ in range(drafts):
        inbox.append(Receipt(Draft("hello"), _Client()))


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def gatherer(inbox: Inbox) -> Gathering:
    """After a commit that took an hour, of which it waits as long as it must."""
    gatherer = Gathering(inbox)
    gatherer.commit_s = 3600
    return gatherer


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MAX_GATHERING_S", 3600)


@pytest.mark.usefixtures("endless")
async def test_a_wait_ends_with_the_draft_that_is_the_last_to_come(inbox: Inbox, gatherer: Gathering) -> None:
    _fill(inbox, 3)
    gatherer.begin(MIN_CLIENTS)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(gatherer.wait)
        _fill(inbox, MIN_CLIENTS - 1)
        await trio.testing.wait_all_tasks_blocked()
        assert nursery.child_tasks
        _fill(inbox, 1)
    assert gatherer.is_worthwhile(MIN_CLIENTS)


@pytest.mark.usefixtures("endless")
@pytest.mark.parametrize("clients", [1, MAX_DRAFTS + 1])
async def test_a_lone_client_and_very_many_do_not_wait(clients: int, gatherer: Gathering) -> None:
    gatherer.begin(clients)
    with trio.fail_after(1):
        await gatherer.wait()


@pytest.mark.usefixtures("endless")
async def test_drafts_that_wait_already_count_as_those_of_clients(inbox: Inbox, gatherer: Gathering) -> None:
    _fill(inbox, MAX_DRAFTS - MIN_CLIENTS)
    assert gatherer.is_worthwhile(MIN_CLIENTS)
    _fill(inbox, 1)
    assert not gatherer.is_worthwhile(MIN_CLIENTS)


async def test_drafts_that_fill_a_transaction_with_their_tags_do_not_wait(inbox: Inbox, gatherer: Gathering) -> None:
    heavy = draft("heavy", tags=[f"{number:0140}" for number in range(31)])
    while not inbox.exceeds_batch:
        assert gatherer.is_worthwhile(MIN_CLIENTS)
        inbox.append(Receipt(heavy, _Client()))
    assert not gatherer.is_worthwhile(MIN_CLIENTS)


async def test_a_wait_is_bounded_however_long_the_last_commit_took(inbox: Inbox, gatherer: Gathering) -> None:
    gatherer.begin(MIN_CLIENTS)
    with trio.fail_after(60):
        await gatherer.wait()
    assert len(inbox) == 0


async def test_after_a_commit_that_took_no_time_no_batch_waits(inbox: Inbox) -> None:
    gatherer = Gathering(inbox)
    gatherer.begin(MIN_CLIENTS)
    with trio.fail_after(1):
        await gatherer.wait()
    assert gatherer.is_worthwhile(MIN_CLIENTS), "there was no wait that could be in vain"


async def test_after_a_wait_in_vain_some_batches_do_not_wait(
    gatherer: Gathering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "MAX_GATHERING_S", 0.001)
    gatherer.begin(MIN_CLIENTS)
    await gatherer.wait()
    for _ in range(BATCHES_WITHOUT):
        assert not gatherer.is_worthwhile(MIN_CLIENTS)
        gatherer.begin(MIN_CLIENTS)
    assert gatherer.is_worthwhile(MIN_CLIENTS)


class Again(Poster):
    """Posts again a turn of the event loop after each answer, when the next commit could be under way."""

    batches = 20

    def answered(self) -> None:
        super().answered()
        if self.journal.commits < self.batches:
            trio.lowlevel.current_trio_token().run_sync_soon(self.post, "again")


@pytest.mark.usefixtures("endless")
async def test_clients_of_two_batches_that_post_again_at_once_come_to_share_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gathering, "COMMIT_SHARE", 1e9)
    store = HeldStore()
    store.hold()
    async with running(store) as journal:
        clients = [Again(journal) for _ in range(8)]
        for client in clients[:4]:
            client.post("first")
        await store.wait_held()
        for client in clients[4:]:
            client.post("first")
        store.release()
        while journal.commits < Again.batches:
            await journal.wait_commit(journal.commits)
        for client in clients:
            await client.all_answered()
    together = store.batches.index(len(clients))
    assert together <= 2
    assert store.batches[together:] == [len(clients)] * (Again.batches - together)
