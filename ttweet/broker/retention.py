"""Retention: a server with `--keep` or `--keep-last` removes old tweets while it runs.

At intervals a thread with a reader of its own finds the id up to which tweets are too old. The journal removes them in
small steps between the writer's batches, with a pause after each step, so that an upload waits for one step at most.
Nothing is remembered: each search begins with the oldest tweet, also after a restart.
"""

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

import trio

from ttweet.broker.journal import Journal
from ttweet.broker.worker import Worker
from ttweet.model import reports
from ttweet.model.errors import Refused, StoreError
from ttweet.model.keep import Keep
from ttweet.model.times import Clock, now_ms
from ttweet.storage.contract import TagQueries

log = logging.getLogger(__name__)

PRUNE_INTERVAL_S = 60.0  # between removals of old tweets
COUNT_INTERVAL_S = 1.0  # between counts of the new tweets
EARLY_PRUNE_TWEETS = 10_000  # new tweets, or a tenth of those kept if that is more, that trigger an early removal
STEP_TIMEOUT_S = 10.0  # of a step of removal: longer than the store waits for a lock
STEP_PAUSE_S = 0.02  # after each step of removal, which takes about 15 ms: clients get most of the writer's time
FRESH_LINES_MS = 60_000  # age of report lines that are never removed, for the copies of the log


class _Limit(NamedTuple):
    """How far things go: tweets below the id `before`, report lines older than `since` (ms)."""

    before: int
    since: int


class Retention:
    """Removes tweets through a journal. `reader` is called by `worker` only; no other task may wait for either."""

    def __init__(
        self,
        keep: Keep,
        journal: Journal,
        reader: TagQueries,
        worker: Worker,
        *,
        clock: Clock = now_ms,
    ) -> None:
        self.removed = 0
        """How many tweets have gone since the server started."""
        self._keep = keep
        self._journal = journal
        self._reader = reader
        self._worker = worker
        self._now_ms = clock
        self._seen = -1  # the newest id at the last look
        self._postponed = False

    async def run(self) -> None:
        """Look, and remove, until cancelled or the journal is closed."""
        while True:
            try:
                await self.prune()
                self._postponed = False
            except Refused:
                return
            except StoreError as error:
                self._postpone(error)
            with trio.move_on_after(PRUNE_INTERVAL_S):
                await self._many_more()

    async def prune(self) -> int:
        """Remove all that is too old now; returns how many tweets went. Raises Refused `stopping`, StoreError."""
        newest = self._journal.head.newest
        if self._keep.age_s is None and newest == self._seen:
            return 0
        limit = await self._worker.run(partial(self._find_limit, newest))
        before = self.removed
        try:
            await self._in_steps(partial(self._remove, limit.before))
        finally:
            if self.removed > before:
                self._journal.report(reports.messages_removed(self.removed - before, self._journal.head.pruned_up_to))
        await self._in_steps(partial(self._journal.prune_lines, limit.since))
        self._seen = newest
        return self.removed - before

    def _find_limit(self, newest: int) -> _Limit:
        """Find the limit, in the worker's thread. A tweet above `newest`, which arrives meanwhile, stays."""
        now = self._now_ms()
        oldest = None if self._keep.age_s is None else now - int(self._keep.age_s * 1000)
        kept = self._reader.oldest_kept(since=oldest, last=self._keep.last, before=newest + 1, now=now)
        return _Limit(kept.before, min(kept.since or 0, now - FRESH_LINES_MS))

    async def _remove(self, before: int) -> bool:
        """One step. It is waited for also when the server stops, or followers would not learn what it removed."""
        if before <= self._journal.head.pruned_up_to + 1:
            return False
        with trio.move_on_after(STEP_TIMEOUT_S, shield=True):
            removed = await self._journal.prune(before)
            self.removed += removed or 0
            return removed is not None
        raise StoreError("busy", f"a step took more than {STEP_TIMEOUT_S:g} s")

    async def _in_steps(self, step: Callable[[], Awaitable[int | bool]]) -> None:
        while await step():  # noqa: ASYNC110  # not for an event, it lets others have the writer
            await trio.sleep(STEP_PAUSE_S)

    async def _many_more(self) -> None:
        """Wait until many tweets more have come than there were, where that is what counts; else until cancelled."""
        many = float("inf") if self._keep.last is None else max(EARLY_PRUNE_TWEETS, self._keep.last // 10)
        while self._journal.head.newest - self._seen < many:  # noqa: ASYNC110  # an event would cost each commit
            await trio.sleep(COUNT_INTERVAL_S)

    def _postpone(self, error: StoreError) -> None:
        self._seen = self._journal.head.newest - 1  # not the same: look again, but not before PRUNE_INTERVAL_S
        if not self._postponed:
            log.warning("cannot remove old tweets for now: %s", error)
        self._postponed = True
