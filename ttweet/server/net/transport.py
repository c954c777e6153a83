"""A client's bytes: what the server needs of a socket.

The plain socket is the fast one: it spares the locks, checkpoints and arming of epoll that each call of trio's
SocketStream costs. Knows no protocol.
"""

import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, cast

import outcome
import trio

from ttweet import system

if TYPE_CHECKING:
    from select import epoll

READ_BYTES = 4 * 1024  # of one read: the 450 shortest frames take 0.2 ms to parse
FEW_CLIENTS = 2  # that wait by trio's own means, a turn of the event loop less; more of them share the turn
MAX_READY = 128  # sockets read before other tasks run, about 4 ms; with 32, batches are small and a sixth slower

LINGER_S = 1.0  # of reading after the last answer, so that a reset does not overtake the answer
DRAIN_READS = 16  # of bytes that are thrown away before a rest, which leaves the loop to others
MIN_DRAIN_REST_S = 0.001  # the first rest; each is twice as long as the one before
MAX_DRAIN_REST_S = 0.032  # the longest rest: 2 MB/s

LOST = (OSError, trio.BrokenResourceError, trio.ClosedResourceError)
"""The errors that a transport raises when the connection is gone."""


class Transport(Protocol):
    """One client's connection. Each call raises one of LOST when it is gone, also by a `close` during the call."""

    async def receive(self) -> bytes:
        """Return the next bytes; none at the clean end of the stream."""
        ...

    def send_now(self, data: bytes) -> int:
        """Send what can be sent without waiting and return how many bytes that was."""
        ...

    async def send(self, data: bytes | memoryview) -> None:
        """Send it all, waiting as long as it takes."""
        ...

    async def send_end(self) -> None:
        """Say that nothing more will be sent; the other way stays open."""
        ...

    def close(self) -> None:
        """Close the connection at once; never raises."""
        ...


class _Sending:
    """The sending half of a connected, non-blocking TCP socket."""

    __slots__ = ("_sending", "_socket")

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._sending = False  # `send` waits, or is about to

    def send_now(self, data: bytes) -> int:
        """See Transport."""
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0

    async def send(self, data: bytes | memoryview) -> None:
        """See Transport."""
        rest = memoryview(data)
        self._sending = True
        try:
            while rest:
                if self._socket.fileno() < 0:
                    raise trio.ClosedResourceError
                await trio.lowlevel.wait_writable(self._socket)
                with suppress(BlockingIOError):  # trio may wake without cause
                    rest = rest[self._socket.send(rest) :]
        finally:
            self._sending = False

    async def send_end(self) -> None:
        """See Transport."""
        self._socket.shutdown(socket.SHUT_WR)


async def drain(transport: Transport) -> None:
    """Throw away what still comes, up to the end of the stream. Raises one of LOST."""
    rest_s = MIN_DRAIN_REST_S
    while True:
        for _ in range(DRAIN_READS):
            if not await transport.receive():
                return
        await trio.sleep(rest_s)
        rest_s = min(2 * rest_s, MAX_DRAIN_REST_S)


class Readiness:
    """Tells socket transports when there is something to read: one epoll set, in which a socket stays once it is there.

    Trio's own `wait_readable` arms epoll again at each wait, a system call and some bookkeeping for each request, a
    seventh of the server's time. Here a socket is registered once, edge-triggered, and trio waits for the set. With few
    clients trio waits for the sockets themselves, which takes a turn of the event loop less.
    """

    def __init__(self, epoll: "epoll") -> None:
        self._epoll = epoll
        self._transports: dict[int, SocketTransport] = {}
        self.connected = 0
        """How many sockets are open, in the set or not."""

    async def run(self) -> None:
        """Wake transports until cancelled; then close the set."""
        with self._epoll:
            while True:
                await trio.lowlevel.wait_readable(self._epoll.fileno())
                for fd, events in self._epoll.poll(0, MAX_READY):
                    self._transports[fd].note(events)

    @property
    def is_open(self) -> bool:
        """Whether sockets can be added: not while the server ends."""
        return not self._epoll.closed

    def add(self, fd: int, transport: "SocketTransport") -> None:
        """Watch a socket; if it can be read already, its transport is woken at once."""
        system.watch(self._epoll, fd)
        self._transports[fd] = transport

    def discard(self, fd: int) -> None:
        """Forget a socket that is about to be closed.

        To close it would take it out of the set, but for a process just forked, which has it too until it runs its
        program: the set would tell of it still, by a number that is none of ours any more.
        """
        if self._transports.pop(fd, None) is not None and self.is_open:
            self._epoll.unregister(fd)


class _Woken:
    """The outcome that a task is woken with: always the same, while a Value serves one wake alone."""

    def unwrap(self) -> None:
        """See outcome.Outcome."""


_WOKEN = cast("outcome.Outcome[None]", _Woken())


class SocketTransport(_Sending):
    """A connected, non-blocking TCP socket."""

    __slots__ = ("_ended", "_readable", "_readiness", "_waiting", "_watched")

    def __init__(self, sock: socket.socket, readiness: Readiness) -> None:
        super().__init__(sock)
        self._readiness = readiness
        self._watched = False  # it is in the set of `readiness`
        self._waiting: trio.lowlevel.Task | None = None
        self._readable = True  # whether a read is worth trying: clients mostly connect and speak at once
        self._ended = False  # the peer has ended its side: no further edge will tell of what is left to read
        readiness.connected += 1

    def note(self, events: int) -> None:
        """Take note of epoll's events, and wake the task that waits in `receive`."""
        self._readable = True
        if events != system.READABLE:
            self._ended = True
        self._wake(_WOKEN)

    async def receive(self) -> bytes:
        """See Transport."""
        while True:
            if not (self._readable or self._watched or self._watch()):
                await trio.lowlevel.wait_readable(self._socket)
            elif not self._readable:
                self._waiting = trio.lowlevel.current_task()
                await trio.lowlevel.wait_task_rescheduled(self._stop_waiting)
            try:
                data = self._socket.recv(READ_BYTES)
            except BlockingIOError:
                self._readable = False
                continue
            self._ended = self._ended or not data
            self._readable = self._ended or len(data) == READ_BYTES
            if self._readable and data:
                await trio.lowlevel.checkpoint()  # a client that never pauses must not keep others waiting
            return data

    async def send_end(self) -> None:
        """See Transport. After the peer's end nothing is left to wait for, and `close` sends this one."""
        if not self._ended:
            await super().send_end()

    def _watch(self) -> bool:
        """Enter the set if there are enough sockets to share it."""
        if self._readiness.connected > FEW_CLIENTS and self._readiness.is_open:
            self._watched = True
            self._readiness.add(self._socket.fileno(), self)
        return self._watched

    def close(self) -> None:
        """See Transport."""
        if self._socket.fileno() >= 0:
            self._readiness.connected -= 1
            if self._watched:
                self._readiness.discard(self._socket.fileno())
            if self._sending or not self._watched:
                trio.lowlevel.notify_closing(self._socket)
            self._socket.close()
            self._readable = True  # so that a later `receive` meets the closed socket
            self._wake(outcome.Error(trio.ClosedResourceError()))

    def _wake(self, result: outcome.Outcome[None]) -> None:
        if self._waiting is not None:
            task, self._waiting = self._waiting, None
            trio.lowlevel.reschedule(task, result)

    def _stop_waiting(self, _: object) -> trio.lowlevel.Abort:
        self._waiting = None
        return trio.lowlevel.Abort.SUCCEEDED


class WaitingTransport(_Sending):
    """The same where a system has no epoll: each read that finds nothing waits by trio's own means."""

    __slots__ = ()

    async def receive(self) -> bytes:
        """See Transport."""
        while True:
            try:
                data = self._socket.recv(READ_BYTES)
            except BlockingIOError:
                await trio.lowlevel.wait_readable(self._socket)
            else:
                if len(data) == READ_BYTES:
                    await trio.lowlevel.checkpoint()  # a client that never pauses must not keep others waiting
                return data

    def close(self) -> None:
        """See Transport."""
        if self._socket.fileno() >= 0:
            trio.lowlevel.notify_closing(self._socket)
            self._socket.close()


class Sockets:
    """Makes the transports of an edge's sockets, with epoll where there is one."""

    def __init__(self) -> None:
        epoll = system.poller()
        self._readiness = None if epoll is None else Readiness(epoll)

    async def run(self) -> None:
        """Wake transports until cancelled."""
        if self._readiness is None:
            await trio.sleep_forever()
        else:
            await self._readiness.run()

    def transport(self, sock: socket.socket) -> Transport:
        """Return the transport of a connected, non-blocking socket."""
        return WaitingTransport(sock) if self._readiness is None else SocketTransport(sock, self._readiness)
