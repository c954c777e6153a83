"""A client's bytes: what the server needs of a socket or of a trio stream.

The plain socket with `wait_readable` is the fast one: an unpipelined echo through it tops at 57,000 a second, through
trio's SocketStream at 28,000. A stream serves whatever is no plain socket. Knows no protocol.
"""

import socket
from collections.abc import Callable
from typing import Protocol

import trio

READ_BYTES = 64 * 1024  # of one read; some hundred pipelined frames

LOST = (OSError, trio.BrokenResourceError, trio.ClosedResourceError)
"""What a transport raises when the connection is gone."""


class Transport(Protocol):
    """One client's connection. Each call raises one of LOST when it is gone, also by a `close` during the call."""

    async def receive(self) -> bytes:
        """The next bytes; none at the clean end of the stream."""
        ...

    def send_now(self, data: bytes) -> int:
        """Send what can be sent without waiting and return how many bytes that was."""
        ...

    async def send(self, data: bytes) -> None:
        """Send it all, waiting as long as it takes."""
        ...

    async def send_end(self) -> None:
        """Say that nothing more will be sent; the other way stays open."""
        ...

    def close(self) -> None:
        """Let go of the connection at once; never raises."""
        ...


class SocketTransport:
    """A connected, non-blocking TCP socket."""

    __slots__ = ("_socket",)

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    async def receive(self) -> bytes:
        """See Transport."""
        if self._socket.fileno() < 0:
            raise trio.ClosedResourceError
        await trio.lowlevel.wait_readable(self._socket)
        return self._socket.recv(READ_BYTES)

    def send_now(self, data: bytes) -> int:
        """See Transport."""
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0

    async def send(self, data: bytes) -> None:
        """See Transport."""
        rest = memoryview(data)
        while rest:
            await trio.lowlevel.wait_writable(self._socket)
            rest = rest[self._socket.send(rest) :]

    async def send_end(self) -> None:
        """See Transport."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """See Transport."""
        if self._socket.fileno() >= 0:
            trio.lowlevel.notify_closing(self._socket)
            self._socket.close()


class StreamTransport:
    """Any trio stream: memory streams, TLS. `abort` closes what the stream stands on, at once."""

    def __init__(self, stream: trio.abc.HalfCloseableStream, abort: Callable[[], None]) -> None:
        self._stream = stream
        self._abort = abort

    async def receive(self) -> bytes:
        """See Transport."""
        return bytes(await self._stream.receive_some(READ_BYTES))

    def send_now(self, _: bytes) -> int:
        """See Transport: a stream has no such thing; all is left to `send`."""
        return 0

    async def send(self, data: bytes) -> None:
        """See Transport."""
        await self._stream.send_all(data)

    async def send_end(self) -> None:
        """See Transport."""
        await self._stream.send_eof()

    def close(self) -> None:
        """See Transport."""
        self._abort()
