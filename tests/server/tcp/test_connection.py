"""One client's connection: answers in order, and back-pressure."""

from typing import Any

import pytest
import trio
import trio.testing

from tests.support.held_store import HeldStore
from tests.support.memory_store import MemoryStore
from tests.support.serving import hold_a_commit, serving
from ttweet.broker import inbox
from ttweet.model.errors import StoreError
from ttweet.model.tweets import Page
from ttweet.protocol import frames
from ttweet.server.config import Limits
from ttweet.storage.contract import Store

LIMITS = Limits()


def codes(answers: list[tuple[str, Any]]) -> list[str]:
    """The code of each error, and `ok` for what is none."""
    return [data["code"] if kind == "err" else kind for kind, data in answers]


def texts(store: MemoryStore) -> list[str]:
    return [tweet.text for tweet in store.tweets]


# Answers


async def test_answers_come_in_the_order_of_the_requests_however_many_are_in_flight(any_store: Store) -> None:
    async with serving(any_store) as here:
        caller = await here.call()
        await caller.send(
            ("p", ""),
            ("u", "one #a"),
            ("q", ""),
            ("u", "a" * 151),
            ("d", ""),
            ("u", {"text": "two", "tags": ["a"], "key": "k"}),
            ("t", "A"),
            ("l", ""),
            ("u", {"text": "other", "key": "k"}),
            ("t", "no-tag"),
        )
        answers = await caller.answers(10)
    assert codes(answers) == ["ok", "ok", "bad_operation", "too_long", "ok", "ok", "ok", "ok", "ok", "bad_tag"]
    assert [data["id"] for data in (answers[1][1], answers[5][1], answers[8][1])] == [1, 2, 2]
    assert answers[4][1]["text"] == "one #a"
    assert [tweet["text"] for tweet in answers[6][1]["tweets"]] == ["two", "one #a"]
    assert [tag["count"] for tag in answers[7][1]["tags"]] == [2]


async def test_uploads_that_go_out_together_get_rising_ids_and_are_the_clients_own_to_read(any_store: Store) -> None:
    async with serving(any_store) as here:
        caller = await here.call()
        await caller.send(*[("u", f"{number} #n") for number in range(200)], ("d", ""))
        *stored, (_, last) = await caller.answers(201)
    assert [data["id"] for _, data in stored] == list(range(1, 201))
    assert last["text"] == "199 #n"


@pytest.mark.parametrize("in_memory", [True, False])
async def test_a_request_may_come_a_byte_at_a_time(in_memory: bool) -> None:
    async with serving() as here:
        caller = here.call_in_memory() if in_memory else await here.call()
        for byte in frames.encode("u", "slöwly 🐌"):
            await caller.stream.send_all(bytes([byte]))
            await trio.testing.wait_all_tasks_blocked()
        assert (await caller.answer())[0] == "ok"
    assert texts(here.store) == ["slöwly 🐌"]


async def test_a_client_that_has_ended_its_side_is_still_answered() -> None:
    store = HeldStore()
    store.hold()
    async with serving(store) as here:
        caller = await here.call()
        await caller.send(("u", "one"), ("d", ""))
        await caller.stream.send_eof()
        await store.wait_held()
        store.release()
        stored, last = (await caller.rest()).splitlines()
    assert b'"id":1' in stored
    assert b'"text":"one"' in last


async def test_a_frame_that_is_cut_by_the_end_stores_nothing() -> None:
    async with serving() as here:
        caller = await here.call()
        await caller.stream.send_all(frames.encode("u", "whole") + frames.encode("u", "cut")[:-1])
        await caller.stream.send_eof()
        assert (await caller.rest()).count(b"\n") == 1
    assert texts(here.store) == ["whole"]


async def test_a_refusal_of_the_store_is_answered_and_the_connection_continues() -> None:
    store = MemoryStore()
    async with serving(store) as here:
        caller = await here.call()
        await caller.ask("u", "let through")
        store.fail_next = [StoreError("full", "the disk is full"), StoreError("busy", "locked")]
        answers = [await caller.ask("u", text) for text in ("one", "two", "three")]
        assert codes(answers) == ["full", "busy", "ok"]
        assert (await caller.ask("d", ""))[1]["text"] == "three"


class BrokenReader(MemoryStore):
    def tweets_of_tag(self, key: str, *, limit: int, before: int | None = None) -> Page:
        raise StoreError("internal", "the database failed")


async def test_a_query_that_the_store_cannot_answer_is_answered_so() -> None:
    async with serving(BrokenReader()) as here:
        caller = await here.call()
        assert await caller.ask("t", "a") == ("err", {"code": "internal", "text": "the database failed"})
        assert codes([await caller.ask("u", "still taken")]) == ["ok"]


async def test_a_client_reports_into_the_log_without_an_answer_and_not_in_the_servers_name() -> None:
    async with serving() as here:
        caller = await here.call()
        await caller.send(("u", "hello"), ("r", "Transmission Successfull..."), ("r", "SERVER ALERT [ERROR] forged\n"))
        assert codes([await caller.answer(), await caller.ask("p", "")]) == ["ok", "ok"]
        await caller.stream.aclose()
    assert here.lines[1:4] == [
        "SERVER ALERT [GENERAL] Message Received: hello",
        "Transmission Successfull...",
        "CLIENT ALERT [GENERAL] SERVER ALERT [ERROR] forged\\n",
    ]


async def test_a_client_that_breaks_the_rules_is_in_the_log_by_address() -> None:
    async with serving() as here:
        caller = await here.call()
        await caller.ask("u", "a" * 151)
    assert here.lines[1] == f"SERVER ALERT [ERROR] INPUT COULD NOT BE PROCESSED FROM CLIENT: {caller.peer}"


# Back-pressure


async def test_no_more_is_read_while_as_many_uploads_as_may_be_are_unanswered() -> None:
    store = HeldStore()
    async with serving(store) as here:
        caller = here.call_in_memory()
        await hold_a_commit(store, caller)
        await caller.send(*[("u", str(number)) for number in range(100)])
        await trio.testing.wait_all_tasks_blocked()
        assert here.journal.waiting[0] == LIMITS.max_unanswered - 1
        store.release()
        assert codes(await caller.answers(101)) == ["ok"] * 101
    assert texts(store)[2:] == [str(number) for number in range(100)]


async def test_a_sender_that_does_not_wait_is_not_even_read() -> None:
    store = HeldStore()
    store.hold()
    async with serving(store, limits=Limits(max_unanswered=2)) as here:
        caller = here.call_in_memory(lockstep=True)
        await caller.send(("u", "1"), ("u", "2"), ("u", "3"))
        await store.wait_held()
        taken = trio.Event()

        async def send_more() -> None:
            await caller.send(("u", "4"))
            taken.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send_more)
            await trio.testing.wait_all_tasks_blocked()
            assert not taken.is_set()
            store.release()
            assert codes(await caller.answers(4)) == ["ok"] * 4
        assert taken.is_set()


async def test_a_client_that_does_not_read_its_answers_is_not_read_either() -> None:
    async with serving() as here:
        caller = here.call_in_memory(lockstep=True)
        await caller.send(("p", ""))
        taken = trio.Event()

        async def send_more() -> None:
            await caller.send(("p", ""))
            taken.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send_more)
            await trio.testing.wait_all_tasks_blocked()
            assert not taken.is_set()
            assert codes(await caller.answers(2)) == ["ok", "ok"]


@pytest.mark.parametrize("operation", ["u", "r"])
async def test_while_the_journal_is_full_no_client_is_read(operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "MAX_WAITING", 3)
    monkeypatch.setattr(inbox, "MAX_LINES", 10)
    store = HeldStore()
    async with serving(store) as here:
        first, second = here.call_in_memory(), here.call_in_memory()
        await hold_a_commit(store, first)
        for caller in (first, second):
            await caller.send(*[(operation, str(number)) for number in range(20)], ("p", ""))
        await trio.testing.wait_all_tasks_blocked()
        assert here.journal.waiting[0] <= 3 + 1, "one client fills it, the other finds out after one more"
        assert here.journal.waiting[1] <= 10 + 1
        store.release()
        expected = 20 if operation == "u" else 0
        assert codes(await first.answers(2 + expected)) == ["ok"] * (2 + expected)
        assert codes(await second.answers(1 + expected)) == ["ok"] * (1 + expected)
