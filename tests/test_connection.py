"""One client's connection: answers in order, back-pressure, deadlines, and every way to end."""

import json
import threading
from typing import Any

import pytest
import trio
import trio.testing

from tests.held_store import GUARD_S, HeldStore
from tests.memory_store import MemoryStore
from tests.serving import Caller, serving
from ttweet import frames
from ttweet import journal as journal_module
from ttweet import server as server_module
from ttweet.connection import LINGER_S, Limits
from ttweet.errors import StoreError
from ttweet.frames import MAX_FRAME_BYTES
from ttweet.store import Store
from ttweet.tweets import Page

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
            ("x", ""),
            ("u", "a" * 151),
            ("d", ""),
            ("u", {"text": "two", "tags": ["a"], "key": "k"}),
            ("t", "A"),
            ("l", ""),
            ("u", {"text": "other", "key": "k"}),
            ("t", "no tag"),
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


async def test_what_the_store_refuses_is_answered_and_the_connection_goes_on() -> None:
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


async def test_who_breaks_the_rules_is_in_the_log_by_address() -> None:
    async with serving() as here:
        caller = await here.call()
        await caller.ask("u", "a" * 151)
    assert here.lines[1] == f"SERVER ALERT [ERROR] INPUT COULD NOT BE PROCESSED FROM CLIENT: {caller.peer}"


# Back-pressure


async def hold_a_commit(store: HeldStore, caller: Caller) -> None:
    """Have the writer stand in the commit of one upload of this client, with nothing else in it."""
    assert (await caller.ask("u", "let through"))[0] == "ok"
    await trio.testing.wait_all_tasks_blocked()
    store.hold()
    await caller.send(("u", "held"))
    await store.wait_held()


async def test_no_more_is_read_while_as_many_uploads_as_may_be_are_unanswered() -> None:
    store = HeldStore()
    async with serving(store) as here:
        caller = here.call_in_memory()
        await hold_a_commit(store, caller)
        await caller.send(*[("u", str(number)) for number in range(100)])
        await trio.testing.wait_all_tasks_blocked()
        assert len(here.journal._inbox) == LIMITS.max_unanswered - 1
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
async def test_while_the_journal_is_full_nobody_is_read(operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "MAX_WAITING", 3)
    monkeypatch.setattr(journal_module, "MAX_LINES", 10)
    store = HeldStore()
    async with serving(store) as here:
        first, second = here.call_in_memory(), here.call_in_memory()
        await hold_a_commit(store, first)
        for caller in (first, second):
            await caller.send(*[(operation, str(number)) for number in range(20)], ("p", ""))
        await trio.testing.wait_all_tasks_blocked()
        assert len(here.journal._inbox) <= 3 + 1, "one client fills it, the other finds out after one more"
        assert len(here.journal._lines) <= 10 + 1
        store.release()
        expected = 20 if operation == "u" else 0
        assert codes(await first.answers(2 + expected)) == ["ok"] * (2 + expected)
        assert codes(await second.answers(1 + expected)) == ["ok"] * (1 + expected)


# Deadlines, by a clock that the test moves


SWEPT_S = 2 * server_module.SWEEP_S  # by then the sweeper has looked


async def jump(clock: trio.testing.MockClock, seconds: float) -> None:
    """Let everybody go as far as they can, time pass, and the sweeper look at the deadlines."""
    await trio.testing.wait_all_tasks_blocked()
    clock.jump(seconds)
    await trio.testing.wait_all_tasks_blocked()


async def timeout_of(caller: Caller) -> str:
    """The sentence with which the server gives up on a client, at the end of all it has sent."""
    kind, data = json.loads((await caller.rest()).splitlines()[-1])
    assert (kind, data["code"]) == ("err", "timeout")
    return str(data["text"])


async def test_a_client_that_says_nothing_is_given_up(mock_clock: trio.testing.MockClock) -> None:
    async with serving() as here:
        caller = await here.call()
        await jump(mock_clock, LIMITS.first_byte_s - 1)
        assert here.server.clients == 1
        await jump(mock_clock, 1 + SWEPT_S)
        assert await timeout_of(caller) == "not one byte (within 10 seconds) came"


async def test_a_frame_has_its_time_as_a_whole_however_often_a_byte_comes(mock_clock: trio.testing.MockClock) -> None:
    async with serving() as here:
        caller = await here.call()
        for byte in b'["u"':
            await caller.stream.send_all(bytes([byte]))
            await jump(mock_clock, 2.5)
        await caller.stream.send_all(b",")
        await jump(mock_clock, SWEPT_S)
        assert await timeout_of(caller) == "no end of the frame (within 10 seconds) came"
        await here.others_gone()
        assert any("INPUT COULD NOT BE PROCESSED" in line for line in here.lines)
    assert here.store.tweets == []


async def test_each_whole_frame_gives_new_time(mock_clock: trio.testing.MockClock) -> None:
    async with serving() as here:
        caller = await here.call()
        ping = frames.encode("p", "")
        await caller.stream.send_all(ping[:5])
        for _ in range(5):
            await jump(mock_clock, LIMITS.frame_s - 1)
            await caller.stream.send_all(ping[5:] + ping[:5])
            assert (await caller.answer())[0] == "ok"
        await jump(mock_clock, LIMITS.frame_s + SWEPT_S)
        assert "no end of the frame" in await timeout_of(caller)


async def test_a_client_may_be_idle_for_a_quarter_of_an_hour(mock_clock: trio.testing.MockClock) -> None:
    async with serving() as here:
        caller = await here.call()
        await caller.ask("p", "")
        await jump(mock_clock, LIMITS.idle_s - 1)
        await caller.ask("p", "")
        await jump(mock_clock, LIMITS.idle_s - 1)
        assert here.server.clients == 1
        await jump(mock_clock, 1 + SWEPT_S)
        assert await timeout_of(caller) == "no further frame (within 900 seconds) came"
        await trio.testing.wait_all_tasks_blocked()
        assert here.server.clients == 0


async def test_a_classic_message_that_never_ends_is_given_up_in_silence(mock_clock: trio.testing.MockClock) -> None:
    async with serving() as here:
        caller = await here.call()
        await caller.stream.send_all(b"u\nnever en")
        await jump(mock_clock, LIMITS.frame_s + SWEPT_S)
        assert await caller.rest() == b""
    assert here.store.tweets == []


async def test_who_does_not_take_his_answers_within_send_s_is_given_up(mock_clock: trio.testing.MockClock) -> None:
    async with serving() as here:
        caller = here.call_in_memory(lockstep=True)
        await caller.send(("p", ""))
        await jump(mock_clock, LIMITS.send_s - 1)
        assert here.server.clients == 1
        await jump(mock_clock, 1 + SWEPT_S)
        assert here.server.clients == 0


async def test_a_client_that_takes_its_answers_late_is_served_on(mock_clock: trio.testing.MockClock) -> None:
    async with serving() as here:
        caller = here.call_in_memory(lockstep=True)
        for _ in range(3):
            await caller.send(("p", ""))
            await jump(mock_clock, LIMITS.send_s - 1)
            assert (await caller.answer())[0] == "ok"
        assert here.server.clients == 1


async def test_waiting_for_the_disk_is_not_the_clients_fault(mock_clock: trio.testing.MockClock) -> None:
    store = HeldStore()
    async with serving(store) as here:
        caller = await here.call()
        await hold_a_commit(store, caller)
        await jump(mock_clock, LIMITS.idle_s + SWEPT_S)
        await jump(mock_clock, LIMITS.idle_s + SWEPT_S)
        store.release()
        assert (await caller.answer())[0] == "ok"


class SlowReader(MemoryStore):
    """Takes its time for a query, until the test sets `gate`."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def tweets_of_tag(self, key: str, *, limit: int, before: int | None = None) -> Page:
        assert self.gate.wait(GUARD_S)
        return super().tweets_of_tag(key, limit=limit, before=before)


async def test_waiting_for_a_query_is_not_the_clients_fault(mock_clock: trio.testing.MockClock) -> None:
    store = SlowReader()
    async with serving(store) as here:
        caller = await here.call()
        await caller.send(("t", "a"))
        await jump(mock_clock, LIMITS.first_byte_s + SWEPT_S)
        store.gate.set()
        assert await caller.answer() == ("ok", {"tweets": [], "more": False})


# Ends


@pytest.mark.parametrize(
    "junk",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"\0",
        b"[1]\n",
        b"[" * MAX_FRAME_BYTES,
        b'["r",1]\n',
    ],
    ids=["HTTP", "TLS", "NUL", "no frame", "too long a frame", "no report line"],
)
async def test_what_is_no_protocol_is_answered_once_and_ended(junk: bytes) -> None:
    async with serving() as here:
        caller = await here.call()
        await caller.stream.send_all(junk)
        (line,) = (await caller.rest()).splitlines()  # the end comes though the client keeps its own side open
        assert json.loads(line)[1]["code"] in ("bad_protocol", "bad_frame")
        await caller.stream.aclose()
    assert len(here.lines) == 3
    assert "INPUT COULD NOT BE PROCESSED" in here.lines[1]


async def test_what_was_read_before_a_broken_frame_is_answered_and_stored() -> None:
    store = HeldStore()
    async with serving(store) as here:
        caller = await here.call()
        await hold_a_commit(store, caller)
        await caller.stream.send_all(frames.encode("u", "good") + b"bad\n" + frames.encode("u", "too late"))
        await trio.testing.wait_all_tasks_blocked()
        store.release()
        answers = [json.loads(line) for line in (await caller.rest()).splitlines()]
    assert codes(answers) == ["ok", "ok", "bad_frame"]
    assert texts(store)[2:] == ["good"]


async def test_a_flood_after_a_broken_frame_is_thrown_away_and_its_answer_arrives() -> None:
    async with serving() as here:
        caller = await here.call()
        await caller.stream.send_all(b"[1]\n" + b"x" * 1_000_000)
        assert (await caller.answer())[1]["code"] == "bad_frame"
        assert await caller.rest() == b""
        await caller.stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert here.server.clients == 0


async def test_who_lingers_after_a_broken_frame_is_cut(mock_clock: trio.testing.MockClock) -> None:
    async with serving() as here:
        caller = await here.call()
        await caller.stream.send_all(b"[1]\n")
        await jump(mock_clock, LINGER_S / 2)
        assert here.server.clients == 1
        await jump(mock_clock, LINGER_S / 2 + SWEPT_S)
        assert here.server.clients == 0


async def test_a_client_that_is_reset_is_gone_and_what_it_sent_in_frames_is_stored() -> None:
    store = HeldStore()
    async with serving(store) as here:
        caller, other = await here.call(), await here.call()
        await hold_a_commit(store, caller)
        await caller.send(*[("u", "sent")] * 100)
        await trio.testing.wait_all_tasks_blocked()
        await caller.reset()
        await trio.testing.wait_all_tasks_blocked()
        store.release()
        assert (await other.ask("u", "other"))[0] == "ok"
        await trio.testing.wait_all_tasks_blocked()
        assert here.server.clients == 1
    assert "sent" in texts(store)


async def test_a_client_that_goes_while_it_is_written_to_is_let_go() -> None:
    async with serving() as here:
        caller = here.call_in_memory(lockstep=True)
        await caller.send(("p", ""))
        await trio.testing.wait_all_tasks_blocked()
        await caller.stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert here.server.clients == 0


async def test_a_reset_is_no_classic_message() -> None:
    async with serving() as here:
        caller = await here.call()
        await caller.stream.send_all(b"u\nnearly")
        await trio.testing.wait_all_tasks_blocked()
        await caller.reset()
        await trio.testing.wait_all_tasks_blocked()
        assert here.server.clients == 0
    assert here.store.tweets == []


@pytest.mark.parametrize(
    "message", [b"\xff\xfe", b"x" * 601, b"a\0b", b"x" * 151], ids=["utf-8", "bytes", "NUL", "long"]
)
async def test_a_classic_message_that_is_refused_is_logged_and_nothing_is_said(message: bytes) -> None:
    async with serving() as here:
        caller = await here.call()
        await caller.stream.send_all(b"u\n" + message)
        await caller.stream.send_eof()
        assert await caller.rest() == b""
    assert here.store.tweets == []
    assert "INPUT COULD NOT BE PROCESSED" in here.lines[1]


# Stopping


async def test_an_idle_client_is_let_go_at_once_when_the_server_stops() -> None:
    async with serving() as here:
        new, old, in_memory = await here.call(), await here.call(), here.call_in_memory()
        await old.ask("p", "")
        await in_memory.ask("p", "")
        await trio.testing.wait_all_tasks_blocked()
        here.server.stop()
        await trio.testing.wait_all_tasks_blocked()
        assert here.server.clients == 0
        for caller in (new, old, in_memory):
            assert await caller.rest() == b""


async def test_all_that_was_read_before_the_stop_is_answered_and_then_the_end_comes() -> None:
    store = HeldStore()
    async with serving(store, limits=Limits(max_unanswered=3)) as here:
        caller = await here.call()
        await hold_a_commit(store, caller)
        await caller.send(*[("u", str(number)) for number in range(10)], ("d", ""))
        await trio.testing.wait_all_tasks_blocked()
        here.server.stop()
        await trio.testing.wait_all_tasks_blocked()
        assert here.server.clients == 1
        store.release()
        answers = [json.loads(line) for line in (await caller.rest()).splitlines()]
    assert codes(answers) == ["ok"] * 12
    assert answers[-1][1]["text"] == "9"


async def test_a_client_whose_last_upload_is_answered_after_the_stop_is_let_go() -> None:
    store = HeldStore()
    async with serving(store) as here:
        caller = await here.call()
        await hold_a_commit(store, caller)
        here.server.stop()
        store.release()
        assert (await caller.rest()).count(b"\n") == 1
        await trio.testing.wait_all_tasks_blocked()
        assert here.server.clients == 0


async def test_a_client_that_takes_its_answer_after_the_stop_is_let_go_then() -> None:
    async with serving() as here:
        caller = here.call_in_memory(lockstep=True)
        await caller.send(("p", ""))
        await trio.testing.wait_all_tasks_blocked()
        here.server.stop()
        await trio.testing.wait_all_tasks_blocked()
        assert here.server.clients == 1
        assert (await caller.answer())[0] == "ok"
        assert await caller.rest() == b""
        await caller.stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert here.server.clients == 0


async def test_a_client_that_listens_and_takes_its_last_answer_after_the_stop_is_let_go_then() -> None:
    store = HeldStore()
    async with serving(store) as here:
        caller = here.call_in_memory(lockstep=True)
        await hold_a_commit(store, caller)
        commits = here.journal.commits
        store.release()
        await here.journal.wait_commit(commits)
        here.server.stop()
        await trio.testing.wait_all_tasks_blocked()
        assert here.server.clients == 1
        assert (await caller.answer())[0] == "ok"
        await trio.testing.wait_all_tasks_blocked()
        assert here.server.clients == 0


async def test_a_classic_message_under_way_may_end_after_the_stop() -> None:
    async with serving() as here:
        caller = await here.call()
        for part in (b"u\non", b"e mess"):
            await caller.stream.send_all(part)
            await trio.testing.wait_all_tasks_blocked()
            here.server.stop()
        await caller.stream.send_all(b"age")
        await caller.stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
    assert texts(here.store) == ["one message"]


async def test_a_frame_under_way_may_end_after_the_stop() -> None:
    async with serving() as here:
        caller = await here.call()
        await caller.stream.send_all(b'["u","ha')
        await trio.testing.wait_all_tasks_blocked()
        here.server.stop()
        await trio.testing.wait_all_tasks_blocked()
        await caller.stream.send_all(b'lf"]\n')
        assert (await caller.rest()).count(b"\n") == 1
    assert texts(here.store) == ["half"]


@pytest.mark.parametrize("in_memory", [True, False])
async def test_what_was_queued_when_the_grace_ended_is_still_stored(in_memory: bool) -> None:
    store = HeldStore()
    async with serving(store) as here:
        caller = here.call_in_memory() if in_memory else await here.call()
        await hold_a_commit(store, caller)
        await caller.send(("u", "queued"))
        await trio.testing.wait_all_tasks_blocked()
        here.nursery.cancel_scope.cancel()
        await trio.lowlevel.cancel_shielded_checkpoint()
        store.release()
    assert texts(store)[1:] == ["held", "queued"]
