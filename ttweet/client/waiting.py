"""Every wait of a synchronous client or command, so that a signal ends each of them at once.

Python runs the handler of a signal between two of its instructions. A signal that arrives after the last of them, just
before a system call that blocks, would be handled when the call returns: with the next ping, or never. So each wait
watches a pipe too, into which the interpreter writes a byte for each signal (signal.set_wakeup_fd).

The pipe is in use only during a wait and only in the main thread, which handles the signals. A program that has such a
descriptor of its own, as under asyncio, gets the bytes of its signals when the wait ends.
"""

from __future__ import annotations

import os
import select
import signal
import time
from functools import cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ttweet.client.no_poll import SelectPoll

FOREVER = float("inf")  # a time of time.monotonic() that never comes
PIPE_BYTES = 64 * 1024  # what a pipe of Linux holds
NONE = -1  # in place of a descriptor
READ = 1  # POLLIN; a number, as Windows has no poll
WRITE = 4  # POLLOUT
LONGEST_POLL_S = 1e6  # of one poll, eleven days; poll(2) counts no more than 24 days, in milliseconds


def ready(wanted: dict[int, int], until: float = FOREVER) -> list[int]:
    """Wait for these events (READ, WRITE) of these descriptors, and return the descriptors that have theirs.

    The list is empty when `until`, a time of time.monotonic(), has come first. Handlers of signals run at once, and
    what they raise ends the wait.
    """
    poll = new_poll()
    for descriptor, events in wanted.items():
        poll.register(descriptor, events)
    bell = _signals()
    try:
        before = bell.ring_for_signals()
    except ValueError:  # this is another thread than the main one
        return _polled(poll, until)
    came = b""
    try:
        poll.register(bell.fd, READ)
        while (found := _polled(poll, until)) == [bell.fd]:
            came += bell.hush()  # the signal is handled before the next turn
        return [descriptor for descriptor in found if descriptor != bell.fd]
    finally:
        bell.give_back(before, came)


def pause(seconds: float, until: float = FOREVER) -> None:
    """Let time pass as time.sleep does, but not beyond `until`."""
    ready({}, min(time.monotonic() + seconds, until))


def new_poll() -> select.poll | SelectPoll:
    """Return an object that waits for descriptors; on Windows for sockets alone."""
    if hasattr(select, "poll"):
        return select.poll()
    from ttweet.client import no_poll  # only there

    return no_poll.SelectPoll()


class PipeBell:
    """A descriptor that a thread waits for with `ready`, and that another thread makes readable.

    It is closed with the last reference, so that a thread that was given up may still ring.
    """

    __slots__ = ("_button", "fd")

    def __init__(self) -> None:
        self.fd = self._button = NONE  # if there is no room for a pipe, which raises OSError
        self.fd, self._button = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(self._button, False)

    def ring(self) -> None:
        """Make `fd` readable. Any thread may call it."""
        _write(self._button, b"\a")

    def hush(self) -> bytes:
        """Empty the pipe and return what was in it."""
        try:
            return os.read(self.fd, PIPE_BYTES)
        except BlockingIOError:
            return b""

    def ring_for_signals(self) -> int:
        """Ring for each signal, and return the descriptor that did so before. Raises ValueError in other threads."""
        return signal.set_wakeup_fd(self._button, warn_on_full_buffer=False)

    def give_back(self, before: int, came: bytes) -> None:
        """Let the descriptor of before ring for signals again, and hand on to it what came meanwhile."""
        signal.set_wakeup_fd(before, warn_on_full_buffer=False)
        came += self.hush()
        if came and before not in (NONE, self._button):
            _write(before, came)

    def __del__(self) -> None:
        for descriptor in (self.fd, self._button):
            if descriptor != NONE:
                os.close(descriptor)


class SocketBell(PipeBell):
    """A bell where only sockets can be waited for."""

    __slots__ = ("_far", "_near")

    def __init__(self) -> None:
        from socket import socketpair  # only there

        self._near, self._far = socketpair()
        for end in (self._near, self._far):
            end.setblocking(False)
        self.fd, self._button = self._near.fileno(), self._far.fileno()

    def ring(self) -> None:
        """See PipeBell."""
        try:
            self._far.send(b"\a")
        except BlockingIOError:
            return  # as `_write`

    def hush(self) -> bytes:
        """See PipeBell."""
        try:
            return self._near.recv(PIPE_BYTES)
        except BlockingIOError:
            return b""

    def give_back(self, before: int, came: bytes) -> None:
        """See PipeBell. Nothing is handed on, as os.write takes no socket there."""
        super().give_back(NONE, came)
        signal.set_wakeup_fd(before, warn_on_full_buffer=False)

    def __del__(self) -> None:
        """Leave the descriptors to the sockets, which close them."""


Bell = PipeBell if hasattr(select, "poll") else SocketBell


@cache
def _signals() -> PipeBell:
    """Return the pipe for the signals of this process: open to its end, as each wait needs it again."""
    return Bell()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_signals.cache_clear)


def _write(descriptor: int, data: bytes) -> None:
    try:
        os.write(descriptor, data)
    except BlockingIOError:
        return  # it is full, so its reader wakes up anyway


def _polled(poll: select.poll | SelectPoll, until: float) -> list[int]:
    while True:
        left_s = until - time.monotonic()
        found = poll.poll(None if left_s == FOREVER else 1000 * max(0.0, min(left_s, LONGEST_POLL_S)))
        if found or left_s <= LONGEST_POLL_S:
            return [descriptor for descriptor, _ in found]
