"""TCP at a client's end: addresses of a host, attempts to connect, bytes; every wait has an end.

Connecting is "happy eyeballs" (RFC 8305): the addresses of a host are tried one after another, IPv6 and IPv4 in turn,
without waiting for the one before to fail, and the first connection wins. Standard library only and quick to import.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from collections import deque
from itertools import chain, zip_longest

from ttweet.client.waiting import FOREVER, READ, WRITE, Bell, ready

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    T = TypeVar("T")
    SocketAddress = tuple[int, Any]  # family and socket address

NEXT_ATTEMPT_S = 0.25  # between attempts to connect to different addresses (RFC 8305, section 8)
_IN_PROGRESS = (0, errno.EINPROGRESS, getattr(errno, "WSAEWOULDBLOCK", 0))  # the last one is that of Windows
READ_BYTES = 64 * 1024  # of one read: about a hundred tweets


def connected(host: str, port: int, until: float) -> socket.socket:
    """Return a connected socket that does not block. Raises OSError (gaierror, TimeoutError) and UnicodeError."""
    return first_connected(in_turn(addresses(host, port, until)), until)


def addresses(host: str, port: int, until: float) -> list[SocketAddress]:
    """Return the addresses of a host, the best first. Raises gaierror and UnicodeError.

    Nothing ends a look-up of a name once it has begun, so a thread does it, which is given up when it takes too long.
    Where the system has no room for a thread it takes as long as it takes.
    """
    try:
        return _looked_up(host, port, socket.AI_NUMERICHOST)
    except socket.gaierror:
        return _in_thread(lambda: _looked_up(host, port, 0), until)


def in_turn(addresses: list[SocketAddress]) -> list[SocketAddress]:
    """Return the addresses with the two families in turn, beginning with that of the first; RFC 8305, section 4."""
    first = [address for address in addresses if address[0] == addresses[0][0]]
    others = [address for address in addresses if address[0] != addresses[0][0]]
    return [address for address in chain(*zip_longest(first, others)) if address is not None]


def first_connected(addresses: list[SocketAddress], until: float) -> socket.socket:
    """Return the first connection made, and end the other attempts. Raises OSError when all fail, and TimeoutError."""
    waiting, race = deque(addresses), _Race()
    try:
        while waiting or race.attempts:
            if waiting:
                race.begin(waiting.popleft())
            next_attempt = time.monotonic() + NEXT_ATTEMPT_S if waiting else FOREVER
            if (winner := race.winner(min(next_attempt, until))) is not None:
                return winner
            if time.monotonic() >= until:
                raise TimeoutError
        raise race.failure
    finally:
        race.end()


class PlainSocket:
    """A connected socket without TLS. Two threads may use it, one to receive and one to send. Raises OSError."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected

    def receive(self, until: float) -> bytes:
        """Return the next bytes, or none at the end of the stream. Raises TimeoutError."""
        while True:
            try:
                return self._socket.recv(READ_BYTES)
            except BlockingIOError:
                self._wait(READ, until)

    def receive_now(self) -> bytes:
        """Return the bytes that have arrived. Raises BlockingIOError when nothing has."""
        return self._socket.recv(READ_BYTES)

    def send(self, data: bytes, until: float) -> None:
        """Send it all. Raises TimeoutError."""
        while data:
            try:
                data = data[self._socket.send(data) :]
            except BlockingIOError:
                self._wait(WRITE, until)

    def peer(self) -> str:
        """Return the address at the other end."""
        return str(self._socket.getpeername()[0])

    def finish(self) -> None:
        """Shut down sending. Data from the server still arrives."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _wait(self, event: int, until: float) -> None:
        if not ready({self._socket.fileno(): event}, until):
            raise TimeoutError


class _Race:
    """Attempts to connect, of which the first that succeeds wins."""

    def __init__(self) -> None:
        self.attempts: dict[int, socket.socket] = {}
        self._failures: list[OSError] = []

    @property
    def failure(self) -> OSError:
        """Return the error of all attempts: a refusal says more than a missing route."""
        refusals = [failure for failure in self._failures if isinstance(failure, ConnectionRefusedError)]
        return (refusals or self._failures)[0]

    def begin(self, address: SocketAddress) -> None:
        """Begin one more attempt."""
        family, where = address
        try:
            attempt = socket.socket(family, socket.SOCK_STREAM)
        except OSError as exc:
            self._failures.append(exc)
            return
        attempt.setblocking(False)
        error = attempt.connect_ex(where)
        if error in _IN_PROGRESS:
            self.attempts[attempt.fileno()] = attempt
        else:
            self._fail(attempt, error)

    def winner(self, until: float) -> socket.socket | None:
        """Wait until an attempt has come to its end, and return it when it has succeeded."""
        if not self.attempts:
            return None
        for descriptor in ready(dict.fromkeys(self.attempts, WRITE), until):
            attempt = self.attempts.pop(descriptor)
            error = attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if not error:
                return attempt
            self._fail(attempt, error)
        return None

    def end(self) -> None:
        """Give up the attempts that are under way."""
        for attempt in self.attempts.values():
            attempt.close()

    def _fail(self, attempt: socket.socket, error: int) -> None:
        attempt.close()
        self._failures.append(OSError(error, os.strerror(error)))


def _looked_up(host: str, port: int, flags: int) -> list[SocketAddress]:
    name = host.encode() if host.isascii() else host  # bytes save a millisecond's import of tables for other scripts
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=flags)
    return [(family, address) for family, _, _, _, address in found]


def _in_thread(look_up: Callable[[], T], until: float) -> T:
    from threading import Thread  # a host that is an address needs none

    bell = Bell()
    results: list[T] = []
    failures: list[OSError | UnicodeError] = []

    def run() -> None:
        try:
            results.append(look_up())
        except (OSError, UnicodeError) as exc:
            failures.append(exc)
        bell.ring()

    try:
        Thread(target=run, daemon=True).start()
    except RuntimeError:  # a name such as localhost is worth more than a bound
        run()
    if not ready({bell.fd: READ}, until):
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")
    if failures:
        raise failures[0]
    return results[0]
