"""The server's terminal: events as they happen, and messages for the operator among them.

A thread of its own formats the lines and writes them, so a terminal that stops reading delays no client. The queue is
bounded; events beyond the bound are counted and not shown. The classic form is a copy of the report log instead: see
`log_copies`.
"""

import logging
import select
from collections.abc import Iterable, Iterator, Sequence

import trio

from ttweet.broker.receipts import Receipt
from ttweet.model import events
from ttweet.model.events import Event, Peer
from ttweet.model.times import Clock, now_ms
from ttweet.model.tweets import Tweet
from ttweet.server.destinations import StderrDestination
from ttweet.server.event_lines import Lines
from ttweet.server.terminal_handler import EscapingFormatter, TerminalHandler

SHOW_INTERVAL_S = 0.1  # between two writes: at high rates each has many lines
MAX_WAITING_BYTES = 16 * 1024 * 1024  # of events that wait for the terminal: about 16,000
EVENT_BYTES = 1024  # of an event; tags count in addition
LIMITED_PAUSE_MS = 60_000  # between two events of an address that exceeds its rate
MAX_LIMITED = 1_000  # addresses for which the time of such an event is kept

Item = tuple[int, Event | Tweet, Peer | None]
"""The time (ms since 1970 UTC), what happened then, and the client that posted it if it is a tweet."""


class EventTerminal:
    """Shows events; see broker.watcher.Watcher. Call all its methods in trio's thread; `run` is its task."""

    def __init__(self, fd: int, lines: Lines, *, clock: Clock = now_ms) -> None:
        self._to = StderrDestination(fd)
        self._lines = lines
        self._now_ms = clock
        self._items: list[Item] = []
        self._bytes = 0
        self._lost = 0
        self._limited: dict[str, int] = {}
        self._work = trio.Event()
        self._pause = trio.CancelScope()
        self._finishing = False

    def happened(self, event: Event) -> None:
        """See Watcher. Show at most one event a minute for an address that exceeds its rate."""
        now = self._now_ms()
        if event.kind != events.LIMITED or self._is_due(event, now):
            self._add([(now, event, None)], EVENT_BYTES)

    def posted(self, receipts: Sequence[Receipt]) -> None:
        """See Watcher."""
        if receipts:
            now = self._now_ms()
            tweets: list[Item] = [(now, one.outcome, one.peer) for one in receipts if isinstance(one.outcome, Tweet)]
            self._add(tweets, sum([EVENT_BYTES + one.tags_weight for one in receipts]))

    async def run(self) -> None:
        """Show what happens, until `finish` is called and all of it is shown. Cancelling gives up at once."""
        while self._items or not self._finishing:
            await self._work.wait()
            self._work = trio.Event()
            await trio.to_thread.run_sync(self._write, *self._take(), abandon_on_cancel=True)
            with trio.CancelScope() as self._pause:
                await trio.sleep(0 if self._finishing else SHOW_INTERVAL_S)

    def finish(self) -> None:
        """Show the rest at once, because no more events will come."""
        self._finishing = True
        self._work.set()
        self._pause.cancel()

    def _add(self, items: list[Item], size: int) -> None:
        if self._bytes + size > MAX_WAITING_BYTES:
            self._lost += len(items)
            return
        self._items += items
        self._bytes += size
        self._work.set()

    def _take(self) -> tuple[list[Item], int]:
        taken = self._items, self._lost
        self._items, self._bytes, self._lost = [], 0, 0
        return taken

    def _is_due(self, event: Event, now: int) -> bool:
        address = event.peer[0] if event.peer else ""
        if abs(now - self._limited.get(address, -LIMITED_PAUSE_MS)) < LIMITED_PAUSE_MS:  # abs: a clock may be put back
            return False
        if len(self._limited) >= MAX_LIMITED:
            self._limited.clear()
        self._limited[address] = now
        return True

    def _write(self, items: list[Item], lost: int) -> None:
        for piece in _pieces(self._lines_of(items, lost)):
            self._to.write(piece)

    def _lines_of(self, items: list[Item], lost: int) -> Iterator[str]:
        for at, what, peer in items:
            line = self._lines.tweet(what, peer) if isinstance(what, Tweet) else self._lines.event(at, what)
            if line:
                yield line
        if lost:
            yield self._lines.message(self._now_ms(), "warning", f"{lost} events are not shown: too many came at once")


def _pieces(lines: Iterable[str]) -> Iterator[bytes]:
    """Join the lines to pieces that a pipe takes whole, so no other writer gets between the halves of a line."""
    piece: list[bytes] = []
    size = 0
    for line in lines:
        data = line.encode("utf-8", "backslashreplace")
        size += len(data) + 1
        if piece and size > select.PIPE_BUF:
            yield b"\n".join([*piece, b""])
            piece, size = [], len(data) + 1
        piece.append(data)
    if piece:
        yield b"\n".join([*piece, b""])


def show_messages_as(lines: Lines) -> None:
    """Give the messages of the server's log the form of events from now on."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, TerminalHandler):
            handler.setFormatter(MessageFormatter(lines))


class MessageFormatter(EscapingFormatter):
    """Formats messages as the events among which they appear. A record with an `event` becomes that event's line."""

    def __init__(self, lines: Lines) -> None:
        super().__init__("%(message)s")
        self._lines = lines

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        at = int(record.created * 1000)
        event = getattr(record, "event", None)
        line = None if event is None else self._lines.event(at, event)
        return line or self._lines.message(at, record.levelname.lower(), super().format(record))
