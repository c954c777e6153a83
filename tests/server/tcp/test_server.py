"""The TCP edge: no client's trouble is another's."""

import logging

import pytest
import trio
import trio.testing

from tests.support.held_store import HeldStore
from tests.support.memory_store import MemoryStore
from tests.support.serving import Caller, Serving, serving
from tests.support.streams import StreamTransport
from ttweet.broker.receipts import Receipt, Waiter
from ttweet.broker.service import Service
from ttweet.model.errors import ProtocolError
from ttweet.protocol import frames
from ttweet.server.net import log_interval


class FragileService(Service):
    """Has a bug that one text brings out."""

    def post(self, text: str, waiter: Waiter, **options: object) -> Receipt:
        if text == "boom":
            raise ZeroDivisionError("a bug")
        return super().post(text, waiter, **options)  # type: ignore[arg-type]  # handed on as they came


async def test_a_bug_that_one_client_meets_ends_that_client_only(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(service=FragileService) as here:
        victim, other = await here.call(), await here.call()
        await victim.ask("p", "")
        await other.ask("p", "")
        await victim.send(("u", "boom"))
        assert await victim.rest() == b""
        assert (await other.ask("u", "still served"))[0] == "ok"
        assert here.places.taken == 1
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "ZeroDivisionError" in caplog.text
    assert f"SERVER ALERT [ERROR] INPUT COULD NOT BE PROCESSED FROM CLIENT: {victim.peer}" in here.lines
    assert f"SERVER ALERT [CONNECTION] DISCONNECTION OF CLIENT: {victim.peer}" in here.lines


class ConfusedTransport(StreamTransport):
    """Has a bug: it raises an error of the protocol, which it knows nothing of."""

    async def receive(self) -> bytes:
        raise ProtocolError("bad_frame", "a bug")


async def test_an_error_of_the_protocol_out_of_place_is_a_bug_and_no_fault_of_tls(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving() as here:
        ours, _ = trio.testing.memory_stream_pair()
        here.edge.admit(ConfusedTransport(ours, ours.send_stream.close), ("memory", 1), here.nursery)
        await here.others_gone()
    assert "ProtocolError" in caplog.text
    assert "SERVER ALERT [ERROR] INPUT COULD NOT BE PROCESSED FROM CLIENT: ('memory', 1)" in here.lines
    assert not [line for line in here.lines if "NO TLS" in line]


async def test_a_bug_that_many_clients_meet_is_reported_once_a_minute(
    caplog: pytest.LogCaptureFixture, mock_clock: trio.testing.MockClock
) -> None:
    async with serving(service=FragileService) as here:
        for seconds in (0, 1, log_interval.WARN_AGAIN_S):
            mock_clock.jump(seconds)
            victim = await here.call()
            await victim.send(("u", "boom"))
            assert await victim.rest() == b""
    assert len(caplog.records) == 2


class BrokenTransport(StreamTransport):
    """Has a bug in sending."""

    async def send(self, data: bytes | memoryview) -> None:
        raise ZeroDivisionError("a bug")


async def test_a_bug_in_sending_ends_that_client_only(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as here:
        ours, clients = trio.testing.memory_stream_pair()
        here.edge.admit(BrokenTransport(ours, ours.receive_stream.close), ("memory", 1), here.nursery)
        await Caller(clients).send(("p", ""))
        await trio.testing.wait_all_tasks_blocked()
        assert here.places.taken == 0
        assert (await (await here.call()).ask("p", ""))[0] == "ok"
    assert "ZeroDivisionError" in caplog.text


async def test_while_one_client_floods_with_junk_another_is_served() -> None:
    async with serving() as here:
        flooder, other = await here.call(), await here.call()

        async def flood() -> None:
            while True:
                await flooder.send(*[("u", "x" * 200), ("x", None)] * 100)

        async def read() -> None:
            while await flooder.stream.receive_some():
                pass

        async with trio.open_nursery() as nursery:
            nursery.start_soon(flood)
            nursery.start_soon(read)
            for number in range(50):
                assert (await other.ask("u", str(number)))[0] == "ok"
            nursery.cancel_scope.cancel()
    assert [tweet.text for tweet in here.store.tweets] == [str(number) for number in range(50)]


async def test_one_client_that_does_not_read_delays_no_other() -> None:
    store = MemoryStore()
    async with serving(store) as here:
        poster = await here.call()
        await poster.send(*[("u", "x" * 140 + " #a")] * 200)
        await poster.answers(200)
        deaf = await here.call()

        async def ask_for_ever() -> None:
            while True:
                await deaf.send(*[("t", {"tag": "a", "limit": 200})] * 100)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask_for_ever)
            for _ in range(50):
                assert (await poster.ask("p", ""))[0] == "ok"
            while not deaf_is_stuck(here):
                await poster.ask("p", "")
            assert (await poster.ask("u", "still served"))[0] == "ok"
            nursery.cancel_scope.cancel()


def deaf_is_stuck(here: Serving) -> bool:
    """Whether some client's answers do not go out any more."""
    return any(connection._outbox.unsent for connection in here.connections)


async def test_hundreds_of_clients_are_each_answered_what_they_posted() -> None:
    async with serving() as here:

        async def post(number: int) -> None:
            caller = await here.call()
            await caller.send(*[("u", f"{number} {place}") for place in range(5)])
            for place, (kind, data) in enumerate(await caller.answers(5)):
                assert kind == "ok"
                assert here.store.tweets[data["id"] - 1].text == f"{number} {place}"

        async with trio.open_nursery() as nursery:
            for number in range(200):
                nursery.start_soon(post, number)
    assert len(here.store.tweets) == 1000


async def test_clients_that_are_reset_while_the_store_is_held_harm_no_client() -> None:
    store = HeldStore()
    async with serving(store) as here:
        other = await here.call()
        await other.ask("u", "first")
        store.hold()
        await other.send(("u", "other"))
        await store.wait_held()
        for _ in range(20):
            caller = await here.call()
            await caller.stream.send_all(frames.encode("u", "lost") * 3)
            await trio.testing.wait_all_tasks_blocked()
            await caller.reset()
        store.release()
        assert (await other.answer())[0] == "ok"
        await trio.testing.wait_all_tasks_blocked()
        assert (await other.ask("d", ""))[0] == "ok"
        assert here.places.taken == 1
    assert [tweet.text for tweet in store.tweets][1:] == ["other"] + ["lost"] * 60
