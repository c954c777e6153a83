"""Bounds of a TLS connection: records without data, and output for a client that does not read."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, repeat

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st
from proofs.tls_peer import TlsPeer

from tests.support.authority import Authority
from tests.support.serving import serving
from ttweet.server.net.acceptor import FRUITLESS_TLS_S
from ttweet.server.net.tls import MAX_DISCARDED_BYTES, MAX_HANDSHAKE_BYTES, RECORD_BYTES, TlsError, TlsTransport
from ttweet.server.net.tls_records import MAX_FRUITLESS_RECORDS, RECORDS_WITH_DATA

DATA = bytes(range(256)) * 400
OVERHEAD = 32  # bytes of a record, at least as many as TLS 1.3 has


@pytest.fixture(scope="module")
def lasting_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """For all examples of a test: to make keys takes longest."""
    return Authority(tmp_path_factory.mktemp("authority"))


class Wire:
    """A fake socket that accepts a given number of bytes of each call."""

    def __init__(self, takes: Iterator[int]) -> None:
        self._takes = takes
        self._sent = bytearray()
        self.come, self._coming = trio.open_memory_channel[bytes](1000)

    def taken(self) -> bytes:
        """Return the server's output since the last call."""
        data, self._sent = bytes(self._sent), bytearray()
        return data

    async def receive(self) -> bytes:
        return await self._coming.receive()

    def send_now(self, data: bytes) -> int:
        taken = min(next(self._takes), len(data))
        self._sent += data[:taken]
        return taken

    async def send(self, data: bytes | memoryview) -> None:
        await trio.lowlevel.checkpoint()
        self._sent += data

    async def send_end(self) -> None:
        pass

    def close(self) -> None:
        pass


async def connected(authority: Authority, takes: Iterator[int] = repeat(0)) -> tuple[TlsTransport, TlsPeer, Wire]:  # noqa: B008
    """Both ends after the handshake; the client has sent one byte."""
    wire, peer = Wire(takes), TlsPeer(authority.ca)
    transport = TlsTransport(wire, authority.certificates().context, b"")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(transport.receive)
        while not peer.shake_hands(wire.taken()):
            wire.come.send_nowait(peer.to_send())
            await trio.testing.wait_all_tasks_blocked()
        wire.come.send_nowait(peer.to_send() + peer.encrypt(b"x"))
    peer.decrypt(wire.taken())
    return transport, peer, wire


@pytest.mark.parametrize("answered", [False, True])
async def test_keys_without_data_end_a_connection(authority: Authority, answered: bool) -> None:
    transport, peer, wire = await connected(authority)
    wire.come.send_nowait(peer.key_updates(MAX_FRUITLESS_RECORDS, answered=answered) + peer.encrypt(b"heard"))
    assert await transport.receive() == b"heard"
    wire.come.send_nowait(peer.key_updates(1, answered=answered))
    with pytest.raises(TlsError, match=r"^the client sends more than 1,000 records without data$"):
        await transport.receive()


@pytest.mark.parametrize(("keys", "size"), [(3, 1), (100, 1), (100, RECORD_BYTES)])
async def test_data_does_not_pay_for_the_keys_beside_it(authority: Authority, keys: int, size: int) -> None:
    transport, peer, wire = await connected(authority)
    records = keys_and_data(peer, keys, size)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(deliver, wire, b"".join(records))
        with pytest.raises(TlsError, match=r"^the client sends more than 1,000 records without data$"):
            await receive_bytes(transport, len(records) * size)
        nursery.cancel_scope.cancel()


def keys_and_data(peer: TlsPeer, keys: int, size: int) -> list[bytes]:
    """New keys and a record of data in turn, until the keys are a tenth more than are allowed."""
    return [peer.key_updates(keys) + peer.encrypt(b"x" * size) for _ in range(MAX_FRUITLESS_RECORDS * 11 // 10 // keys)]


async def receive_bytes(transport: TlsTransport, number: int) -> None:
    while number > 0:
        number -= len(await transport.receive())


async def test_a_client_that_changes_its_keys_now_and_then_may_continue(authority: Authority) -> None:
    transport, peer, wire = await connected(authority)
    for _ in range(MAX_FRUITLESS_RECORDS + 100):
        wire.come.send_nowait(peer.key_updates(1) + b"".join([peer.encrypt(b"x") for _ in range(RECORDS_WITH_DATA)]))
        await receive_bytes(transport, RECORDS_WITH_DATA)


@pytest.mark.parametrize(("size", "amount"), [(1, 10_000), (20, 5_000), (RECORD_BYTES, 50)])
async def test_data_is_never_too_much_however_small_its_records_are(
    authority: Authority, size: int, amount: int
) -> None:
    transport, peer, wire = await connected(authority)
    data = b"".join([peer.encrypt(b"x" * size) for _ in range(amount)])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(deliver, wire, data)
        await receive_bytes(transport, size * amount)


async def deliver(wire: Wire, data: bytes) -> None:
    """In reads as a socket makes them."""
    for start in range(0, len(data), 4096):
        await wire.come.send(data[start : start + 4096])


@pytest.mark.parametrize("part", [1, RECORD_BYTES])
async def test_a_hello_without_an_end_ends_the_connection(authority: Authority, part: int) -> None:
    wire = Wire(repeat(0))
    transport = TlsTransport(wire, authority.certificates().context, b"")
    hello = b"\x01" + (131_390).to_bytes(3, "big") + b"x" * MAX_HANDSHAKE_BYTES  # the longest that OpenSSL waits for
    record = b"\x16\x03\x01" + part.to_bytes(2, "big")
    data = b"".join([record + hello[start : start + part] for start in range(0, MAX_HANDSHAKE_BYTES, part)])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(deliver, wire, data)
        with pytest.raises(TlsError, match=r"more than 128 KiB before the handshake is done"):
            await transport.receive()
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("first", [b"no TLS at all", b"\x16\x03\x01\x00\x02no"])
async def test_a_client_that_speaks_no_tls_is_not_read_for_long(authority: Authority, first: bytes) -> None:
    wire, reads = Wire(repeat(0)), 100
    transport = TlsTransport(wire, authority.certificates().context, b"TLS alone")
    wire.come.send_nowait(first)
    for _ in range(reads):
        wire.come.send_nowait(b"x" * 4096)
    with pytest.raises(TlsError):
        await transport.receive()
    assert wire.come.statistics().current_buffer_used >= reads - MAX_DISCARDED_BYTES // 4096 - 1


async def test_the_log_says_why_a_client_without_data_is_gone(authority: Authority) -> None:
    async with serving(certificates=authority.certificates()) as here:
        peer, caller = TlsPeer(authority.ca), await here.call()
        received = b""
        while not peer.shake_hands(received):
            await caller.stream.send_all(peer.to_send())
            received = bytes(await caller.stream.receive_some())
        await caller.stream.send_all(peer.to_send() + peer.key_updates(MAX_FRUITLESS_RECORDS + 200))
        with suppress(trio.BrokenResourceError):  # a reset, where not all was read
            while await caller.stream.receive_some():
                pass
        await trio.testing.wait_all_tasks_blocked()
    assert (
        f"SERVER ALERT [ERROR] NO TLS WITH CLIENT: {caller.peer} the client sends more than 1,000 records without data"
        in here.lines
    )


async def test_answers_for_a_client_that_does_not_read_are_not_encrypted_ahead(authority: Authority) -> None:
    transport, _, _ = await connected(authority)
    assert transport.send_now(DATA * 3) == 0
    assert len(transport._rest) + transport._outgoing.pending <= RECORD_BYTES + OVERHEAD


@given(
    takes=st.lists(st.sampled_from([0, 1, 100, RECORD_BYTES, RECORD_BYTES + OVERHEAD, 1 << 20]), max_size=12),
    sizes=st.lists(
        st.sampled_from([0, 1, 50, RECORD_BYTES, RECORD_BYTES + 1, 3 * RECORD_BYTES]), min_size=1, max_size=6
    ),
    keys=st.integers(0, 3),
)
def test_whatever_the_socket_takes_all_arrives_once_and_in_order(
    lasting_authority: Authority, takes: list[int], sizes: list[int], keys: int
) -> None:
    async def exchange() -> None:
        transport, peer, wire = await connected(lasting_authority, chain(takes, repeat(1 << 20)))
        expected, received, start = b"", b"", 0
        async with trio.open_nursery() as nursery:
            nursery.start_soon(transport.receive)
            for size in sizes:
                data, start = DATA[start : start + size], start + 1
                expected += data
                sent = transport.send_now(data)
                wire.come.send_nowait(peer.key_updates(keys, answered=True) or peer.key_updates(1))
                await trio.testing.wait_all_tasks_blocked()
                if sent < len(data):
                    await transport.send(memoryview(data)[sent:])
                received += peer.decrypt(wire.taken())
            nursery.cancel_scope.cancel()
        assert received == expected

    trio.run(exchange)


async def test_a_client_that_came_for_nothing_makes_the_next_one_wait_for_as_long_as_two_handshakes(
    authority: Authority, mock_clock: trio.testing.MockClock
) -> None:
    async with serving(certificates=authority.certificates()) as here:
        nobody = await here.call()
        await nobody.stream.send_all(b"nonsense")
        await nobody.rest()
        await nobody.stream.aclose()
        while here.places.taken > 0:
            await trio.lowlevel.checkpoint()
        await here.call()
        while here.places.taken < 1:
            await trio.lowlevel.checkpoint()
        await here.call()
        mock_clock.jump(FRUITLESS_TLS_S / 2)
        await trio.testing.wait_all_tasks_blocked()
        assert here.places.taken == 1
        mock_clock.jump(FRUITLESS_TLS_S / 2)
        while here.places.taken < 2:
            await trio.lowlevel.checkpoint()
