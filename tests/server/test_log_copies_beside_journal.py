"""The report log's copies while the journal runs: soon after a commit, complete at the end, and no client waits."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trio.testing

from tests.support.guard import GUARD_S
from tests.support.memory_store import MemoryStore
from tests.support.report_files import MANY_BYTES, copy_to, fill, lines_of, pipe
from ttweet.broker.journal import LINES_DELAY_S, Journal
from ttweet.model.reports import Report
from ttweet.server import log_copies
from ttweet.server.destinations import StderrDestination
from ttweet.server.log_copies import LogCopy
from ttweet.server.sample_file import SampleFile


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return tmp_path / "Sample.txt"


@asynccontextmanager
async def copying(store: MemoryStore, *copies: LogCopy, final_s: float = GUARD_S) -> AsyncIterator[Journal]:
    """A journal and copies of its log, which end in the order in which a server ends them."""
    journal = Journal(store)
    with trio.fail_after(GUARD_S):
        async with trio.open_nursery() as nursery:
            for copy in copies:
                nursery.start_soon(copy.run, journal)
            async with trio.open_nursery() as writing:
                writing.start_soon(journal.run)
                yield journal
                journal.close()
            for copy in copies:
                copy.finish()
            nursery.cancel_scope.deadline = trio.current_time() + final_s


def obstruct(path: Path) -> None:
    path.mkdir()


def make_way(path: Path) -> None:
    path.rmdir()


def line_of(text: str) -> Report:
    return Report("SERVER", "GENERAL", text)


class WatchedFile(SampleFile):
    """Tells the test of each attempt to begin and of each write. Make it inside trio."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, max_bytes=MANY_BYTES)
        self._path = path
        self._token = trio.lowlevel.current_trio_token()
        self._something = trio.Event()
        self.attempts = 0

    def begin(self, cursor: int, *, reopen: bool = False) -> int:
        self.attempts += 1
        try:
            return super().begin(cursor, reopen=reopen)
        finally:
            self._token.run_sync_soon(self._note)

    def write(self, lines: bytes) -> None:
        super().write(lines)
        self._token.run_sync_soon(self._note)

    def _note(self) -> None:
        self._something.set()

    async def wait_something(self) -> None:
        self._something = trio.Event()
        await self._something.wait()

    async def wait_lines(self, expected: list[str]) -> None:
        while lines_of(self._path) != expected:
            await self.wait_something()


async def test_a_line_is_in_the_file_within_a_second_of_its_commit(sample: Path) -> None:
    store, file = MemoryStore(), WatchedFile(sample)
    async with copying(store, LogCopy(file, store, session=1)) as journal:
        await file.wait_something()
        for number in range(3):
            journal.report(line_of(str(number)))
            await file.wait_lines([str(place) for place in range(number + 1)])
    assert LINES_DELAY_S + log_copies.POLL_INTERVAL_S < 1, "what is waited for beside the disk"


async def test_at_the_end_the_file_is_complete(sample: Path) -> None:
    store = MemoryStore()
    texts = [str(number) for number in range(1000)]
    async with copying(store, copy_to(sample, store)) as journal:
        for text in texts:
            journal.report(line_of(text))
            await trio.lowlevel.checkpoint()
    assert lines_of(sample) == texts


async def test_a_file_that_is_in_trouble_at_the_end_is_tried_again_until_it_is_complete(
    sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_copies, "RETRY_INTERVAL_S", 0.01)
    store, file = MemoryStore(), WatchedFile(sample)
    copy = LogCopy(file, store, session=1)
    obstruct(sample)

    async def make_room_late() -> None:
        while not copy._finishing:
            await file.wait_something()
        await file.wait_something()
        make_way(sample)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(make_room_late)
        async with copying(store, copy) as journal:
            journal.report(line_of("one"))
    assert lines_of(sample) == ["one"]


async def test_a_file_that_stays_in_trouble_does_not_keep_the_server_from_ending_nor_busy(
    sample: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_copies, "RETRY_INTERVAL_S", 1000)
    store, file = MemoryStore(), WatchedFile(sample)
    obstruct(sample)
    async with copying(store, LogCopy(file, store, session=1), final_s=0.1) as journal:
        journal.report(line_of("one"))
        await journal.wait_commit(0)
    assert len(store.log) == 1
    assert "Sample.txt is incomplete; the log in the database is complete" in caplog.text
    assert 1 <= file.attempts <= 2  # at the start and at the finish, and a pause after each


async def test_a_terminal_that_stands_still_delays_no_client_and_no_end(sample: Path) -> None:
    store, file = MemoryStore(), WatchedFile(sample)
    with pipe() as (reader, writer):
        fill(writer)
        copies = [LogCopy(StderrDestination(writer), store, session=1), LogCopy(file, store, session=1)]
        async with copying(store, *copies, final_s=0.5) as journal:
            await file.wait_something()
            for number in range(3):
                journal.report(line_of(str(number)))
                await file.wait_lines([str(place) for place in range(number + 1)])
        while os.read(reader, 65536).endswith(b"x"):
            pass  # so that the thread, which was left behind, comes to its end
