"""Deletions on their way to followers: in the journal, over a connection, in both clients and in the command."""

import json
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.following import FollowingClient as Subscriber
from tests.support.following import Listening, Log, following, shrink
from tests.support.held_store import HeldStore
from tests.support.memory_store import MemoryStore
from tests.support.posters import BUSY, FULL, INTERNAL, Poster, running, texts
from tests.support.serving import serving
from ttweet.broker.journal import Journal
from ttweet.broker.subscriptions import wanted
from ttweet.model.errors import Refused, StoreError
from ttweet.model.reports import message_deleted, message_received
from ttweet.security.authenticator import Authenticator
from ttweet.security.rights import POST, READ
from ttweet.storage.contract import Slice, Store

REPORT = message_deleted(1, "ann")


async def test_a_deletion_stands_in_its_place_between_the_uploads() -> None:
    store = HeldStore()
    listening = Listening()
    store.hold()
    async with running(store) as journal:
        journal.head.add_listener(listening)
        poster = Poster(journal)
        poster.post("first")
        await store.wait_held()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(journal.delete, 1, REPORT)
            await trio.testing.wait_all_tasks_blocked()
            poster.post("second")
            store.release()
        await poster.all_answered()
        assert journal.head.last is not None
        assert (journal.head.last.id, journal.head.newest) == (3, 3)
    assert listening.ids == [1, 2, 3]
    assert texts(store) == ["second"]


async def test_the_last_message_in_memory_follows() -> None:
    store = MemoryStore()
    async with running(store) as journal:
        poster = Poster(journal)
        poster.post("first")
        poster.post("second")
        await poster.all_answered()
        await journal.delete(2, REPORT)
        assert journal.head.last is not None
        assert (journal.head.last.text, journal.head.newest) == ("first", 3)
        await journal.delete(1, REPORT)
        assert journal.head.newest == 4
    assert Journal(store).head.last is None


async def test_a_retry_of_the_last_tweet_does_not_bring_it_back() -> None:
    async with running(MemoryStore()) as journal:
        poster = Poster(journal)
        poster.post("secret", key="k")
        await poster.all_answered()
        await journal.delete(1, REPORT)
        poster.post("secret", key="k")
        await poster.all_answered()
        assert journal.head.last is None


async def test_a_full_disk_refuses_a_deletion_and_the_next_one_works() -> None:
    store = MemoryStore()
    async with running(store) as journal:
        poster = Poster(journal)
        poster.post("first")
        await poster.all_answered()
        store.fail_next = [FULL]
        with pytest.raises(StoreError, match=FULL.text):
            await journal.delete(1, REPORT)
        assert (await journal.delete(1, REPORT)).tweet == 1


@pytest.mark.parametrize("failing", [[BUSY], [None, BUSY]], ids=["behind a batch", "behind another deletion"])
async def test_deletions_that_wait_when_the_file_is_found_locked_do_not_wait_for_the_lock_again(
    failing: list[StoreError | None],
) -> None:
    store = HeldStore()
    store.hold()
    async with running(store) as journal, trio.open_nursery() as nursery:
        poster = Poster(journal)
        poster.post("first")
        await store.wait_held()
        store.fail_next = failing
        failed: list[StoreError] = []

        async def delete() -> None:
            with pytest.raises(StoreError) as raised:
                await journal.delete(1, REPORT)
            failed.append(raised.value)

        for _ in range(3):
            nursery.start_soon(delete)
        await trio.testing.wait_all_tasks_blocked()
        store.release()
    assert failed == [BUSY] * 3
    assert not store.deletions


async def test_after_a_deletion_alone_no_report_lines_are_waited_for() -> None:
    store = MemoryStore()
    async with running(store) as journal:
        poster = Poster(journal)
        poster.post("first")
        await poster.all_answered()
        await journal.delete(1, REPORT)
        await trio.testing.wait_all_tasks_blocked()
        assert not journal._lines_wait
        journal.report(message_received("waits for others"))
        await trio.testing.wait_all_tasks_blocked()
        assert journal._lines_wait


async def test_a_store_that_fails_in_a_deletion_is_not_written_to_any_more() -> None:
    store = MemoryStore()
    with pytest.RaisesGroup(pytest.RaisesExc(StoreError), flatten_subgroups=True):
        async with running(store) as journal:
            store.fail_next = [INTERNAL]
            with pytest.raises(StoreError):
                await journal.delete(1, REPORT)
            with pytest.raises(Refused, match="stopping"):
                await journal.delete(1, REPORT)


async def test_a_follower_that_asks_for_deletions_gets_them_live_and_later_and_others_do_not(any_store: Store) -> None:
    async with serving(any_store) as here:
        admin, told, plain = [await here.call() for _ in range(3)]
        await admin.send(("u", "one #a"), ("u", "two #b"))
        await admin.answers(2)
        await told.send(("s", {"deletions": True, "tags": ["a"]}))
        await plain.send(("s", ""))
        assert [await told.answers(2), await plain.answers(2)] == [[("ok", {"from": 2}), ("e", {"id": 2})]] * 2
        kind, deletion = await admin.ask("x", 1)
        assert (kind, deletion["id"], deletion["tweet"]) == ("ok", 3, 1)
        assert await told.answer() == ("x", deletion)
        await admin.ask("u", "three #a")
        assert [(await one.answer())[1]["id"] for one in (told, plain)] == [4, 4]
        await told.send(("s", {"deletions": True, "after": 0}))
        assert [kind for kind, _ in await told.answers(5)] == ["ok", "m", "x", "m", "e"]
        assert await admin.ask("d", "") == ("ok", {**(await admin.ask("d", ""))[1], "text": "three #a"})
        assert "SERVER ALERT [GENERAL] Message Received: (deleted)" in here.lines
        assert f"SERVER ALERT [GENERAL] Message Deleted: 1 By: {admin.peer}" in here.lines


async def test_only_an_administrator_may_delete() -> None:
    async with serving(authenticator=Authenticator(frozenset({READ, POST}))) as here:
        caller = await here.call()
        await caller.ask("u", "mine")
        kind, error = await caller.ask("x", 1)
        assert (kind, error["code"]) == ("err", "forbidden")


async def test_a_deleted_tweet_leaves_the_memory_of_recent_tweets_too() -> None:
    async with serving() as here:
        caller = await here.call()
        await caller.send(("u", "secret"), ("u", "other"), ("x", 1), ("s", {"after": 0}))
        answers = await caller.answers(6)
        assert [kind for kind, _ in answers] == ["ok", "ok", "ok", "ok", "m", "e"]
        assert answers[4][1]["text"] == "other"


class _Deletions(Subscriber):
    """A subscriber that asks for deletions: `received` holds the ids of tweets, `deleted` the deletions, in order."""

    def __init__(self, log: Log) -> None:
        super().__init__(log)
        self.entries: list[tuple[str, int]] = []

    def drain(self) -> None:
        for line in self.unsent.splitlines():
            kind, data = json.loads(line)
            if kind != "e":
                self.entries.append((kind, data["id"]))
        self.unsent = b""

    def follow(self, tags: str, after: int | None) -> None:
        self.follower = self.log.fanout.follow(self, wanted(tags), after, deletions=True)
        self.resume()

    def reconnect(self) -> None:
        assert self.follower is not None
        self.log.fanout.end(self.follower)
        self.unsent = b""
        self.follow("", self.entries[-1][1] if self.entries else 0)


class _Deleting(Log):
    """A log in which tweets are deleted; the store's own order is the order of publication."""

    def delete(self, tweet: int) -> None:
        newest = self.store.newest
        try:
            deletion = self.store.delete(tweet, REPORT, at=0)
        except Refused:
            return
        if deletion.id > newest:
            self.fanout.deleted(deletion)


STEPS = st.lists(
    st.one_of(st.integers(1, 40), st.sampled_from(["commit", "slow", "fast", "reconnect", "read"])), max_size=60
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_a_follower_gets_the_remaining_tweets_and_each_deletion_once_whatever_happens(steps: list[int | str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        trio.run(_follow_through, steps)


async def _follow_through(steps: list[int | str]) -> None:
    log = _Deleting()
    client = _Deletions(log)
    client.follow("", 0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(log.fanout.run)
        for step in steps:
            await _step(log, client, step)
        await _step(log, client, "fast")
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    ids = [id_ for _, id_ in client.entries]
    assert ids == sorted(set(ids))
    left = [("m", tweet.id) for tweet in log.store.tweets] + [("x", one.id) for one in log.store.deletions]
    assert set(left) <= set(client.entries)


async def _step(log: _Deleting, client: _Deletions, step: int | str) -> None:
    match step:
        case int():
            before = list(client.entries)
            log.delete(step)
            assert ("m", step) not in client.entries[len(before) :]
        case "commit":
            log.commit("a", "b")
        case "slow":
            client.slow = True
        case "fast":
            client.slow = False
            client.drain()
            client.resume()
        case "reconnect":
            client.reconnect()
        case _:
            await trio.testing.wait_all_tasks_blocked()


async def test_a_deletion_that_is_committed_during_a_read_comes_in_its_place() -> None:
    class Racing(MemoryStore):
        def read_after(self, cursor: int, limit: int, **wanted: Any) -> Slice:
            found = super().read_after(cursor, limit, **wanted)
            if self.newest == 2:
                log.delete(1)
                log.commit("a")
            return found

    log = _Deleting(Racing())
    log.commit("a", "b")
    log.restart()
    client = _Deletions(log)
    await following(log, lambda: client.follow("", 0))
    assert client.entries == [("m", 2), ("x", 3), ("m", 4)]


async def test_the_log_has_a_deletion_after_the_lines_before_it() -> None:
    store = MemoryStore()
    async with running(store) as journal:
        poster = Poster(journal)
        poster.post("gone")
        await poster.all_answered()
        journal.report(message_received("before"))
        await journal.delete(1, REPORT)
    assert [line.text for line in store.log[-2:]] == ["Message Received: before", REPORT.text]


async def test_a_tweet_that_is_deleted_while_it_is_read_for_a_follower_is_not_sent() -> None:
    class Racing(MemoryStore):
        def read_after(self, cursor: int, limit: int, **wanted: Any) -> Slice:
            found = super().read_after(cursor, limit, **wanted)
            log.delete(1)
            return found

    log = _Deleting(Racing())
    log.commit("a", "b")
    log.restart()
    client = _Deletions(log)
    await following(log, lambda: client.follow("", 0))
    assert client.entries == [("m", 2), ("x", 3)]
