"""A server inside the test's own process, over loopback and over memory streams, and a client's end of either."""

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import Any

import trio
import trio.testing

from tests.support.guard import GUARD_S
from tests.support.held_store import HeldStore
from tests.support.listening import listen
from tests.support.memory_store import MemoryStore
from tests.support.streams import StreamTransport
from ttweet.broker.fanout import FanOut
from ttweet.broker.journal import Journal
from ttweet.broker.online import Online
from ttweet.broker.read_scheduler import ReadScheduler
from ttweet.broker.search import Search
from ttweet.broker.service import Service
from ttweet.broker.session import Backend
from ttweet.broker.worker import Worker
from ttweet.model import reports
from ttweet.protocol import frames
from ttweet.security.authenticator import Authenticator
from ttweet.security.certificates import Certificates
from ttweet.server.config import NO_RATES, EdgeSettings, Limits, Rates
from ttweet.server.net.admission import Admission
from ttweet.server.net.places import Places
from ttweet.server.net.sweeper import SWEEP_INTERVAL_S
from ttweet.server.net.throttle import Throttle
from ttweet.server.socket_edge import SocketEdge
from ttweet.server.stats import StatsCollector
from ttweet.server.tcp.connection import Connection
from ttweet.server.tcp.protocol import tcp_edge
from ttweet.storage.contract import Replica, Store

SWEPT_S = 2 * SWEEP_INTERVAL_S  # by then the sweeper has looked


class Caller:
    """A client's end of a connection: bytes out, lines in."""

    def __init__(self, stream: trio.abc.HalfCloseableStream) -> None:
        self.stream = stream
        self.peer = self._socket.getsockname()[:2] if isinstance(stream, trio.SocketStream) else None
        """As the server's report log names this client."""
        self._rest = b""

    async def send(self, *requests: tuple[str, object]) -> None:
        """Send frames in one write."""
        await self.stream.send_all(b"".join([frames.encode(*request) for request in requests]))

    async def answer(self) -> tuple[str, Any]:
        """The next answer."""
        while b"\n" not in self._rest:
            data = await self.stream.receive_some()
            assert data, f"the connection has ended, after {self._rest!r}"
            self._rest += data
        line, self._rest = self._rest.split(b"\n", 1)
        kind, data = json.loads(line)
        return kind, data

    async def answers(self, amount: int) -> list[tuple[str, Any]]:
        """The next answers."""
        return [await self.answer() for _ in range(amount)]

    async def ask(self, operation: str, data: object) -> tuple[str, Any]:
        """Send one frame and await its answer."""
        await self.send((operation, data))
        return await self.answer()

    async def rest(self) -> bytes:
        """All that comes until the server ends the connection cleanly."""
        data, self._rest = self._rest, b""
        async for part in self.stream:
            data += part
        return data

    async def reset(self) -> None:
        """End a TCP connection as a crash of the client does."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        await self.stream.aclose()

    def close(self) -> None:
        """Close a TCP connection."""
        self._socket.close()

    @property
    def _socket(self) -> trio.socket.SocketType:
        assert isinstance(self.stream, trio.SocketStream)
        return self.stream.socket


@dataclass
class Serving:
    """The parts of a server that a test may inspect, and the ways to connect."""

    store: Any
    journal: Journal
    stats: StatsCollector
    backend: Backend
    admission: Admission
    edge: SocketEdge
    nursery: trio.Nursery
    address: tuple[str, int]
    callers: list[Caller] = field(default_factory=list)

    async def call(self) -> Caller:
        """Connect over loopback."""
        self.callers.append(Caller(await trio.open_tcp_stream(*self.address)))
        return self.callers[-1]

    def call_in_memory(self, *, lockstep: bool = False) -> Caller:
        """Connect by memory streams; with `lockstep` a send lasts until the other end has taken it all."""
        pair: Any = trio.testing.lockstep_stream_pair if lockstep else trio.testing.memory_stream_pair
        ours, clients = pair()

        def abort() -> None:
            ours.send_stream.close()
            ours.receive_stream.close()

        self.edge.admit(StreamTransport(ours, abort), ("memory", id(clients)), self.nursery)
        return Caller(clients)

    async def others_gone(self) -> None:
        """Wait until clients that have connected before, and are none of `callers`, are served and gone."""
        await (await self.call()).ask("p", "")  # they were accepted in their order
        while self.places.taken > len(self.callers):
            await self.journal.wait_commit(self.journal.commits)  # of a line that tells that one has gone

    @property
    def places(self) -> Places:
        """The clients of all edges."""
        return self.admission.places

    @property
    def connections(self) -> list[Connection]:
        """Those of TCP."""
        return [guest for guest in self.places.guests if isinstance(guest, Connection)]

    @property
    def followers(self) -> tuple[int, int]:
        """How many have caught up, and how many are behind."""
        counted = self.stats.collect()["followers"]
        return counted["live"], counted["behind"]

    @property
    def lines(self) -> list[str]:
        """The report log, as far as it is stored."""
        return [reports.line(line.side, line.category, line.text) for line in self.store.lines_after(0, limit=100_000)]


def counted(journal: Journal) -> StatsCollector:
    """The counters of a service without an edge."""
    return StatsCollector(journal, Admission(Places(1, journal.report), Throttle(NO_RATES)), {})


@asynccontextmanager
async def serving(
    store: Store | None = None,
    *,
    limits: Limits | None = None,
    rates: Rates = NO_RATES,
    max_clients: int = 1000,
    service: type[Service] = Service,
    authenticator: Authenticator | None = None,
    certificates: Certificates | None = None,
    replica: Replica | None = None,
    online: Online | None = None,
) -> AsyncIterator[Serving]:
    """Serve until the block is left, then cut all connections and drain the journal."""
    store = store or MemoryStore()
    journal = Journal(store, replica=replica)
    by_hand = isinstance(trio.lowlevel.current_clock(), trio.testing.MockClock)
    with (
        trio.fail_after(float("inf") if by_hand else GUARD_S),
        Worker("reader") as worker,
        closing(store.reader()) as reader,
    ):
        fanout = FanOut(journal.head, reader, ReadScheduler(journal.uploads, worker, journal.trouble))
        admission = Admission(Places(max_clients, journal.report), Throttle(rates))
        stats = StatsCollector(journal, admission, {"max_clients": max_clients})
        scheduler = ReadScheduler(journal.uploads, worker, journal.trouble)
        api = service(journal, reader, scheduler, stats, Search(journal, reader, scheduler), online)
        backend = Backend(api, fanout, authenticator or Authenticator())
        edge = tcp_edge(backend, admission, EdgeSettings(limits=limits or Limits(), certificates=certificates))
        async with trio.open_nursery() as writing:
            writing.start_soon(journal.run)
            (listener,) = listen(("127.0.0.1",), 0)
            async with trio.open_nursery() as looking:
                looking.start_soon(edge.run)
                looking.start_soon(admission.places.run)
                looking.start_soon(backend.run, admission.places.recheck)
                with listener:
                    async with trio.open_nursery() as connections:
                        connections.start_soon(edge.accept, listener, connections)
                        address = listener.getsockname()
                        here = Serving(store, journal, stats, backend, admission, edge, connections, address)
                        try:
                            yield here
                        finally:
                            connections.cancel_scope.cancel()
                            for caller in here.callers:
                                caller.close()
                looking.cancel_scope.cancel()
            journal.close()


async def hold_a_commit(store: HeldStore, caller: Caller) -> None:
    """Have the writer stand in the commit of one upload of this client, with nothing else in it."""
    assert (await caller.ask("u", "let through"))[0] == "ok"
    await trio.testing.wait_all_tasks_blocked()
    store.hold()
    await caller.send(("u", "held"))
    await store.wait_held()


async def jump(clock: trio.testing.MockClock, seconds: float) -> None:
    """Let all tasks run as far as they can, time pass, and the sweeper check the deadlines."""
    await trio.testing.wait_all_tasks_blocked()
    clock.jump(seconds)
    await trio.testing.wait_all_tasks_blocked()
