"""Helpers for tests of the journal: a journal while it runs, and the clients that post to it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio
import trio.testing

from tests.support.guard import GUARD_S
from tests.support.memory_store import MemoryStore
from ttweet.broker.journal import Journal
from ttweet.broker.receipts import Receipt
from ttweet.model import reports
from ttweet.model.errors import Displaced, StoreError, TtweetError
from ttweet.model.reports import Report
from ttweet.model.tweets import NO_TAGS, Draft, Tombstone, Tweet

FULL, BUSY = StoreError("full", "no room"), StoreError("busy", "locked")
ALTERED = StoreError("altered", "a trigger would run")
MOVED, MOVED_UNKNOWN = Displaced("moved", "/db was moved to /there"), Displaced("unknown", "/db was moved")
UNKNOWN, INTERNAL = StoreError("unknown", "input/output error"), StoreError("internal", "broken")


class Waiting:
    """A sink that waits for an outcome."""

    def __init__(self) -> None:
        self._told = trio.Event()

    def answered(self) -> None:
        self._told.set()

    async def told(self) -> None:
        with trio.fail_after(10):
            await self._told.wait()

    async def outcome(self, receipt: Receipt) -> Tweet:
        with trio.fail_after(GUARD_S):
            await self._told.wait()
        assert isinstance(receipt.outcome, Tweet)
        return receipt.outcome


@dataclass(eq=False)
class Poster:
    """Posts to a journal and keeps what became of it, in the order in which it was answered."""

    journal: Journal
    receipts: list[Receipt] = field(default_factory=list)
    answers: list[Receipt] = field(default_factory=list)
    calls: int = 0
    progress: trio.Event = field(default_factory=trio.Event)

    def post(self, text: str, key: str | None = None, tags: Mapping[str, str] = NO_TAGS) -> Receipt:
        receipt = self.journal.append(Draft(text, tags, key=key), self)
        self.receipts.append(receipt)
        return receipt

    def answered(self) -> None:
        self.calls += 1
        decided = [receipt for receipt in self.receipts if receipt.outcome is not None]
        self.answers += decided[len(self.answers) :]
        self.progress.set()

    async def all_answered(self) -> list["Tweet | Tombstone | TtweetError | None"]:
        with trio.fail_after(GUARD_S):
            while len(self.answers) < len(self.receipts):
                self.progress = trio.Event()
                await self.progress.wait()
        return [receipt.outcome for receipt in self.receipts]


@asynccontextmanager
async def running(store: MemoryStore) -> AsyncIterator[Journal]:
    """A journal that runs until the block is left, and is drained then."""
    journal = Journal(store)
    with trio.fail_after(GUARD_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(journal.run)
            yield journal
            journal.close()


def texts(store: MemoryStore) -> list[str]:
    return [tweet.text for tweet in store.tweets]


def lines(store: MemoryStore) -> list[str]:
    return [reports.line(line.side, line.category, line.text) for line in store.log]


def line_of(text: str) -> Report:
    return Report("SERVER", "GENERAL", text)
