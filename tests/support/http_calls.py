"""An HTTP edge inside the test's own process, over memory streams, and a client's end of a connection."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import h11
import trio
import trio.testing

from tests.support.listening import listen
from tests.support.serving import Serving, serving
from tests.support.streams import StreamTransport
from ttweet.broker.session import Backend
from ttweet.security.certificates import Certificates
from ttweet.security.exposure import rights_of_strangers
from ttweet.server.config import EdgeSettings, Limits
from ttweet.server.http.protocol import http_edge
from ttweet.server.net.admission import Admission
from ttweet.server.socket_edge import SocketEdge

HOST = "127.0.0.1:8080"


@dataclass
class Answer:
    """A response, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a problem."""
        assert self.headers["content-type"] == "application/problem+json"
        document = self.json
        assert document["status"] == self.status
        code: str = document["code"]
        assert document["type"] == f"urn:ttweet:{code}"
        return code


class HttpCaller:
    """A client's end of one connection."""

    def __init__(self, stream: trio.abc.HalfCloseableStream) -> None:
        self.stream = stream
        self._h11 = h11.Connection(h11.CLIENT)

    async def ask(
        self, method: str, path: str, body: bytes | str = b"", *, token: str | None = None, **headers: str
    ) -> Answer:
        """Send a request and read its answer. Names of headers have `_` for `-`."""
        await self.send(method, path, body, token=token, **headers)
        return await self.answer()

    async def send(
        self, method: str, path: str, body: bytes | str = b"", *, token: str | None = None, **headers: str
    ) -> None:
        """Send a request."""
        data = body.encode() if isinstance(body, str) else body
        if self._h11.our_state is h11.DONE:
            self._h11.start_next_cycle()
        fields = {"host": HOST, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if token is not None:
            fields["authorization"] = f"Bearer {token}"
        if data:
            fields["content-length"] = f"{len(data)}"
        request = h11.Request(method=method, target=path, headers=[*fields.items()])
        events = [request, *([h11.Data(data=data)] if data else []), h11.EndOfMessage()]
        await self.stream.send_all(b"".join([self._h11.send(event) or b"" for event in events]))

    async def answer(self) -> Answer:
        """The next answer."""
        head = await self.head()
        return Answer(head.status, head.headers, await self.rest())

    async def head(self) -> Answer:
        """The head of the next answer."""
        event = await self._next()
        while isinstance(event, h11.InformationalResponse):
            event = await self._next()
        assert isinstance(event, h11.Response), event
        headers = {name.decode(): value.decode() for name, value in event.headers}
        return Answer(event.status_code, headers, b"")

    async def part(self) -> bytes:
        """The next bytes of a body; none at its end."""
        event = await self._next()
        return bytes(event.data) if isinstance(event, h11.Data) else b""

    async def rest(self) -> bytes:
        """The body to its end."""
        parts: list[bytes] = []
        while part := await self.part():
            parts.append(part)
        return b"".join(parts)

    async def until(self, end: bytes) -> bytes:
        """The body up to the first bytes that are these."""
        data = b""
        while end not in data:
            part = await self.part()
            assert part, data
            data += part
        return data

    async def _next(self) -> Any:
        while (event := self._h11.next_event()) is h11.NEED_DATA:
            self._h11.receive_data(bytes(await self.stream.receive_some()))
        return event

    @property
    async def is_closed(self) -> bool:
        """Whether the server ends the connection."""
        return bytes(await self.stream.receive_some()) == b""


@dataclass
class HttpServing:
    """The parts that a test may look at, and the way in."""

    here: Serving
    edge: SocketEdge
    address: tuple[str, int]
    calls: int = 0
    dialled: list[trio.SocketStream] = field(default_factory=list)

    async def dial(self) -> HttpCaller:
        """Connect over loopback."""
        self.dialled.append(await trio.open_tcp_stream(*self.address))
        return HttpCaller(self.dialled[-1])

    def call(self, address: str = "192.0.2.1") -> HttpCaller:
        """Connect from an address."""
        pair: Any = trio.testing.memory_stream_pair()
        ours, clients = pair

        def abort() -> None:
            ours.send_stream.close()
            ours.receive_stream.close()

        self.calls += 1
        self.edge.admit(StreamTransport(ours, abort), (address, self.calls), self.here.nursery)
        return HttpCaller(clients)

    async def ask(self, method: str, path: str, body: bytes | str = b"", **options: Any) -> Answer:
        """One request by a connection of its own."""
        return await self.call().ask(method, path, body, **options)

    async def post(self, *texts: str) -> None:
        """Post tweets."""
        caller = self.call()
        for text in texts:
            assert (await caller.ask("POST", "/tweets", text, content_type="text/plain")).status == 201


MakeEdge = Callable[[Backend, Admission, EdgeSettings], SocketEdge]


@asynccontextmanager
async def http_serving(
    store: Any = None,
    *,
    edge: MakeEdge = http_edge,
    limits: Limits | None = None,
    names: tuple[str, ...] = (),
    proxies: tuple[str, ...] = (),
    anonymous: str | None = None,
    certificates: Certificates | None = None,
    **options: Any,
) -> AsyncIterator[HttpServing]:
    """Serve HTTP until the block is left; the options are those of `serving`."""
    async with serving(store, **options) as here:
        strangers = rights_of_strangers(anonymous) if proxies else None
        settings = EdgeSettings(
            limits=limits or Limits(), names=names, proxies=proxies, strangers=strangers, certificates=certificates
        )
        made = edge(here.backend, here.admission, settings)
        (listener,) = listen(("127.0.0.1",), 0)
        with listener:
            here.nursery.start_soon(made.run)
            here.nursery.start_soon(made.accept, listener, here.nursery)
            http = HttpServing(here, made, listener.getsockname())
            try:
                yield http
            finally:
                for stream in http.dialled:
                    stream.socket.close()
