"""A transport over a trio stream, such as one in memory."""

from collections.abc import Callable

import trio

from ttweet.server.net.transport import READ_BYTES


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

    async def send(self, data: bytes | memoryview) -> None:
        """See Transport."""
        await self._stream.send_all(data)

    async def send_end(self) -> None:
        """See Transport."""
        await self._stream.send_eof()

    def close(self) -> None:
        """See Transport."""
        self._abort()
