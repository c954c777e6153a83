"""The journal: the one writer, and the place where its readers learn of commits.

Concurrent drafts become batched commits (group commit): all that has queued up while the last batch was on its way to
the disk goes into the next transaction, and a batch may wait a little for more, see `gathering`. A draft is answered
after COMMIT, and a client that waits is woken once a batch, not once a tweet. Knows no particular store and no wire.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import trio

from ttweet.broker.arrivals import Arrivals
from ttweet.broker.batch_times import BatchTimes
from ttweet.broker.gathering import Gathering
from ttweet.broker.head import Head
from ttweet.broker.inbox import Inbox, WaitingLine
from ttweet.broker.lone_worker import LoneWorker
from ttweet.broker.read_scheduler import PendingBatch
from ttweet.broker.receipts import Change, Receipt, Waiter, stopping, waiters_of
from ttweet.broker.trouble import Trouble
from ttweet.broker.watcher import UNWATCHED, Watcher
from ttweet.model import reports
from ttweet.model.errors import Displaced, StoreError, TtweetError
from ttweet.model.reports import Report
from ttweet.model.times import Clock, now_ms
from ttweet.model.tweets import Deletion, Draft, Tombstone, Tweet
from ttweet.storage.contract import NOT_SEARCHED, Replica, Store, Traces

T = TypeVar("T")

LINES_DELAY_S = 0.02  # for report lines without a draft: one commit, and one sync, for many of them
TELL_BURST = 128  # clients that get their results before other tasks run, about 2 ms
RETRY_INTERVAL_S = 1.0  # between attempts to store report lines that a full disk or a lock has delayed
IDLE_BEFORE_SETTLING_S = 0.25  # without work before the store does delayed work, such as indexing a lone tweet
FILE_CHECK_INTERVAL_S = 0.5  # between checks of an idle store that its files have their names, 50 us


class Journal:
    """Takes drafts and report lines at once, and `run` writes them.

    The waiting drafts are bounded, see `inbox`, but for a draft more of each client that looks at `has_room` after it
    has appended one, and waits for `room` then. Report lines that find no room are lost, and the log tells how many.
    """

    def __init__(
        self, store: Store, *, clock: Clock = now_ms, watcher: Watcher = UNWATCHED, replica: Replica | None = None
    ) -> None:
        """`replica` is the store, if other servers write to its log, too."""
        self._store = store
        self.watcher = watcher
        """Is told of what happens, also of what gets no report line."""
        self._now_ms = clock
        self.inbox = Inbox()
        """The drafts and report lines that wait to be written. It says whether there is room for another."""
        self._gathering = Gathering(self.inbox)
        self.times = BatchTimes()
        self._work = trio.Event()
        self._committed = trio.lowlevel.ParkingLot()
        self._closed = False
        self._writing = False  # whether a batch or a change may be on its way to the disk
        self._lines_wait = False  # whether a report line wakes no task, as `run` waits for more of them
        self._held_up = False  # whether a full disk or a lock keeps the lines that wait
        self.uploads = PendingBatch()
        """The batches on their way, for queries that give way to them."""
        self._settled = True  # the store has put off nothing
        self._idle = False  # the writer's thread has had nothing to do since the last batch, for a while
        self.trouble = Trouble()  # what keeps the store from storing, or from answering
        self.head = Head(store.position())
        """The newest commit, and the listeners that learn of each."""
        self._arrivals = Arrivals(replica, self.head)
        self._changes: list[Change[Any]] = []
        self.commits = 0
        """How many batches and changes were made, or may have been."""
        self.acknowledged = 0
        """How many drafts were stored."""
        self.failed: Counter[str] = Counter()
        """How many drafts the store did not take, by code."""

    @property
    def waiting(self) -> tuple[int, int]:
        """How many drafts, and how many report lines, wait to be written."""
        return self.inbox.drafts, len(self.inbox)

    def append(self, draft: Draft, waiter: Waiter) -> Receipt:
        """Queue a draft for the next batch, where its report line is stored with it. Raises Refused `stopping`."""
        if self._closed:
            raise stopping()
        receipt = Receipt(draft, waiter)
        self.inbox.append(receipt)
        self._work.set()
        return receipt

    def report(self, report: Report) -> None:
        """Queue a report line for the next batch, and show its event."""
        if report.event is not None:
            self.watcher.happened(report.event)
        if self.inbox.report(report) and not self._lines_wait:
            self._work.set()

    async def redact(self, tweet: int, lines: Sequence[int]) -> None:
        """Clear a tweet's text in some report lines between two batches; see Store.redact.

        Raises Refused `stopping`, and StoreError.
        """
        await self._change(partial(self._store.redact, tweet, lines), lambda _: None).done()

    async def delete(self, tweet: int, report: Report, traces: Traces = NOT_SEARCHED) -> Deletion:
        """Delete a tweet between two batches; see Store.delete. On return it is durable and followers are notified.

        Raises Refused `no_tweet` and `stopping`, and StoreError.
        """
        delete = partial(self._store.delete, tweet, report, traces=traces)
        made = self._arrivals.in_order(self.head.publish_deletion)
        change = self._change(lambda: (delete(at=self._now_ms()), self._store.position()), made)
        deletion, _ = await change.done()
        return deletion

    async def prune(self, before: int) -> int | None:
        """Remove some of the oldest tweets below an id between two batches; see Store.prune.

        `before` is `newest` + 1 at most. On return it is durable and followers are notified. Raises Refused `stopping`,
        and StoreError.
        """
        made = self._arrivals.in_order(self.head.publish_pruning)
        change = self._change(lambda: (self._store.prune(before), self._store.position()), made)
        removed, _ = await change.done()
        return removed

    async def prune_lines(self, since: int) -> int:
        """Remove some of the report lines older than a time (ms), as `prune` does tweets."""
        return await self._change(partial(self._store.prune_lines, since), lambda _: None).done()

    async def maintain(self) -> bool:
        """Have the store do a piece of its maintenance between two batches; see Store.maintain.

        Raises Refused `stopping`, and StoreError.
        """
        return await self._change(self._store.maintain, lambda _: None, is_commit=False).done()

    def refresh(self) -> None:
        """Store and publish what other servers have written, between two batches. Calls before that are one."""
        if not self._closed and self._arrivals.begin_refresh():
            self._change(self._arrivals.refresh, self._refreshed)

    def _refreshed(self, has_more: bool) -> None:
        self._arrivals.publish_now()
        if has_more:
            self.refresh()

    async def wait_commit(self, seen: int) -> None:
        """Wait until more than the `seen` first of `commits` have been."""
        while self.commits == seen:
            await self._committed.park()

    async def wait_known(self, newest: int) -> None:
        """Wait until `head` is as new as an id that a reader has just found in the file.

        The reader may see a commit before `run` publishes it, but no later one. An id that another program has put into
        the file belongs to no commit, and is not waited for.
        """
        seen = self.commits
        while self._writing and self.commits == seen and self.head.newest < newest:
            await self._committed.park()

    def close(self) -> None:
        """Take no more drafts; `run` ends when what waits is written."""
        self._closed = True
        self._work.set()

    async def run(self) -> None:
        """Write batches until the journal is closed and nothing waits.

        Raises StoreError when the store must not be written to any more; all waiting clients have got the error.
        """
        with LoneWorker("journal", idle_s=IDLE_BEFORE_SETTLING_S, on_idle=self._note_idle) as worker:
            while not self._closed or self.inbox or self._changes:
                await self._wait_for_work(worker)
                if not (self.inbox.drafts or self._changes or self._closed):
                    await self._gather_lines()
                await self._write_all(worker)

    def _change(self, make: Callable[[], T], made: Callable[[T], None], *, is_commit: bool = True) -> Change[T]:
        """Queue a change other than a batch. `made` is called with it before anything later is published."""
        if self._closed:
            raise stopping()
        change = Change(make, made, is_commit=is_commit)
        self._changes.append(change)
        self._work.set()
        return change

    async def _make_changes(self, worker: LoneWorker) -> None:
        """Make those that wait, until one finds the file locked: then it is for the others too."""
        for _ in range(len(self._changes)):
            change = self._changes.pop(0)
            try:
                await change.run(worker)
            except StoreError as error:
                if not error.may_pass:
                    await self._give_up()
                    raise
                await self._note_displaced(worker, error)
                if error.code == "busy":
                    self._fail_changes(error)
                    break
            except TtweetError:
                pass  # such as a tweet that does not exist; the client has its answer
            else:
                self.commits += change.is_commit
        self._committed.unpark_all()

    async def _note_displaced(self, worker: LoneWorker, error: StoreError) -> None:
        """Have all readers see what the open file holds; only followers, which get durable tweets only, do not."""
        if isinstance(error, Displaced):
            self.trouble.note(error)
            if error.code == "unknown":
                self.head.set_to(await worker.run(self._store.position))
                self.commits += 1

    def _fail_changes(self, error: TtweetError) -> None:
        changes, self._changes = self._changes, []
        for change in changes:
            change.fail(error)

    async def _wait_for_work(self, worker: LoneWorker) -> None:
        while not self._work.is_set():
            await self._pause()
            if not self._work.is_set():
                is_time_to_retry = self._settled and self._held_up
                await self._settle(worker, [])
                if is_time_to_retry:
                    break
        self._held_up = False

    async def _pause(self) -> None:
        """Wait for work, or until it is time to settle: after a batch, when the writer's thread has been idle."""
        if self._settled:
            with trio.move_on_after(RETRY_INTERVAL_S if self._held_up else FILE_CHECK_INTERVAL_S):
                await self._work.wait()
        elif not self._idle:
            await self._work.wait()

    def _note_idle(self) -> None:
        """Note that the writer's thread has had nothing to do for a while, and end a pause."""
        self._idle = True
        if not (self._settled or self._work.is_set()):
            self._work.set()
            self._work = trio.Event()

    async def _settle(self, worker: LoneWorker, decided: list[Receipt]) -> list[Receipt]:
        """Have the store do what it has put off, and tell of the batch before meanwhile; returns that none is to tell.

        If the disk is full or locked, the store does so with a later batch.
        """
        self._settled = True
        call = worker.begin(self._store.settle)
        if decided:
            await self._tell(decided)
        try:
            await call.wait()
        except StoreError as error:
            if not error.may_pass:
                await self._give_up()
                raise
            await self._note_displaced(worker, error)
        else:
            if self.head.is_shared:
                self.trouble.end()
        self._arrivals.publish_now()
        return []

    async def _gather_lines(self) -> None:
        """Let report lines wait for others, or for a draft. Connections that come and go would cost a commit each."""
        self._work = trio.Event()
        self._lines_wait = True
        with trio.move_on_after(LINES_DELAY_S):
            await self._work.wait()
        self._lines_wait = False

    async def _write_all(self, worker: LoneWorker) -> None:
        """Write batch after batch of drafts, with all lines until then, and make the changes that wait between them."""
        decided: list[Receipt] = []
        self.times.wake()
        self._writing = waiting = bool(self.inbox or self._changes)
        while waiting:
            if self.inbox:
                decided = await self._write_batch(worker, await self._gather(decided))
            if self._changes:
                await self._tell(decided)
                decided = []
                if not self.inbox:
                    self._work = trio.Event()  # what set it is made now; else lines would be gathered, though none come
                await self._make_changes(worker)
            if self._store.must_settle:
                decided = await self._settle(worker, decided)
            waiting = bool(self.inbox.drafts or self._changes)
        self._writing = False
        await self._tell(decided)

    async def _gather(self, decided: list[Receipt]) -> list[Receipt]:
        """Tell of the last batch first and wait for drafts, if it is worthwhile; returns what to tell of later."""
        if decided:
            if not self._gathering.is_worthwhile(len(waiters_of(decided))):
                return decided
            await self._tell(decided)
        await self._gathering.wait()
        return []

    async def _write_batch(self, worker: LoneWorker, decided: list[Receipt]) -> list[Receipt]:
        """Write a batch, and publish the one before meanwhile; return the receipts to publish next."""
        batch, lines = self._take_batch()
        self.uploads.begin(len(batch))
        self.times.begin(takes_all=not self.inbox)
        drafts = [receipt.draft for receipt in batch]
        told = [line.draft if isinstance(line, Receipt) else line for line in lines]
        self._idle = False
        call = worker.begin(partial(self._store.append, drafts, told, at=self._now_ms()))
        if decided:
            await self._tell(decided)
        try:
            self._succeed(batch, await call.wait())
        except StoreError as error:
            self._fail(batch, lines, error)
            if not error.may_pass:
                await self._tell(batch)
                await self._give_up()
                raise
            await self._note_displaced(worker, error)
        finally:
            self._arrivals.note()
            self._gathering.commit_s = self.times.end(has_drafts=bool(batch))
            self.uploads.end()
        return batch

    def _take_batch(self) -> tuple[list[Receipt], list[WaitingLine]]:
        batch, lines = self.inbox.take()
        if not self.inbox:
            self._work = trio.Event()
        return batch, lines

    def _succeed(self, batch: list[Receipt], tweets: list[Tweet | Tombstone]) -> None:
        for receipt, tweet in zip(batch, tweets, strict=True):
            receipt.outcome = tweet
        if batch or not self.head.is_shared:  # report lines alone do not need the log of a cluster
            self.trouble.end()
        if self.inbox.lost and self.inbox.has_room:
            self.report(reports.lines_lost(self.inbox.take_lost()))
        self.commits += 1
        self._settled = False
        self.acknowledged += len(batch)
        self.head.advance(tweets)

    def _fail(self, batch: list[Receipt], lines: list[WaitingLine], error: StoreError) -> None:
        if error.code == "busy":
            self._add_all_that_wait(batch, lines)
            self._fail_changes(error)
        self.failed[error.code] += len(batch)
        for receipt in batch:
            receipt.outcome = error
        if error.may_pass:
            self.trouble.note(error)
        if self._closed:
            self.inbox.drop_reports()  # no client is left to wait for room on the disk
            return
        self.inbox.hold(lines)
        self._held_up = True

    def _add_all_that_wait(self, batch: list[Receipt], lines: list[WaitingLine]) -> None:
        """Have them share a batch's fate: to wait for a lock that is held, batch after batch, would take minutes."""
        waiting, all_lines = self.inbox.take_all()
        batch += waiting
        lines += all_lines
        self._work = trio.Event()

    async def _give_up(self) -> None:
        """Nothing more will be written: fail the drafts that were not tried."""
        self.close()
        untried, _ = self.inbox.take_all()
        for receipt in untried:
            receipt.outcome = stopping()
        self._fail_changes(stopping())
        await self._tell(untried)

    async def _tell(self, batch: list[Receipt]) -> None:
        waiters = waiters_of(batch)
        for number, waiter in enumerate(waiters, 1):
            waiter.answered()
            if number % TELL_BURST == 0:
                await trio.lowlevel.checkpoint()
        if waiters:
            self._gathering.begin(len(waiters))
        self.watcher.posted(self._arrivals.publish(batch))
        self._committed.unpark_all()
