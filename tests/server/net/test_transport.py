"""A client's bytes over a plain socket and over a stream: the same behaviour, whichever carries them."""

import select
import socket
import subprocess
import sys
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import pytest
import trio
import trio.testing

from tests.support.guard import GUARD_S
from tests.support.streams import StreamTransport
from ttweet.server.net import transport as transports
from ttweet.server.net.transport import (
    LOST,
    READ_BYTES,
    Readiness,
    Sockets,
    SocketTransport,
    Transport,
    WaitingTransport,
)

Pair = tuple[Transport, trio.abc.HalfCloseableStream]
MakePair = Callable[[], AbstractAsyncContextManager[Pair]]


@asynccontextmanager
async def socket_pair(sockets: Sockets | None = None) -> AsyncIterator[Pair]:
    """A transport on a TCP connection and the stream of its client."""
    sockets = sockets or Sockets()
    async with pair_of(sockets) as pair, trio.open_nursery() as nursery:
        nursery.start_soon(sockets.run)
        yield pair
        pair[0].close()
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def pair_of(sockets: Sockets) -> AsyncIterator[Pair]:
    """The same, of sockets that run already."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = await trio.open_tcp_stream(*listener.getsockname())
        accepted, _ = listener.accept()
    accepted.setblocking(False)
    transport = sockets.transport(accepted)
    async with client:
        yield transport, client
        transport.close()


def over_stream(
    stream: trio.StapledStream[trio.testing.MemorySendStream, trio.testing.MemoryReceiveStream],
) -> Transport:
    def abort() -> None:
        stream.send_stream.close()
        stream.receive_stream.close()

    return StreamTransport(stream, abort)


@asynccontextmanager
async def stream_pair() -> AsyncIterator[Pair]:
    ours, clients = trio.testing.memory_stream_pair()
    yield over_stream(ours), clients


@asynccontextmanager
async def waiting_pair() -> AsyncIterator[Pair]:
    """The same as a pair of sockets, where a system has no epoll."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(select, "epoll")
        sockets = Sockets()
    async with socket_pair(sockets) as (transport, client):
        assert isinstance(transport, WaitingTransport)
        yield transport, client


@asynccontextmanager
async def crowded_pair() -> AsyncIterator[Pair]:
    """The same as a pair of sockets, where many clients are connected."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transports, "FEW_CLIENTS", 0)
        async with socket_pair() as pair:
            yield pair


BOTH = pytest.mark.parametrize(
    "make_pair",
    [socket_pair, crowded_pair, waiting_pair, stream_pair],
    ids=["socket", "one of many sockets", "without epoll", "stream"],
)


async def received(transport: Transport, amount: int) -> bytes:
    data = b""
    while len(data) < amount:
        data += await transport.receive()
    return data


@BOTH
async def test_bytes_arrive_in_order_and_then_the_end(make_pair: MakePair) -> None:
    with trio.fail_after(GUARD_S):
        async with make_pair() as (transport, client):
            for part in (b"one", b"two"):
                await client.send_all(part)
                assert await received(transport, 3) == part
            await client.send_eof()
            assert await transport.receive() == b""
            assert await transport.receive() == b""


@BOTH
async def test_more_than_one_read_takes_arrives_whole(make_pair: MakePair) -> None:
    data = bytes(range(256)) * (READ_BYTES // 64)
    with trio.fail_after(GUARD_S):
        async with make_pair() as (transport, client), trio.open_nursery() as nursery:
            nursery.start_soon(client.send_all, data)
            assert await received(transport, len(data)) == data


@BOTH
async def test_bytes_that_came_with_the_end_are_read_before_it(make_pair: MakePair) -> None:
    with trio.fail_after(GUARD_S):
        async with make_pair() as (transport, client):
            await client.send_all(b"last words")
            await client.send_eof()
            assert await received(transport, 10) == b"last words"
            assert await transport.receive() == b""


@BOTH
async def test_an_answer_is_sent_at_once_or_later_and_then_the_end(make_pair: MakePair) -> None:
    with trio.fail_after(GUARD_S):
        async with make_pair() as (transport, client):
            sent = transport.send_now(b"answer")
            await transport.send(b"answer"[sent:])
            await transport.send_end()
            assert b"".join([part async for part in client]) == b"answer"
            await client.send_all(b"still heard")
            assert await received(transport, 11) == b"still heard"


@BOTH
async def test_a_close_ends_a_receive_that_waits(make_pair: MakePair) -> None:
    raised: list[BaseException] = []

    async def receive(transport: Transport) -> None:
        try:
            await transport.receive()
        except LOST as exc:
            raised.append(exc)

    with trio.fail_after(GUARD_S):
        async with make_pair() as (transport, _), trio.open_nursery() as nursery:
            nursery.start_soon(receive, transport)
            await trio.testing.wait_all_tasks_blocked()
            transport.close()
    assert len(raised) == 1


@BOTH
async def test_after_a_close_every_call_says_that_the_connection_is_lost(make_pair: MakePair) -> None:
    with trio.fail_after(GUARD_S):
        async with make_pair() as (transport, client):
            transport.close()
            transport.close()  # never raises
            with pytest.raises(LOST):
                await transport.receive()
            with pytest.raises(LOST):
                await transport.send(b"answer")
            assert await client.receive_some() == b""


async def test_a_socket_that_is_closed_cannot_be_ended() -> None:
    async with socket_pair() as (transport, _):
        transport.close()
        with pytest.raises(LOST):
            await transport.send_end()


@BOTH
async def test_a_receive_that_is_cancelled_takes_no_bytes(make_pair: MakePair) -> None:
    with trio.fail_after(GUARD_S):
        async with make_pair() as (transport, client):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(transport.receive)
                await trio.testing.wait_all_tasks_blocked()
                nursery.cancel_scope.cancel()
            await client.send_all(b"kept")
            assert await received(transport, 4) == b"kept"


@asynccontextmanager
async def full_socket() -> AsyncIterator[tuple[SocketTransport, trio.abc.HalfCloseableStream, int]]:
    """A socket transport whose client has not read for so long that nothing more is taken; with what was."""
    async with socket_pair() as (transport, client):
        assert isinstance(transport, SocketTransport)
        taken = 0
        while (sent := transport.send_now(b"x" * 1_000_000)) > 0:
            taken += sent
        yield transport, client, taken


async def test_a_full_socket_takes_nothing_now_and_the_rest_later() -> None:
    with trio.fail_after(GUARD_S):
        async with full_socket() as (transport, client, taken), trio.open_nursery() as nursery:
            nursery.start_soon(transport.send, b"y" * 100_000)
            await trio.testing.wait_all_tasks_blocked()
            data = b""
            while len(data) < taken + 100_000:
                data += await client.receive_some()
    assert data.endswith(b"xy" + b"y" * 99_999)


async def test_a_close_ends_a_send_that_waits() -> None:
    raised: list[BaseException] = []

    async def send(transport: Transport) -> None:
        try:
            await transport.send(b"never taken")
        except LOST as exc:
            raised.append(exc)

    with trio.fail_after(GUARD_S):
        async with full_socket() as (transport, _, _), trio.open_nursery() as nursery:
            nursery.start_soon(send, transport)
            await trio.testing.wait_all_tasks_blocked()
            transport.close()
    assert len(raised) == 1


async def test_a_reset_is_a_loss_and_no_clean_end() -> None:
    with trio.fail_after(GUARD_S):
        async with socket_pair() as (transport, client):
            assert isinstance(client, trio.SocketStream)
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            await client.aclose()
            with pytest.raises(ConnectionResetError):
                await transport.receive()


async def test_a_client_that_sends_without_a_pause_does_not_keep_the_others_waiting() -> None:
    with trio.fail_after(GUARD_S):
        async with socket_pair() as (transport, client), trio.open_nursery() as nursery:
            nursery.start_soon(client.send_all, b"x" * (100 * READ_BYTES))
            others_turn = trio.Event()

            async def other() -> None:
                others_turn.set()

            await transport.receive()
            nursery.start_soon(other)
            amount = 0
            while not others_turn.is_set():
                amount += len(await transport.receive())
            assert amount < 50 * READ_BYTES
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("make_pair", [socket_pair, crowded_pair], ids=["socket", "one of many sockets"])
async def test_a_closed_socket_that_another_process_still_has_is_not_watched_any_more(make_pair: MakePair) -> None:
    with trio.fail_after(GUARD_S):
        async with make_pair() as (transport, client):
            assert isinstance(transport, SocketTransport)
            with transport._socket.dup():  # as a process has it that was forked
                transport.close()
                await client.send_all(b"of which the set would tell")
                await trio.testing.wait_all_tasks_blocked()


async def test_a_socket_that_waits_alone_continues_when_others_have_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transports, "FEW_CLIENTS", 1)
    with trio.fail_after(GUARD_S):
        async with socket_pair(sockets := Sockets()) as (first, client), trio.open_nursery() as nursery:
            nursery.start_soon(received, first, len(b"alone"))
            await trio.testing.wait_all_tasks_blocked()
            async with pair_of(sockets) as (second, other):
                await client.send_all(b"alone")
                await trio.testing.wait_all_tasks_blocked()
                for transport, sender in ((first, client), (second, other), (first, client)):
                    await sender.send_all(b"among others")
                    assert await received(transport, len(b"among others")) == b"among others"
            await client.send_all(b"alone again")
            assert await received(first, len(b"alone again")) == b"alone again"
            await client.send_eof()
            assert await first.receive() == b""


async def test_after_the_peers_end_the_close_is_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(transports._Sending, "send_end")  # the system call
    with trio.fail_after(GUARD_S):
        async with socket_pair() as (transport, client):
            await client.send_eof()
            assert await transport.receive() == b""
            await transport.send_end()
            transport.close()
            assert await client.receive_some() == b""


def test_an_object_that_cannot_be_watched_is_not_kept() -> None:
    class Some:
        pass

    readiness, some = Readiness(select.epoll()), Some()
    kept = weakref.ref(some)
    with suppress(ValueError):
        readiness.add(-1, some)  # type: ignore[arg-type]  # a transport has no room for weak references
    del some
    assert kept() is None


def test_the_module_loads_where_a_system_has_no_epoll() -> None:
    code = "import select; del select.epoll; import ttweet.server.net.transport"
    subprocess.run([sys.executable, "-c", code], check=True)


async def test_a_client_is_still_read_from_when_the_set_of_sockets_was_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transports, "FEW_CLIENTS", 0)
    sockets = Sockets()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sockets.run)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    received: list[bytes] = []
    with trio.fail_after(GUARD_S):
        async with pair_of(sockets) as (transport, client), trio.open_nursery() as nursery:

            async def receive() -> None:
                received.append(await transport.receive())

            nursery.start_soon(receive)
            await trio.testing.wait_all_tasks_blocked()
            await client.send_all(b"late")
    assert received == [b"late"]
