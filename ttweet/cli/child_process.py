"""A command that is run for somebody: a signal that would end this program goes on to it, and is waited for.

Knows no tweets and no servers.
"""

import signal
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import NamedTuple

PASSED_ON = (signal.SIGTERM, signal.SIGHUP)
"""Whoever sends these to this program means the command too. Ctrl-C reaches both without it."""


class End(NamedTuple):
    """How a command ended: its exit code as a shell has it, and the last signal that was passed on to it."""

    code: int
    signal: int | None


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    deaf: Sequence[signal.Signals] = (),
) -> End:
    """Run a command to its end; the signals in `deaf` are its own affair. Raises OSError.

    It is killed by what is raised meanwhile, as Ctrl-C does.
    """
    relay = _Relay()
    with ExitStack() as stack:
        for number in PASSED_ON:
            stack.enter_context(_handled(number, relay.take))
        for number in deaf:
            stack.enter_context(_handled(number, lambda _: None))  # not ignored, which the command would inherit
        pipe = None if stdin is None else subprocess.PIPE
        process = stack.enter_context(subprocess.Popen(command, env=environment, stdin=pipe))  # noqa: S603  # asked for
        relay.begin(process)
        try:
            process.communicate(stdin)
        except BaseException:
            process.kill()
            raise
    code = process.returncode
    return End(code if code >= 0 else 128 - code, relay.last)


class _Relay:
    """Signals on their way to a command, each once; they may come before it has started."""

    def __init__(self) -> None:
        self.last: int | None = None
        self._waiting: deque[int] = deque()
        self._process: subprocess.Popen[bytes] | None = None

    def take(self, number: int) -> None:
        self.last = number
        self._waiting.append(number)
        self._deliver()

    def begin(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._deliver()

    def _deliver(self) -> None:
        with suppress(IndexError):  # not looked at first: a signal in between takes the last one itself
            while self._process is not None:
                self._process.send_signal(self._waiting.popleft())


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
