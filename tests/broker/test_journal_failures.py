"""The one writer when its store fails, for a while or for good."""

import pytest
import trio
import trio.testing

from tests.support.following import Listening
from tests.support.guard import GUARD_S
from tests.support.held_store import HeldStore
from tests.support.memory_store import MemoryStore
from tests.support.posters import (
    ALTERED,
    BUSY,
    FULL,
    INTERNAL,
    MOVED,
    MOVED_UNKNOWN,
    UNKNOWN,
    Poster,
    line_of,
    lines,
    running,
    texts,
)
from ttweet.broker import inbox
from ttweet.broker import journal as journal_module
from ttweet.broker.journal import Journal
from ttweet.model.errors import Refused, StoreError


async def test_a_passing_failure_refuses_its_batch_and_later_posts_are_stored(caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore()
    store.fail_next = [FULL, BUSY, ALTERED]
    async with running(store) as journal:
        poster = Poster(journal)
        for text in ("one", "two", "three", "four"):
            poster.post(text)
            await poster.all_answered()
        assert [receipt.outcome for receipt in poster.receipts[:3]] == [FULL, BUSY, ALTERED]
        assert journal.head.last == store.tweets[0]
    assert texts(store) == ["four"]
    kinds = [message.split(":")[0] for message in caplog.messages]
    assert kinds == ["cannot store for now"] * 3 + ["posts are stored again"]


async def test_report_lines_survive_a_failing_commit_and_those_of_refused_drafts_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(journal_module, "RETRY_INTERVAL_S", 0.01)
    store = MemoryStore()
    store.fail_next = [FULL, BUSY, FULL]
    async with running(store) as journal:
        journal.report(line_of("before"))
        poster = Poster(journal)
        poster.post("refused")
        journal.report(line_of("after"))
        await poster.all_answered()
        with trio.fail_after(GUARD_S):
            await journal.wait_commit(0)
    assert lines(store) == ["SERVER ALERT [GENERAL] before", "SERVER ALERT [GENERAL] after"]


async def test_lines_that_a_full_disk_holds_up_are_bounded_and_the_newest_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "MAX_HELD_LINES", 3)
    monkeypatch.setattr(journal_module, "RETRY_INTERVAL_S", 0.01)
    store = MemoryStore()
    store.fail_next = [FULL]
    async with running(store) as journal:
        for number in range(5):
            journal.report(line_of(str(number)))
        await journal.wait_commit(0)
    assert [line.text for line in store.log] == ["2", "3", "4", "REPORT LINES LOST: 2"]


async def test_a_client_that_waits_behind_a_batch_that_found_the_file_locked_does_not_wait_for_the_lock_again() -> None:
    store = HeldStore()
    store.hold()
    store.fail_next = [BUSY]
    async with running(store) as journal:
        poster = Poster(journal)
        poster.post("first")
        await store.wait_held()
        for number in range(inbox.MAX_BATCH + 1):
            poster.post(str(number))
        journal.report(line_of("kept"))
        store.release()
        assert {*await poster.all_answered()} == {BUSY}
        assert journal.waiting == (0, 1)
        poster.post("now")
        await poster.all_answered()
    assert texts(store) == ["now"]
    assert lines(store) == ["SERVER ALERT [GENERAL] kept", "SERVER ALERT [GENERAL] Message Received: now"]
    assert journal.failed == {"busy": inbox.MAX_BATCH + 2}


async def test_a_store_that_cannot_settle_for_now_continues(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "IDLE_BEFORE_SETTLING_S", 0.001)
    store = HeldStore()
    store.fail_settling = FULL
    async with running(store) as journal:
        poster = Poster(journal)
        poster.post("one")
        await store.wait_settled()
        poster.post("two")
        await poster.all_answered()
    assert texts(store) == ["one", "two"]


async def test_a_store_that_breaks_as_it_settles_ends_the_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "IDLE_BEFORE_SETTLING_S", 0.001)
    store = MemoryStore()
    store.fail_settling = INTERNAL
    journal = Journal(store)
    journal.report(line_of("one"))
    with trio.fail_after(GUARD_S), pytest.raises(StoreError) as raised:
        await journal.run()
    assert raised.value is INTERNAL
    with pytest.raises(Refused, match="stopping"):
        Poster(journal).post("two")


async def test_no_draft_waits_for_room_on_the_disk_once_the_journal_is_closed() -> None:
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
async def test_after_a_commit_with_unknown_outcome_all_get_an_answer_and_the_journal_ends(error: StoreError) -> None:
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


async def test_a_file_that_has_lost_its_name_takes_nothing_more_and_is_read_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = MemoryStore()
    listening = Listening()
    async with running(store) as journal:
        journal.head.add_listener(listening)
        poster = Poster(journal)
        poster.post("stored")
        await poster.all_answered()
        store.fail_next = [MOVED_UNKNOWN]
        poster.post("unknown")
        await poster.all_answered()
        store.fail_next = [MOVED] * 3
        poster.post("refused")
        outcomes = await poster.all_answered()
        assert outcomes[1:] == [MOVED_UNKNOWN, MOVED]
        assert [tweet.text for tweet, _ in listening.tweets] == ["stored"], "followers are told nothing of it"
        assert journal.head.last is not None
        assert (journal.head.last.text, journal.head.newest) == ("unknown", 2), (
            "as everybody finds it who reads the file"
        )
        assert journal.failed == {"unknown": 1, "moved": 1}
        assert journal.trouble.text == MOVED.text
    assert caplog.text.count("posts are refused, queries still work") == 2


async def test_an_idle_journal_has_the_store_look_after_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "FILE_CHECK_INTERVAL_S", 0.001)
    store = HeldStore()
    store.fail_settling = MOVED_UNKNOWN
    async with running(store) as journal:
        for _ in range(3):
            await store.wait_settled()
        assert journal.trouble.text == MOVED_UNKNOWN.text
    assert store.settled >= 3


async def test_a_file_is_looked_after_while_its_disk_is_full(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(journal_module, "RETRY_INTERVAL_S", 0.001)
    store = HeldStore()
    async with running(store) as journal:
        store.fail_next = [FULL] * 1000
        store.fail_settling = MOVED
        journal.report(line_of("held up"))
        for _ in range(3):
            await store.wait_settled()
        assert MOVED.text in caplog.text
        store.fail_next = []
