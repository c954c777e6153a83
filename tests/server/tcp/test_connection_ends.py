"""One client's connection: every way to end."""

import gc
import json
from typing import Any

import pytest
import trio
import trio.testing

from tests.support.held_store import HeldStore
from tests.support.memory_store import MemoryStore
from tests.support.serving import SWEPT_S, hold_a_commit, jump, serving
from tests.support.streams import StreamTransport
from tests.support.turns import Turns
from ttweet.protocol import frames
from ttweet.protocol.frames import MAX_FRAME_BYTES
from ttweet.server.config import Limits
from ttweet.server.net import sweeper
from ttweet.server.net.transport import LINGER_S
from ttweet.server.tcp.connection import Connection


def codes(answers: list[tuple[str, Any]]) -> list[str]:
    """The code of each error, and `ok` for what is none."""
    return [data["code"] if kind == "err" else kind for kind, data in answers]


def texts(store: MemoryStore) -> list[str]:
    return [tweet.text for tweet in store.tweets]


# Ends


@pytest.mark.parametrize(
    "junk",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\0",
        b"[1]\n",
        b"[" * MAX_FRAME_BYTES,
        b'["r",1]\n',
    ],
    ids=["HTTP", "NUL", "no frame", "too long a frame", "no report line"],
)
async def test_bytes_of_no_protocol_get_one_answer_and_a_closed_connection(junk: bytes) -> None:
    async with serving() as here:
        caller = await here.call()
        await caller.stream.send_all(junk)
        (line,) = (await caller.rest()).splitlines()  # the end comes though the client keeps its own side open
        assert json.loads(line)[1]["code"] in ("bad_protocol", "bad_frame")
        await caller.stream.aclose()
    assert len(here.lines) == 3
    assert "INPUT COULD NOT BE PROCESSED" in here.lines[1]


async def test_requests_before_a_broken_frame_are_answered_and_stored() -> None:
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


async def test_a_flood_after_a_broken_frame_is_thrown_away_and_its_answer_arrives(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with serving() as here:
        caller = here.call_in_memory()
        await caller.stream.send_all(b"[1]\n" + b"x" * 1_000_000)
        assert (await caller.answer())[1]["code"] == "bad_frame"
        assert await caller.rest() == b""
        await caller.stream.aclose()
        await trio.sleep(LINGER_S / 2)  # the server rests between reads
        assert here.places.taken == 0


async def test_a_client_that_lingers_after_a_broken_frame_is_cut(mock_clock: trio.testing.MockClock) -> None:
    async with serving() as here:
        caller = await here.call()
        await caller.stream.send_all(b"[1]\n")
        await jump(mock_clock, LINGER_S / 2)
        assert here.places.taken == 1
        await jump(mock_clock, LINGER_S / 2 + SWEPT_S)
        assert here.places.taken == 0


class Endless(StreamTransport):
    """A socket that has no room for the end."""

    def __init__(self, stream: trio.abc.HalfCloseableStream) -> None:
        self._closed = trio.Event()
        super().__init__(stream, self._closed.set)

    async def send_end(self) -> None:
        await self._closed.wait()
        raise trio.ClosedResourceError


@pytest.mark.parametrize("sent", [b'["s",""]\n', b"[1]\n"], ids=["a follower", "no frame"])
async def test_a_client_that_does_not_take_the_end_is_cut(sent: bytes, mock_clock: trio.testing.MockClock) -> None:
    async with serving() as here:
        ours, clients = trio.testing.memory_stream_pair()
        here.edge.admit(Endless(ours), ("memory", 1), here.nursery)
        await clients.send_all(sent)
        await clients.send_eof()
        await jump(mock_clock, LINGER_S / 2)
        assert here.places.taken == 1
        await jump(mock_clock, LINGER_S / 2 + SWEPT_S)
        assert here.places.taken == 0


async def test_nothing_is_pushed_to_a_client_while_the_end_is_sent() -> None:
    async with serving() as here:
        ours, clients = trio.testing.memory_stream_pair()
        here.edge.admit(Endless(ours), ("memory", 1), here.nursery)
        await clients.send_all(b'["s",""]\n')
        await trio.testing.wait_all_tasks_blocked()
        assert here.followers == (1, 0)
        await clients.send_eof()
        await trio.testing.wait_all_tasks_blocked()
        assert (here.followers, here.places.taken) == ((0, 0), 1)
        here.nursery.cancel_scope.cancel()


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
        assert here.places.taken == 1
    assert "sent" in texts(store)


async def test_a_client_that_goes_while_it_is_written_to_is_disconnected() -> None:
    async with serving() as here:
        caller = here.call_in_memory(lockstep=True)
        await caller.send(("p", ""))
        await trio.testing.wait_all_tasks_blocked()
        await caller.stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert here.places.taken == 0


async def test_clients_that_have_gone_leave_nothing_for_the_collector() -> None:
    async with serving() as here:
        stays = await here.call()
        gc.collect()
        before = [one for one in gc.get_objects() if isinstance(one, Connection)]  # also what another test still holds
        gc.disable()
        try:
            for _ in range(10):
                caller = await here.call()
                await caller.send(("u", "one"), ("s", ""))
                assert [kind for kind, _ in await caller.answers(3)] == ["ok", "ok", "e"]
                caller.close()
                here.callers.remove(caller)
            await here.others_gone()
            left = [one for one in gc.get_objects() if isinstance(one, Connection) and one not in before]
        finally:
            gc.enable()
        assert (len(left), here.places.taken) == (1, 2)  # the one that has looked, and the one that stays
        assert (await stays.ask("p", ""))[0] == "ok"


async def test_a_reset_is_no_classic_message() -> None:
    async with serving() as here:
        caller = await here.call()
        await caller.stream.send_all(b"u\nnearly")
        await trio.testing.wait_all_tasks_blocked()
        await caller.reset()
        await trio.testing.wait_all_tasks_blocked()
        assert here.places.taken == 0
    assert here.store.tweets == []


@pytest.mark.parametrize(
    "message", [b"\xff\xfe", b"x" * 601, b"a\0b", b"x" * 151], ids=["utf-8", "bytes", "NUL", "long"]
)
async def test_a_refused_classic_message_is_logged_and_not_answered(message: bytes) -> None:
    async with serving() as here:
        caller = await here.call()
        await caller.stream.send_all(b"u\n" + message)
        await caller.stream.send_eof()
        assert await caller.rest() == b""
    assert here.store.tweets == []
    assert "INPUT COULD NOT BE PROCESSED" in here.lines[1]


# Stopping


async def test_an_idle_client_is_disconnected_at_once_when_the_server_stops() -> None:
    async with serving() as here:
        new, old, in_memory = await here.call(), await here.call(), here.call_in_memory()
        await old.ask("p", "")
        await in_memory.ask("p", "")
        await trio.testing.wait_all_tasks_blocked()
        await here.places.stop()
        await trio.testing.wait_all_tasks_blocked()
        assert here.places.taken == 0
        for caller in (new, old, in_memory):
            assert await caller.rest() == b""


@pytest.mark.parametrize("what", ["stop", "recheck"])
async def test_others_have_their_turns_while_a_server_goes_through_its_clients(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeper, "TURN_CLIENTS", 3)
    turns = Turns()
    act = getattr(Connection, what)

    def act_and_note(connection: Connection) -> None:
        turns.note()
        act(connection)

    monkeypatch.setattr(Connection, what, act_and_note)
    async with serving() as here:
        for _ in range(10):
            await here.call_in_memory().ask("p", "")
        trio.lowlevel.add_instrument(turns)
        await getattr(here.places, what)()
        trio.lowlevel.remove_instrument(turns)
    assert (turns.all, turns.most) == (10, 3)


async def test_all_that_was_read_before_the_stop_is_answered_and_then_the_end_comes() -> None:
    store = HeldStore()
    async with serving(store, limits=Limits(max_unanswered=3)) as here:
        caller = await here.call()
        await hold_a_commit(store, caller)
        await caller.send(*[("u", str(number)) for number in range(10)], ("d", ""))
        await trio.testing.wait_all_tasks_blocked()
        await here.places.stop()
        await trio.testing.wait_all_tasks_blocked()
        assert here.places.taken == 1
        store.release()
        answers = [json.loads(line) for line in (await caller.rest()).splitlines()]
    assert codes(answers) == ["ok"] * 12
    assert answers[-1][1]["text"] == "9"


async def test_a_client_whose_last_upload_is_answered_after_the_stop_is_disconnected() -> None:
    store = HeldStore()
    async with serving(store) as here:
        caller = await here.call()
        await hold_a_commit(store, caller)
        await here.places.stop()
        store.release()
        assert (await caller.rest()).count(b"\n") == 1
        await trio.testing.wait_all_tasks_blocked()
        assert here.places.taken == 0


async def test_a_client_that_takes_its_answer_after_the_stop_is_disconnected_then() -> None:
    async with serving() as here:
        caller = here.call_in_memory(lockstep=True)
        await caller.send(("p", ""))
        await trio.testing.wait_all_tasks_blocked()
        await here.places.stop()
        await trio.testing.wait_all_tasks_blocked()
        assert here.places.taken == 1
        assert (await caller.answer())[0] == "ok"
        assert await caller.rest() == b""
        await caller.stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert here.places.taken == 0


async def test_a_client_that_listens_and_takes_its_last_answer_after_the_stop_is_disconnected_then() -> None:
    store = HeldStore()
    async with serving(store) as here:
        caller = here.call_in_memory(lockstep=True)
        await hold_a_commit(store, caller)
        commits = here.journal.commits
        store.release()
        await here.journal.wait_commit(commits)
        await here.places.stop()
        await trio.testing.wait_all_tasks_blocked()
        assert here.places.taken == 1
        assert (await caller.answer())[0] == "ok"
        await trio.testing.wait_all_tasks_blocked()
        assert here.places.taken == 0


async def test_a_classic_message_under_way_may_end_after_the_stop() -> None:
    async with serving() as here:
        caller = await here.call()
        for part in (b"u\non", b"e mess"):
            await caller.stream.send_all(part)
            await trio.testing.wait_all_tasks_blocked()
            await here.places.stop()
        await caller.stream.send_all(b"age")
        await caller.stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
    assert texts(here.store) == ["one message"]


async def test_a_frame_under_way_may_end_after_the_stop() -> None:
    async with serving() as here:
        caller = await here.call()
        await caller.stream.send_all(b'["u","ha')
        await trio.testing.wait_all_tasks_blocked()
        await here.places.stop()
        await trio.testing.wait_all_tasks_blocked()
        await caller.stream.send_all(b'lf"]\n')
        assert (await caller.rest()).count(b"\n") == 1
    assert texts(here.store) == ["half"]


@pytest.mark.parametrize("in_memory", [True, False])
async def test_a_post_that_was_queued_when_the_grace_ended_is_still_stored(in_memory: bool) -> None:
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
