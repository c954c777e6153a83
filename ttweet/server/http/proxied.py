"""The bytes of a trusted proxy: the client that its PROXY header names becomes the one that has the place."""

from ttweet.server.http.proxy_header import read_header
from ttweet.server.net.places import Place
from ttweet.server.net.transport import Transport


class ProxiedTransport:
    """See Transport. The first `receive` also raises Malformed."""

    __slots__ = ("_has_begun", "_place", "_plain", "close", "send", "send_end", "send_now")

    def __init__(self, plain: Transport, place: Place) -> None:
        self._plain = plain
        self._place = place
        self._has_begun = False
        self.send_now = plain.send_now
        self.send = plain.send
        self.send_end = plain.send_end
        self.close = plain.close

    async def receive(self) -> bytes:
        """See Transport."""
        if self._has_begun:
            return await self._plain.receive()
        data = await self._receive_header()
        self._has_begun = True
        return data or await self._plain.receive()

    async def _receive_header(self) -> bytes:
        """Take note of the client that the header names, and return the bytes that came after it."""
        data = b""
        while (header := read_header(data)) is None:
            part = await self._plain.receive()
            if not part:
                return data  # it may be the beginning of a request
            data += part
        if header.client is not None:
            self._place.move_to(header.client)
        return data[header.size :]
