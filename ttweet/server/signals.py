"""Signals: SIGINT and SIGTERM stop the server, and SIGHUP has it read its files again.

On a terminal SIGHUP stops the server too: the terminal sends it as it ends. The disposition of SIGHUP tells the two
cases apart from the start on: it is ignored where the signal does not stop the server.
"""

import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import trio

HEEDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals(NamedTuple):
    """The signals that come, and whether SIGHUP is the end of a terminal."""

    received: AsyncIterator[int]
    hangup_stops: bool

    async def until_stop(self, reload: Callable[[], Awaitable[None]]) -> None:
        """Wait for a signal that stops the server, and reload at each SIGHUP that does not."""
        async for number in self.received:
            if number != signal.SIGHUP or self.hangup_stops:
                return
            await reload()


@contextmanager
def heed() -> Iterator[Signals]:
    """Receive signals during the block. From its end on SIGHUP does nothing, and the others end the process.

    A terminal may send SIGHUP twice as it ends, and logrotate knows of no stop. A signal that was not read is raised
    again at the end of the block, after the earlier handlers are back: they must be
    set before the block.
    """
    hangup_stops = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    for number in HEEDED:
        signal.signal(number, signal.SIG_IGN if number == signal.SIGHUP else signal.SIG_DFL)
    with trio.open_signal_receiver(*HEEDED) as received:
        yield Signals(received, hangup_stops)
