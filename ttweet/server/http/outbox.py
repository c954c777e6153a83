"""The bytes that leave for one client: answers, for which its task waits, and pushes.

A task of its own sends the rest of a push that the socket did not take.
"""

from collections.abc import Callable

from ttweet.server.net.transport import LOST, Transport


class HttpOutbox:
    """The sending half of a connection."""

    __slots__ = ("_send_later", "_transport", "unsent")

    def __init__(self, transport: Transport, send_later: Callable[[], None]) -> None:
        """`send_later` starts the task that calls `send_rest`."""
        self._transport = transport
        self._send_later = send_later
        self.unsent: bytes | memoryview = b""
        """The bytes that the socket did not take."""

    async def send(self, data: bytes) -> None:
        """Send data, waiting as long as it takes. Raises one of LOST."""
        sent = self._transport.send_now(data)
        if sent < len(data):
            self.unsent = memoryview(data)[sent:]
            await self.send_rest()

    def push(self, data: bytes) -> bool:
        """Send data without waiting. Returns False when the client has gone."""
        try:
            sent = self._transport.send_now(data)
        except LOST:
            return False
        if sent < len(data):
            self.unsent = memoryview(data)[sent:]  # not a copy: a thousand followers may wait for the same bytes
            self._send_later()
        return True

    async def send_rest(self) -> None:
        """Send what the socket did not take. Raises one of LOST."""
        await self._transport.send(self.unsent)
        self.unsent = b""
