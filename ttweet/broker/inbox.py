"""The drafts and report lines that wait to be written, in their order. Each draft is a report line too.

It is bounded by number and by bytes: a client waits with a draft for which there is no room, and a report line is lost,
which is counted. When more waits than one transaction takes, the clients that wait with least go first, and the oldest
drafts have every other batch: no client waits behind all that others have sent, and no draft waits forever. Each
client's drafts keep their order, and no report line overtakes a draft. Knows no store.
"""

from collections import defaultdict
from operator import itemgetter

import trio

from ttweet.broker.receipts import Receipt, Waiter
from ttweet.model.reports import Report
from ttweet.model.tweets import TagWeight

MAX_WAITING = 10_000  # drafts waiting for the disk; beyond that, their clients wait
MAX_WAITING_BYTES = 16 * 1024 * 1024  # of waiting drafts: about 600 of the largest, with 32 tags of 440 bytes
DRAFT_BYTES = 1024  # that a draft without tags counts for, with its report line and receipt
MAX_HELD_LINES = 10_000  # report lines kept while the disk is full; the newest ones
MAX_HELD_BYTES = 4 * 1024 * 1024  # of report lines kept while the disk is full
MAX_LINES = MAX_WAITING + 2 * MAX_HELD_LINES  # waiting report lines: of drafts, kept, of clients; others are lost
MAX_LINE_BYTES = 2 * MAX_HELD_BYTES  # of waiting report lines that belong to no draft
LINE_BYTES = 128  # that a report line counts for in addition to its text
MAX_BATCH = 1_000  # drafts of one transaction, about 10 ms: bounds the wait for an acknowledgement
MAX_BATCH_WEIGHT = 12 * 1024  # of a transaction's tags, each once: a chunk of the index, so that it keeps up

WaitingLine = Receipt | Report
"""A line of the log to come: a draft's line goes where the draft goes."""


class Inbox:
    """A queue that one task empties in batches. Before you append, check `has_room`, and wait for `room` if need be."""

    def __init__(self) -> None:
        self._lines: list[WaitingLine] = []
        self._room = trio.lowlevel.ParkingLot()
        self._line = trio.StrictFIFOLock()  # of those that wait for room: the first of them is parked
        self._filled = trio.lowlevel.ParkingLot()
        self._awaited = 0  # drafts that end `filled`
        self._weight = 0  # of the drafts' tags
        self._line_bytes = 0
        self._was_light = False  # whether the last batch was of the clients that wait with least
        self.drafts = 0
        """How many of the lines are a draft's."""
        self.lost = 0
        """Report lines that found no room since `take_lost`."""

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def has_room(self) -> bool:
        """Whether another draft or report line may be appended."""
        return (
            self.drafts < MAX_WAITING
            and DRAFT_BYTES * self.drafts + 2 * self._weight < MAX_WAITING_BYTES
            and len(self._lines) < MAX_LINES
            and self._line_bytes < MAX_LINE_BYTES
        )

    @property
    def exceeds_batch(self) -> bool:
        """Whether more drafts wait than one transaction takes, if no two of them share a tag."""
        return self.drafts > MAX_BATCH or self._weight > MAX_BATCH_WEIGHT

    async def room(self) -> None:
        """Wait until `has_room`, behind all that wait already."""
        async with self._line:
            while not self.has_room:
                await self._room.park()

    async def filled(self, drafts: int) -> None:
        """Wait until so many drafts have come, more than there are. One task may wait."""
        self._awaited = drafts
        await self._filled.park()

    def append(self, receipt: Receipt) -> None:
        """Queue a draft, with room or without."""
        self._lines.append(receipt)
        self.drafts += 1
        self._weight += receipt.tags_weight
        if self.drafts == self._awaited:
            self._filled.unpark_all()

    def report(self, report: Report) -> bool:
        """Queue a report line; returns False when it is lost."""
        if len(self._lines) >= MAX_LINES or self._line_bytes >= MAX_LINE_BYTES:
            self.lost += 1  # clients may come and go for as long as the disk stands still
            return False
        self._lines.append(report)
        self._line_bytes += _line_bytes(report)
        return True

    def take(self) -> tuple[list[Receipt], list[WaitingLine]]:
        """Take as many drafts as one transaction has room for, and all lines up to the first draft that is left.

        If some are left, the clients that wait with least and the oldest drafts have every other batch.
        """
        if not self.exceeds_batch:
            return self.take_all()
        taken, left = _cut(self._lines)
        light = _lightest(_receipts(self._lines)) if left and not self._was_light else set()
        self._was_light = bool(light)
        taken, self._lines = _parted(self._lines, light) if light else (taken, left)
        batch = _receipts(taken)
        self.drafts -= len(batch)
        self._weight -= sum([receipt.tags_weight for receipt in batch])
        self._line_bytes -= sum(map(_line_bytes, _reports(taken)))
        self._room.unpark()
        return batch, taken

    def take_all(self) -> tuple[list[Receipt], list[WaitingLine]]:
        """Take everything."""
        taken, self._lines = self._lines, []
        self.drafts = self._weight = self._line_bytes = 0
        self._room.unpark()
        return _receipts(taken), taken

    def hold(self, lines: list[WaitingLine]) -> None:
        """Put report lines that could not be stored back, before all others: the newest of them. The rest is lost."""
        reports = _reports(lines)
        held = _newest_within_bounds(reports)
        self.lost += len(reports) - len(held)
        self._lines[:0] = held
        self._line_bytes += sum(map(_line_bytes, held))

    def drop_reports(self) -> None:
        """Keep drafts only."""
        self._lines = [*_receipts(self._lines)]
        self._line_bytes = 0
        self._room.unpark()

    def take_lost(self) -> int:
        """How many lines were lost since the last call."""
        lost, self.lost = self.lost, 0
        return lost


def _receipts(lines: list[WaitingLine]) -> list[Receipt]:
    return [line for line in lines if isinstance(line, Receipt)]


def _reports(lines: list[WaitingLine]) -> list[Report]:
    return [line for line in lines if isinstance(line, Report)]


def _line_bytes(report: Report) -> int:
    return LINE_BYTES + len(report.text)


def _newest_within_bounds(reports: list[Report]) -> list[Report]:
    left = MAX_HELD_BYTES
    for number, report in enumerate(reversed(reports)):
        left -= _line_bytes(report)
        if number == MAX_HELD_LINES or left < 0:
            return reports[-number:] if number else []
    return reports


def _lightest(receipts: list[Receipt]) -> set[Waiter]:
    """Return the clients that wait with least: under half of the average of all, and together under half a batch."""
    costs: defaultdict[Waiter, int] = defaultdict(int)
    for receipt in receipts:
        costs[receipt.waiter] += MAX_BATCH_WEIGHT // MAX_BATCH + receipt.tags_weight
    little, room, light = sum(costs.values()) // (2 * len(costs)), MAX_BATCH_WEIGHT // 2, set()
    for client, cost in sorted(costs.items(), key=itemgetter(1)):
        room -= cost
        if room < 0 or cost > little:
            break
        light.add(client)
    return light


def _parted(lines: list[WaitingLine], light: set[Waiter]) -> tuple[list[WaitingLine], list[WaitingLine]]:
    """All drafts of these clients, with the report lines that stand before all others' drafts; and what is left."""
    taken: list[WaitingLine] = []
    left: list[WaitingLine] = []
    for line in lines:
        goes = line.waiter in light if isinstance(line, Receipt) else not left
        (taken if goes else left).append(line)
    return taken, left


def _cut(lines: list[WaitingLine]) -> tuple[list[WaitingLine], list[WaitingLine]]:
    """All lines before the draft that is too much for one transaction, which is not the first; and what is left."""
    drafts, weight = 0, TagWeight()
    for place, line in enumerate(lines):
        if isinstance(line, Receipt):
            weight.add(line.draft.tags)
            if drafts == MAX_BATCH or (drafts and weight.total > MAX_BATCH_WEIGHT):
                return lines[:place], lines[place:]
            drafts += 1
    return lines, []
