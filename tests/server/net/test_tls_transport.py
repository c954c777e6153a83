"""TLS on the wire: any size of pieces, both versions, and ends."""

import ssl

import pytest
import trio

from tests.server.net.test_transport import socket_pair
from tests.support.authority import Authority
from tests.support.serving import serving
from ttweet.server.net.tls import TlsTransport
from ttweet.server.net.transport import Transport

DATA = bytes(range(256)) * 400


async def test_a_hello_byte_by_byte_is_understood(authority: Authority) -> None:
    context = ssl.create_default_context(cafile=authority.ca)
    async with serving(certificates=authority.certificates()) as here:
        plain = await trio.open_tcp_stream(*here.address)
        async with trio.SSLStream(Drip(plain), context, server_hostname="localhost") as stream:
            await stream.send_all(b'["p",""]\n')
            assert await stream.receive_some() == b'["ok",null]\n'


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_both_versions_serve_and_either_end_may_end_tls(authority: Authority, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=authority.ca)
    context.minimum_version = context.maximum_version = version
    async with serving(certificates=authority.certificates()) as here:
        plain = await trio.open_tcp_stream(*here.address)
        stream = trio.SSLStream(plain, context, server_hostname="localhost", https_compatible=True)
        await stream.send_all(b"d\n")
        assert await stream.receive_some() == b"Empty Message"
        assert await stream.receive_some() == b"", "the server ends TLS, then the connection"
        await stream.aclose()
        stream = trio.SSLStream(await trio.open_tcp_stream(*here.address), context, server_hostname="localhost")
        await stream.send_all(b'["p",""]\n')
        assert await stream.receive_some() == b'["ok",null]\n'
        rest, _ = await stream.unwrap()  # waits for the server's end of TLS
        async with rest:
            assert await rest.receive_some() == b""


async def test_whatever_part_the_socket_takes_all_arrives_in_order(authority: Authority) -> None:
    context = ssl.create_default_context(cafile=authority.ca)
    async with socket_pair() as (plain, client):
        transport = TlsTransport(Stingy(plain), authority.certificates().context, b"")
        stream = trio.SSLStream(client, context, server_hostname="localhost")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream.send_all, b"hello")
            assert await transport.receive() == b"hello"
        for size in (1, 2, 1000, 16_385, len(DATA)):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(send, transport, DATA[:size])
                received = b""
                while len(received) < size:
                    received += await stream.receive_some()
            assert received == DATA[:size]


async def send(transport: TlsTransport, data: bytes) -> None:
    """As a connection does it."""
    sent = transport.send_now(data)
    if sent < len(data):
        await transport.send(memoryview(data)[sent:])


class Stingy:
    """Takes at once a part only of all that is not tiny."""

    def __init__(self, transport: Transport) -> None:
        self.receive = transport.receive
        self.send = transport.send
        self.send_end = transport.send_end
        self.close = transport.close
        self._transport = transport

    def send_now(self, data: bytes) -> int:
        return self._transport.send_now(data if len(data) < 50 else data[: len(data) // 3])


class Drip(trio.abc.Stream):
    """Sends byte by byte."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        for byte in bytes(data):
            await self._stream.send_all(bytes([byte]))

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self._stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        await self._stream.aclose()
