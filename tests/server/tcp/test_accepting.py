"""Accepted and rejected connections, and the log of both."""

import errno
import socket
from collections.abc import Iterable
from contextlib import ExitStack

import pytest
import trio
import trio.testing

from tests.server.net.test_listeners import has_ipv6
from tests.support.held_store import HeldStore
from tests.support.listening import listen
from tests.support.serving import Caller, Serving, serving
from ttweet import system
from ttweet.server.net import acceptor
from ttweet.server.tcp.connection import HEAVY_REQUESTS, TURN_REQUESTS


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
async def test_a_client_of_the_other_family_is_logged_by_address_and_port() -> None:
    async with serving() as here:
        (listener,) = listen(("::1",), 0)
        with listener:
            here.nursery.start_soon(here.edge.accept, listener, here.nursery)
            async with await trio.open_tcp_stream("::1", listener.getsockname()[1]) as stream:
                port = stream.socket.getsockname()[1]
                assert (await Caller(stream).ask("u", "six"))[0] == "ok"
            here.nursery.cancel_scope.cancel()
    assert here.lines[0] == f"SERVER ALERT [CONNECTION] NEW CONNECTION OF CLIENT: ('::1', {port}) Total: 1"


@pytest.mark.parametrize(
    ("request_", "at_once"), [(("p", ""), TURN_REQUESTS // HEAVY_REQUESTS), (("d", ""), TURN_REQUESTS)]
)
async def test_a_client_with_very_many_requests_in_one_read_leaves_others_their_turn(
    request_: tuple[str, str], at_once: int
) -> None:
    turns, over = 0, False

    async def other() -> None:
        nonlocal turns
        while not over:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with serving() as here:
        caller = await here.call()
        await caller.ask("p", "")
        here.nursery.start_soon(other)
        await caller.send(*[request_] * 1000)
        before = turns
        for _ in range(1000):
            await caller.answer()
        over = True
    assert turns - before >= 1000 / at_once - 5  # a few before the first answer


async def test_clients_that_come_for_nothing_make_the_next_ones_wait_and_no_others(
    mock_clock: trio.testing.MockClock,
) -> None:
    async with serving() as here:
        nobody = await here.call()
        await nobody.stream.send_all(b"nonsense")
        await nobody.rest()
        await nobody.stream.aclose()
        while here.places.taken > 0:
            await trio.lowlevel.checkpoint()
        served = await here.call()
        await served.ask("p", "")
        late = await here.call()
        await late.send(("p", ""))
        await trio.testing.wait_all_tasks_blocked()
        assert here.places.taken == 1
        assert (await served.ask("u", "meanwhile"))[0] == "ok"
        mock_clock.jump(acceptor.FRUITLESS_S)
        assert (await late.answer())[0] == "ok"


async def test_clients_that_made_a_request_make_no_client_wait(mock_clock: trio.testing.MockClock) -> None:
    async with serving() as here:
        guest = await here.call()
        await guest.ask("p", "")
        await guest.stream.aclose()
        while here.places.taken > 0:
            await trio.lowlevel.checkpoint()
        for _ in range(2):
            assert (await (await here.call()).ask("p", ""))[0] == "ok"


@pytest.mark.parametrize(
    ("newcomers", "rests"), [(acceptor.ACCEPT_BURST + 1, True), (acceptor.ACCEPT_BURST - 1, False)]
)
async def test_only_a_full_burst_of_newcomers_leaves_others_more_than_one_turn(
    newcomers: int, rests: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns, taken = 0, list[tuple[int, socket.socket]]()

    async def count_turns() -> None:
        nonlocal turns
        while len(taken) < newcomers + 1:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with serving() as here:
        monkeypatch.setattr(here.edge, "_admit", lambda _, client, *__: taken.append((turns, client)))
        (listener,) = listen(("127.0.0.1",), 0)
        with listener, ExitStack() as clients:
            for _ in range(newcomers):
                clients.enter_context(socket.create_connection(listener.getsockname()))
            here.nursery.start_soon(here.edge.accept, listener, here.nursery)
            here.nursery.start_soon(count_turns)
            while len(taken) < newcomers:
                await trio.lowlevel.checkpoint()
            clients.enter_context(socket.create_connection(listener.getsockname()))
            while len(taken) <= newcomers:
                await trio.lowlevel.checkpoint()
            for _, client in taken:
                client.close()
        here.nursery.cancel_scope.cancel()
    first, last = taken[0][0], taken[-1 if not rests else -2][0]
    assert (last - first >= acceptor.REST_TURNS) is rests


async def test_past_the_limit_a_client_gets_an_error_and_is_rejected_until_another_has_gone() -> None:
    async with serving(max_clients=2) as here:
        first, second = await here.call(), await here.call()
        await first.ask("p", "")
        await second.ask("p", "")
        third = await here.call()
        kind, error = await third.answer()
        assert (kind, error["code"]) == ("err", "busy")
        assert "full with 2 clients" in error["text"]
        assert await third.rest() == b""
        await first.stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert (await (await here.call()).ask("p", ""))[0] == "ok"
        assert (await second.ask("p", ""))[0] == "ok"


@pytest.mark.parametrize("begun", [b"", b'["u","half', b"u\nhalf"])
async def test_past_the_limit_the_client_without_a_request_for_longest_makes_room(begun: bytes) -> None:
    async with serving(max_clients=3) as here:
        served, *silent = [await here.call() for _ in range(3)]
        await served.ask("p", "")
        for caller in silent:
            await caller.stream.send_all(begun)
        await trio.testing.wait_all_tasks_blocked()
        newcomer = await here.call()
        assert (await newcomer.ask("u", "hello"))[0] == "ok"
        told = await silent[0].rest()
        assert (b'"code":"busy"' in told) == (not begun.startswith(b"u"))
        assert (await served.ask("p", ""))[0] == "ok"
        assert (here.places.rejected, here.places.taken) == (1, 3)


async def test_past_the_limit_a_classic_upload_that_is_being_stored_makes_no_room() -> None:
    store = HeldStore()
    store.hold()
    async with serving(store, max_clients=2) as here:
        served, uploader = await here.call(), await here.call()
        await served.ask("p", "")
        await uploader.stream.send_all(b"u\nwhole")
        await uploader.stream.send_eof()
        await trio.testing.wait_all_tasks_blocked()
        _, error = await (await here.call()).answer()
        assert (error["code"], here.places.taken) == ("busy", 2)
        store.release()
        assert await uploader.rest() == b""
    assert [tweet.text for tweet in store.tweets] == ["whole"]


async def test_the_log_counts_the_clients_that_come_and_names_those_that_go() -> None:
    async with serving() as here:
        first, second = await here.call(), await here.call()
        await first.ask("p", "")
        await second.ask("u", "hi")
        await first.stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
    assert here.lines[:2] == [
        f"SERVER ALERT [CONNECTION] NEW CONNECTION OF CLIENT: {first.peer} Total: 1",
        f"SERVER ALERT [CONNECTION] NEW CONNECTION OF CLIENT: {second.peer} Total: 2",
    ]
    assert here.lines[3:] == [
        f"SERVER ALERT [CONNECTION] DISCONNECTION OF CLIENT: {first.peer}",
        f"SERVER ALERT [CONNECTION] DISCONNECTION OF CLIENT: {second.peer}",
    ]


class FailingListener(socket.socket):
    """A listener that fails as the kernel would, a few times."""

    failures: list[int]

    def accept(self) -> tuple[socket.socket, object]:
        if self.failures:
            raise OSError(code := self.failures.pop(0), errno.errorcode[code])
        return super().accept()


async def failing_listener(here: Serving, failures: Iterable[int]) -> Caller:
    """Serve on a listener that fails, and connect to it."""
    listener = FailingListener()
    listener.failures = list(failures)
    listener.setblocking(False)
    listener.bind(("127.0.0.1", 0))
    listener.listen()

    async def accept() -> None:
        with listener:
            await here.edge.accept(listener, here.nursery)

    here.nursery.start_soon(accept)
    here.callers.append(Caller(await trio.open_tcp_stream(*listener.getsockname())))
    return here.callers[-1]


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EPROTO, errno.ENETDOWN])
async def test_a_failing_accept_is_reported_once_and_tried_again(
    code: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptor, "ACCEPT_RETRY_S", 0.001)
    async with serving() as here:
        assert (await (await failing_listener(here, [code] * 5)).ask("p", ""))[0] == "ok"
    (record,) = caplog.records
    assert "cannot accept clients for now" in record.message


async def test_a_client_that_went_before_it_was_accepted_is_no_trouble(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as here:
        assert (await (await failing_listener(here, [errno.ECONNABORTED] * 3)).ask("p", ""))[0] == "ok"
    assert caplog.records == []


async def test_clients_are_served_alike_where_a_system_has_no_epoll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "poller", lambda: None)
    async with serving() as here:
        follower, poster = await here.call(), await here.call()
        assert (await follower.ask("s", {}))[0] == "ok"
        for number in range(3):
            assert (await poster.ask("u", f"{number} #n"))[0] == "ok"
        pushed = [data["text"] for kind, data in await follower.answers(4) if kind == "m"]
        assert pushed == ["0 #n", "1 #n", "2 #n"]
        await here.places.stop()
        assert await poster.rest() == b""
