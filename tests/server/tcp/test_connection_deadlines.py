"""One client's connection: deadlines, by a clock that the test moves."""

import json
import threading
from itertools import pairwise

import trio
import trio.testing

from tests.support.guard import GUARD_S
from tests.support.held_store import HeldStore
from tests.support.memory_store import MemoryStore
from tests.support.serving import SWEPT_S, Caller, hold_a_commit, jump, serving
from ttweet.model.errors import TtweetError
from ttweet.model.tweets import Page
from ttweet.protocol import frames
from ttweet.server.config import Limits
from ttweet.server.net.sweeper import TURN_CLIENTS
from ttweet.server.net.transport import LINGER_S

LIMITS = Limits()


async def timeout_of(caller: Caller) -> str:
    """The sentence with which the server gives up on a client, at the end of all it has sent."""
    kind, data = json.loads((await caller.rest()).splitlines()[-1])
    assert (kind, data["code"]) == ("err", "timeout")
    return str(data["text"])


async def test_a_client_that_says_nothing_is_given_up(mock_clock: trio.testing.MockClock) -> None:
    async with serving() as here:
        caller = await here.call()
        await jump(mock_clock, LIMITS.first_byte_s - 1)
        assert here.places.taken == 1
        await jump(mock_clock, 1 + SWEPT_S)
        assert await timeout_of(caller) == "not one byte (within 10 seconds) came"


async def test_others_have_their_turns_while_many_are_given_up(mock_clock: trio.testing.MockClock) -> None:
    async with serving() as here:
        for _ in range(50):
            await here.call()
        await (await here.call()).ask("p", "")
        await trio.testing.wait_all_tasks_blocked()
        mock_clock.jump(LIMITS.first_byte_s + SWEPT_S)
        clients = [here.places.taken]
        while clients[-1] > 1:
            await trio.lowlevel.checkpoint()
            clients.append(here.places.taken)
    assert max(before - after for before, after in pairwise(clients)) <= 2 * TURN_CLIENTS


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
        assert here.places.taken == 1
        await jump(mock_clock, 1 + SWEPT_S)
        assert await timeout_of(caller) == "no further frame (within 900 seconds) came"
        await trio.testing.wait_all_tasks_blocked()
        assert here.places.taken == 0


async def test_a_classic_message_that_never_ends_is_given_up_in_silence(mock_clock: trio.testing.MockClock) -> None:
    async with serving() as here:
        caller = await here.call()
        await caller.stream.send_all(b"u\nnever en")
        await jump(mock_clock, LIMITS.frame_s + SWEPT_S)
        assert await caller.rest() == b""
    assert here.store.tweets == []


async def test_a_client_that_stays_after_a_classic_download_has_broken_no_rule(
    mock_clock: trio.testing.MockClock,
) -> None:
    async with serving() as here:
        caller = await here.call()
        await caller.stream.send_all(b"d\n")
        assert await caller.rest() == b"Empty Message"
        await jump(mock_clock, LINGER_S + SWEPT_S)
        assert here.places.taken == 0
    assert not [line for line in here.lines if "COULD NOT BE PROCESSED" in line]


async def test_a_client_that_does_not_take_its_answers_within_send_s_is_given_up(
    mock_clock: trio.testing.MockClock,
) -> None:
    async with serving() as here:
        caller = here.call_in_memory(lockstep=True)
        await caller.send(("p", ""))
        await jump(mock_clock, LIMITS.send_s - 1)
        assert here.places.taken == 1
        await jump(mock_clock, 1 + SWEPT_S)
        assert here.places.taken == 0


async def test_a_client_that_takes_its_answers_late_is_served_on(mock_clock: trio.testing.MockClock) -> None:
    async with serving() as here:
        caller = here.call_in_memory(lockstep=True)
        for _ in range(3):
            await caller.send(("p", ""))
            await jump(mock_clock, LIMITS.send_s - 1)
            assert (await caller.answer())[0] == "ok"
        assert here.places.taken == 1


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
    """Takes its time for a query, until the test sets `gate`; then it raises the error, if there is one."""

    def __init__(self, error: TtweetError | None = None) -> None:
        super().__init__()
        self.authenticator = threading.Event()
        self._error = error

    def tweets_of_tag(self, key: str, *, limit: int, before: int | None = None) -> Page:
        assert self.authenticator.wait(GUARD_S)
        if self._error is not None:
            raise self._error
        return super().tweets_of_tag(key, limit=limit, before=before)


async def test_waiting_for_a_query_is_not_the_clients_fault(mock_clock: trio.testing.MockClock) -> None:
    store = SlowReader()
    async with serving(store) as here:
        caller = await here.call()
        await caller.send(("t", "a"))
        await jump(mock_clock, LIMITS.first_byte_s + SWEPT_S)
        store.authenticator.set()
        assert await caller.answer() == ("ok", {"tweets": [], "more": False})
