"""Run a command, pass it the signals that would end this program, and wait for its end.

Knows no tweets and no servers.
"""

import errno
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import NamedTuple

from ttweet import system
from ttweet.cli.child_output import Copies
from ttweet.cli.interrupts import uninterrupted
from ttweet.cli.spawn import spawn

PASSED_ON = system.signals("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")
"""A process that sends these to this program means the command. Ctrl-C reaches both without help."""


class ChildEnd(NamedTuple):
    """How a command ended: its exit code as a shell has it, and the last signal that was passed on to it.

    The code is None where the system has not kept it, which is no success.
    """

    code: int | None
    signal: int | None


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    output: Callable[[int, bytes], None] | None = None,
    deaf: Sequence[signal.Signals] = (),
) -> ChildEnd:
    """Run a command to its end; the signals in `deaf` are its own affair. Raises OSError when it does not start.

    With `output` its stdout and stderr are pipes; see Copies. It is killed by what is raised meanwhile, as Ctrl-C does.
    """
    if not hasattr(os, "posix_spawn"):
        raise OSError(errno.ENOTSUP, "ttweet runs no commands on Windows; use it in WSL")
    relay = _Relay()
    with ExitStack() as stack:
        copies = stack.enter_context(Copies(output))
        stack.enter_context(_exit_codes_kept())
        for number in PASSED_ON:
            stack.enter_context(_handled(number, relay.take))
        for number in deaf:
            stack.enter_context(_handled(number, lambda _: None))  # not ignored, which the command would inherit
        process = 0
        try:
            with uninterrupted():  # Ctrl-C in between would leave a command without a parent
                process, pipe = _started(command, environment, stdin, copies.theirs)
            copies.begin()
            relay.begin(process)
            _feed(pipe, stdin)
            if _wait(process, copies):
                relay.end()
        except BaseException:
            relay.end()
            if process:
                os.kill(process, signal.SIGKILL)
            raise
        finally:
            code = _exit_code(process) if process else None
            relay.end()
    return ChildEnd(code, relay.last)


def _started(
    command: Sequence[str],
    environment: Mapping[str, str] | None,
    stdin: bytes | None,
    streams: Mapping[int, int],
) -> tuple[int, int | None]:
    """Return the process id, and where to write what it reads on stdin."""
    if stdin is None:
        return spawn(command, environment, streams), None
    theirs, ours = os.pipe()
    try:
        return spawn(command, environment, {0: theirs, **streams}), ours
    except OSError:
        os.close(ours)
        raise
    finally:
        os.close(theirs)


def _feed(pipe: int | None, data: bytes | None) -> None:
    """Write to a command's stdin, of which it may read as little as it likes."""
    if pipe is not None:
        with suppress(BrokenPipeError), open(pipe, "wb") as file:
            file.write(data or b"")


def _wait(process: int, copies: Copies) -> bool:
    """Wait for the end, and leave the number its own: a signal must not go to another process that gets it next.

    Returns False where a system cannot: `_exit_code` waits there, and signals are passed on until it returns.
    """
    descriptor = system.process_descriptor(process)
    try:
        copies.until_end(descriptor)
    finally:
        if descriptor is not None:
            os.close(descriptor)
    try:
        return system.wait_unreaped(process)
    except ChildProcessError:  # the system has not kept the end
        return True


def _exit_code(process: int) -> int | None:
    try:
        while not (ended := os.waitpid(process, os.WNOHANG))[0]:
            time.sleep(0.02)  # and not in waitpid: a signal right before it would be passed on after the end only
    except ChildProcessError:
        return None
    code = os.waitstatus_to_exitcode(ended[1])
    return code if code >= 0 else 128 - code


class _Relay:
    """Signals on their way to a command, each once; they may come before it has started."""

    def __init__(self) -> None:
        self.last: int | None = None
        self._waiting: deque[int] = deque()
        self._process: int | None = None

    def take(self, number: int) -> None:
        self.last = number
        self._waiting.append(number)
        self._deliver()

    def begin(self, process: int) -> None:
        self._process = process
        self._deliver()

    def end(self) -> None:
        self._process = None

    def _deliver(self) -> None:
        with suppress(IndexError, ProcessLookupError):  # a signal in between takes the last one itself
            while self._process is not None:
                os.kill(self._process, self._waiting.popleft())


@contextmanager
def _exit_codes_kept() -> Iterator[None]:
    """Undo that SIGCHLD is ignored, which this program may have inherited: the system would keep no exit code."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGCHLD, before)


@contextmanager
def _handled(number: signal.Signals, handle: Callable[[int], None]) -> Iterator[None]:
    """Handle a signal, unless it is ignored, as with `nohup`: then the command ignores it too."""
    before = signal.getsignal(number)
    if before is not signal.SIG_IGN:
        signal.signal(number, lambda number, _: handle(number))
    try:
        yield
    finally:
        signal.signal(number, before)
