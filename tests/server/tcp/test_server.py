"""The TCP edge: who is let in, who is turned away, and that no client's trouble is another's."""

import errno
import logging
import socket
from collections.abc import Iterable
from contextlib import closing

import pytest
import trio
import trio.testing

from tests.support.held_store import HeldStore
from tests.support.memory_store import MemoryStore
from tests.support.serving import Caller, Serving, serving
from ttweet.broker.receipts import Receipt, Waiter
from ttweet.broker.service import Service
from ttweet.protocol import frames
from ttweet.server.net import acceptor, log_interval
from ttweet.server.net.listeners import listen, why_not_listening
from ttweet.server.net.transport import StreamTransport
from ttweet.server.tcp.connection import TURN_REQUESTS


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


# Listening


def test_port_0_picks_a_free_port_answers_leave_without_delay_and_dead_links_end() -> None:
    (listener,) = listen(("127.0.0.1",), 0)
    with listener:
        port = listener.getsockname()[1]
        assert port > 0
        with socket.create_connection(("127.0.0.1", port), 10), closing(wait_accept(listener)) as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000


def wait_accept(listener: socket.socket) -> socket.socket:
    listener.setblocking(True)
    return listener.accept()[0]


def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_open() -> None:
    (taken,) = listen(("127.0.0.1",), 0)
    with taken, pytest.raises(OSError) as raised:
        listen(("127.0.0.1",), taken.getsockname()[1])
    assert raised.value.errno == errno.EADDRINUSE


def test_an_address_of_another_machine_is_an_error() -> None:
    with pytest.raises(OSError) as raised:
        listen(("192.0.2.1",), 0)  # RFC 5737: nobody's
    assert raised.value.errno == errno.EADDRNOTAVAIL


def test_a_host_that_is_no_name_at_all_is_an_error_of_the_same_kind() -> None:
    with pytest.raises(OSError, match=r"a\.\.b"):
        listen(("a..b",), 0)


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
async def test_a_client_of_the_other_family_is_logged_by_address_and_port() -> None:
    async with serving() as here:
        (listener,) = listen(("::1",), 0)
        with listener:
            here.nursery.start_soon(here.server.accept, listener, here.nursery)
            async with await trio.open_tcp_stream("::1", listener.getsockname()[1]) as stream:
                port = stream.socket.getsockname()[1]
                assert (await Caller(stream).ask("u", "six"))[0] == "ok"
            here.nursery.cancel_scope.cancel()
    assert here.lines[0] == f"SERVER ALERT [CONNECTION] NEW CONNECTION OF CLIENT: ('::1', {port}) Total: 1"


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_both_addresses_of_a_host_share_one_port(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0] for host in ("127.0.0.1", "::1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)  # whatever this machine calls localhost
    first, second = listen(("localhost",), 0)
    with first, second:
        assert first.getsockname()[1] == second.getsockname()[1]
        first.close()
        with pytest.raises(OSError) as raised:
            listen(("localhost",), second.getsockname()[1])  # the one was free; it is let go again
    assert raised.value.errno == errno.EADDRINUSE


# Who is let in


async def test_a_client_with_very_many_requests_in_one_read_leaves_others_their_turn() -> None:
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
        await caller.send(*[("d", "")] * 1000)
        before = turns
        for _ in range(1000):
            await caller.answer()
        over = True
    assert turns - before >= 1000 / TURN_REQUESTS - 5  # a few before the first answer


async def test_clients_that_come_for_nothing_make_the_next_ones_wait_and_nobody_else(
    mock_clock: trio.testing.MockClock,
) -> None:
    async with serving() as here:
        nobody = await here.call()
        await nobody.stream.send_all(b"nonsense")
        await nobody.rest()
        await nobody.stream.aclose()
        while here.server.clients > 0:
            await trio.lowlevel.checkpoint()
        served = await here.call()
        await served.ask("p", "")
        late = await here.call()
        await late.send(("p", ""))
        await trio.testing.wait_all_tasks_blocked()
        assert here.server.clients == 1
        assert (await served.ask("u", "meanwhile"))[0] == "ok"
        mock_clock.jump(acceptor.FRUITLESS_S)
        assert (await late.answer())[0] == "ok"


async def test_clients_that_made_a_request_make_nobody_wait(mock_clock: trio.testing.MockClock) -> None:
    async with serving() as here:
        guest = await here.call()
        await guest.ask("p", "")
        await guest.stream.aclose()
        while here.server.clients > 0:
            await trio.lowlevel.checkpoint()
        for _ in range(2):
            assert (await (await here.call()).ask("p", ""))[0] == "ok"


async def test_past_the_limit_a_client_is_told_and_turned_away_until_another_has_gone() -> None:
    async with serving(max_clients=2) as here:
        first, second = await here.call(), await here.call()
        await first.ask("p", "")
        await second.ask("p", "")
        third = await here.call()
        kind, error = await third.answer()
        assert (kind, error["code"]) == ("err", "busy")
        assert "2 clients already" in error["text"]
        assert await third.rest() == b""
        await first.stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert (await (await here.call()).ask("p", ""))[0] == "ok"
        assert (await second.ask("p", ""))[0] == "ok"


@pytest.mark.parametrize("begun", [b"", b'["u","half', b"u\nhalf"])
async def test_past_the_limit_who_has_asked_nothing_for_longest_makes_room(begun: bytes) -> None:
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
        assert (here.server.turned_away, here.server.clients) == (1, 3)


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
        assert (error["code"], here.server.clients) == ("busy", 2)
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
            await here.server.accept(listener, here.nursery)

    here.nursery.start_soon(accept)
    here.callers.append(Caller(await trio.open_tcp_stream(*listener.getsockname())))
    return here.callers[-1]


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EPROTO, errno.ENETDOWN])
async def test_a_failing_accept_is_told_once_and_tried_again(
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


# Nobody's trouble is another's


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
        assert here.server.clients == 1
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "ZeroDivisionError" in caplog.text
    assert f"SERVER ALERT [ERROR] INPUT COULD NOT BE PROCESSED FROM CLIENT: {victim.peer}" in here.lines
    assert f"SERVER ALERT [CONNECTION] DISCONNECTION OF CLIENT: {victim.peer}" in here.lines


async def test_a_bug_that_many_clients_meet_is_told_of_once_a_minute(
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
        here.server.admit(BrokenTransport(ours, ours.receive_stream.close), ("memory", 1), here.nursery)
        await Caller(clients).send(("p", ""))
        await trio.testing.wait_all_tasks_blocked()
        assert here.server.clients == 0
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
    return any(connection._outbox.unsent for connection in here.server._places.guests)


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


async def test_clients_that_are_reset_while_the_store_is_held_harm_nobody() -> None:
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
        assert here.server.clients == 1
    assert [tweet.text for tweet in store.tweets][1:] == ["other"] + ["lost"] * 60


@pytest.mark.parametrize(
    ("exc", "said"),
    [
        (OSError(errno.EADDRNOTAVAIL, "x"), "192.0.2.1 is no address of this machine; 127.0.0.1 is one"),
        (socket.gaierror(socket.EAI_NONAME, "x"), "there is no address '192.0.2.1'"),
        (OSError(errno.EACCES, "x"), "port 7 needs more rights than you have"),
        (OSError(errno.ENOBUFS, "No room (while attempting to)"), "cannot listen on 192.0.2.1:7: No room"),
    ],
)
def test_why_it_does_not_listen_is_told_with_what_would_work(exc: OSError, said: str) -> None:
    assert why_not_listening("192.0.2.1", 7, exc).startswith(said)
    assert "while" not in why_not_listening("192.0.2.1", 7, exc)
