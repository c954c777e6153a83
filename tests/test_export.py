"""Sample.txt and the terminal: each line once, in order, complete after any trouble; and nobody is delayed by them."""

import errno
import fcntl
import logging
import os
import resource
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path

import pytest
import trio
import trio.testing

from tests.memory_store import MemoryStore
from ttweet import export
from ttweet.errors import StoreError
from ttweet.export import LogCopy, SampleFile, Terminal, TerminalHandler
from ttweet.journal import Journal
from ttweet.reports import Report
from ttweet.store import LogLine


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return tmp_path / "Sample.txt"


def log_line(store: MemoryStore, text: str, *, session: int = 1) -> None:
    """Commit a report line."""
    store.log.append(LogLine(len(store.log) + 1, session, 0, "SERVER", "GENERAL", text))


def store_with(*texts: str) -> MemoryStore:
    store = MemoryStore()
    for text in texts:
        log_line(store, text)
    return store


def lines_of(path: Path) -> list[str]:
    """The texts of the lines that stand in the file."""
    return [line.removeprefix("SERVER ALERT [GENERAL] ") for line in path.read_text().splitlines()]


def copy_to(path: Path, store: MemoryStore) -> LogCopy:
    return LogCopy(SampleFile(path), store, session=1)


# The file


def test_the_file_holds_the_current_session_only_in_order_each_line_once(sample: Path) -> None:
    sample.write_text("SERVER ALERT [GENERAL] of yesterday\n")
    store = MemoryStore()
    log_line(store, "of another session", session=0)
    log_line(store, "one")
    copy = copy_to(sample, store)
    assert copy.catch_up()
    assert lines_of(sample) == ["one"]
    for text in ("two", "three"):
        log_line(store, text)
        assert copy.catch_up()
        assert copy.catch_up()
    assert sample.read_text() == "".join(f"SERVER ALERT [GENERAL] {text}\n" for text in ("one", "two", "three"))


def test_the_file_is_empty_when_nothing_has_happened_and_its_owners_alone(sample: Path) -> None:
    assert copy_to(sample, MemoryStore()).catch_up()
    assert sample.read_bytes() == b""
    assert sample.stat().st_mode & 0o777 == 0o600


def test_more_lines_than_one_page_arrive_all(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PAGE_LINES", 3)
    texts = [str(number) for number in range(10)]
    assert copy_to(sample, store_with(*texts)).catch_up()
    assert lines_of(sample) == texts


def test_other_scripts_are_utf8(sample: Path) -> None:
    assert copy_to(sample, store_with("Message Received: 寿司 🎉")).catch_up()
    assert sample.read_text(encoding="utf-8").endswith("寿司 🎉\n")


@contextmanager
def nothing(sample: Path) -> Iterator[None]:
    sample.unlink(missing_ok=True)
    yield


@contextmanager
def a_directory(sample: Path) -> Iterator[None]:
    sample.unlink(missing_ok=True)
    sample.mkdir()
    yield
    sample.rmdir()


@contextmanager
def a_symlink(sample: Path) -> Iterator[None]:
    target = sample.with_name("precious")
    target.write_text("precious")
    sample.unlink(missing_ok=True)
    sample.symlink_to(target)
    yield
    sample.unlink()
    assert target.read_text() == "precious"


@contextmanager
def a_fifo(sample: Path) -> Iterator[None]:
    sample.unlink(missing_ok=True)
    os.mkfifo(sample)
    yield
    sample.unlink()


@contextmanager
def a_fifo_with_a_reader(sample: Path) -> Iterator[None]:
    with a_fifo(sample):
        reader = os.open(sample, os.O_RDONLY | os.O_NONBLOCK)
        yield
        assert os.read(reader, 10) == b""
        os.close(reader)


@contextmanager
def no_folder(sample: Path) -> Iterator[None]:
    sample.unlink(missing_ok=True)
    sample.parent.rename(sample.parent.with_name("elsewhere"))
    yield
    sample.parent.with_name("elsewhere").rename(sample.parent)


@contextmanager
def a_locked_file(sample: Path) -> Iterator[None]:
    """Another file took the place, and another process holds its lock."""
    other = sample.with_name("other")
    with other.open("w") as file:
        file.write("another server's\n")
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        other.rename(sample)
        yield
        assert sample.read_text() == "another server's\n"


TROUBLES = [a_directory, a_symlink, a_fifo, a_fifo_with_a_reader, no_folder, a_locked_file]


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("when", ["at the start", "meanwhile"])
def test_after_any_trouble_with_the_file_it_is_complete(
    trouble: Callable[[Path], AbstractContextManager[None]], when: str, sample: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sample.parent.joinpath("folder").mkdir()
    sample = sample.parent / "folder" / sample.name
    store = store_with("before")
    copy = copy_to(sample, store)
    if when == "meanwhile":
        assert copy.catch_up()
    with trouble(sample):
        log_line(store, "during")
        for _ in range(3):
            assert not copy.catch_up()
    log_line(store, "after")
    assert copy.catch_up()
    assert lines_of(sample) == ["before", "during", "after"]
    warning, relief = [record.message for record in caplog.records]
    assert warning.startswith(f"cannot write {sample}: ")
    assert warning.endswith("its lines are kept in the log table and are copied as soon as possible")
    assert relief == f"{sample} is complete again"


def test_a_file_that_was_deleted_is_begun_anew_with_all_lines(sample: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = store_with("before")
    copy = copy_to(sample, store)
    assert copy.catch_up()
    sample.unlink()
    log_line(store, "after")
    assert copy.catch_up()
    assert lines_of(sample) == ["before", "after"]
    assert caplog.records == []


@pytest.mark.parametrize("meddled", [b"", b"SERVER ALERT", b"x" * 500], ids=["emptied", "cut", "added to"])
def test_a_file_that_somebody_changed_is_begun_anew_with_all_lines(sample: Path, meddled: bytes) -> None:
    store = store_with("one", "two")
    copy = copy_to(sample, store)
    assert copy.catch_up()
    sample.write_bytes(meddled)
    log_line(store, "three")
    assert copy.catch_up()
    assert lines_of(sample) == ["one", "two", "three"]


def test_a_database_is_never_emptied_for_the_file(sample: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(sqlite3.connect(sample)) as database:
        database.execute("CREATE TABLE precious (text)")
    before = sample.read_bytes()
    assert not copy_to(sample, store_with("one")).catch_up()
    assert sample.read_bytes() == before
    assert "it is a database; name another file with --report-file" in caplog.text


def test_lines_that_the_log_lost_before_they_were_copied_are_told_of(
    sample: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = store_with("one")
    copy = copy_to(sample, store)
    assert copy.catch_up()
    for text in ("two", "three", "four"):
        log_line(store, text)
    store.pruned = 3
    assert copy.catch_up()
    assert lines_of(sample) == ["one", "four"]
    assert "Sample.txt lacks 2 lines: --log-limit removed them too early" in caplog.text


def test_a_file_that_was_moved_away_keeps_what_it_had(sample: Path) -> None:
    store = store_with("before")
    copy = copy_to(sample, store)
    assert copy.catch_up()
    kept = sample.rename(sample.with_name("kept"))
    log_line(store, "after")
    assert copy.catch_up()
    assert lines_of(kept) == ["before"]
    assert lines_of(sample) == ["before", "after"]


def test_two_servers_never_mix_their_lines_in_one_file(sample: Path, caplog: pytest.LogCaptureFixture) -> None:
    first, second = copy_to(sample, store_with("first")), copy_to(sample, store_with("second"))
    assert first.catch_up()
    assert not second.catch_up()
    assert lines_of(sample) == ["first"]
    assert "another process has locked it" in caplog.text


@contextmanager
def a_full_disk(limit_bytes: int) -> Iterator[None]:
    """No file can grow beyond the limit; writes up to it are taken, as a disk takes them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_when_there_is_room_on_the_disk_again_the_file_is_complete(
    sample: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = store_with("before")
    copy = copy_to(sample, store)
    assert copy.catch_up()
    texts = [f"{number} ".ljust(100, "x") for number in range(100)]
    for text in texts:
        log_line(store, text)
    with a_full_disk(4096):
        assert not copy.catch_up()
        assert not copy.catch_up()
    assert sample.stat().st_size <= 4096
    assert copy.catch_up()
    assert lines_of(sample) == ["before", *texts]
    assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.WARNING]
    assert os.strerror(errno.EFBIG) in caplog.text


class BusyReader(MemoryStore):
    """Cannot be read, the first time."""

    busy = True

    def log_text_after(self, cursor: int, *, limit: int, session: int | None = None) -> tuple[str, int]:
        if self.busy:
            self.busy = False
            raise StoreError("busy", "another process holds the file")
        return super().log_text_after(cursor, limit=limit, session=session)


def test_a_log_that_cannot_be_read_now_is_read_later(sample: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = BusyReader()
    log_line(store, "one")
    copy = copy_to(sample, store)
    assert not copy.catch_up()
    assert copy.catch_up()
    assert lines_of(sample) == ["one"]
    assert "another process holds the file" in caplog.text


# The terminal


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    """A terminal's two ends, the reader's first."""
    reader, writer = os.pipe()
    try:
        yield reader, writer
    finally:
        os.close(writer)
        os.close(reader)


def fill(writer: int) -> None:
    """Fill a pipe to the brim, as a terminal is after Ctrl-S."""
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 65536)
    os.set_blocking(writer, True)


def test_the_terminal_shows_each_line_once() -> None:
    store = store_with("one")
    with pipe() as (reader, writer):
        copy = LogCopy(Terminal(writer), store, session=1)
        assert copy.catch_up()
        log_line(store, "two")
        assert copy.catch_up()
        assert os.read(reader, 1000) == b"SERVER ALERT [GENERAL] one\nSERVER ALERT [GENERAL] two\n"


def test_a_terminal_that_is_closed_is_no_trouble(caplog: pytest.LogCaptureFixture) -> None:
    store = store_with("one")
    reader, writer = os.pipe()
    os.close(reader)
    copy = LogCopy(Terminal(writer), store, session=1)
    assert copy.catch_up()
    log_line(store, "two")
    assert copy.catch_up()
    os.close(writer)
    assert caplog.records == []


def test_a_terminal_that_does_not_block_gets_every_line() -> None:
    texts = [f"{number} ".ljust(1000, "x") for number in range(200)]  # three times what a pipe holds
    with pipe() as (reader, writer):
        fill(writer)
        os.set_blocking(writer, False)
        copying = threading.Thread(target=LogCopy(Terminal(writer), store_with(*texts), session=1).catch_up)
        copying.start()
        data = b""
        while data.count(b"\n") < len(texts):
            data += os.read(reader, 65536)
        copying.join(10)
    assert [line.removeprefix(b"SERVER ALERT [GENERAL] ").decode() for line in data.lstrip(b"x").splitlines()] == texts


def record_of(text: str) -> logging.LogRecord:
    return logging.LogRecord("ttweet", logging.WARNING, __file__, 1, "%s", (text,), None)


def test_a_log_message_is_shown_whole() -> None:
    long = "x" * 10_000
    with pipe() as (reader, writer):
        handler = TerminalHandler(writer)
        for text in ("ä \ud800", long):
            handler.emit(record_of(text))
        assert os.read(reader, 65536).decode() == f"ttweet: ä \\ud800\nttweet: {long}\n"


def test_a_log_message_waits_for_no_terminal() -> None:
    with pipe() as (reader, writer):
        fill(writer)
        handler = TerminalHandler(writer)
        handler.emit(record_of("lost"))
        assert set(os.read(reader, 65536)) == set(b"x")
        handler.emit(record_of("shown"))
        assert os.read(reader, 65536) == b"ttweet: shown\n"


def test_a_log_message_to_a_terminal_that_is_gone_is_no_trouble() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    TerminalHandler(writer).emit(record_of("lost"))
    os.close(writer)
    TerminalHandler(writer).emit(record_of("lost too"))


# The copy as a task beside the journal


@asynccontextmanager
async def copying(store: MemoryStore, *copies: LogCopy, final_s: float = 10) -> AsyncIterator[Journal]:
    """A journal and copies of its log, which end in the order in which a server ends them."""
    journal = Journal(store)
    with trio.fail_after(20):
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
        super().__init__(path)
        self._path = path
        self._token = trio.lowlevel.current_trio_token()
        self._something = trio.Event()
        self.attempts = 0

    def begin(self) -> bool:
        self.attempts += 1
        try:
            return super().begin()
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
            with trio.fail_after(1):
                await file.wait_lines([str(place) for place in range(number + 1)])


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
    monkeypatch.setattr(export, "RETRY_S", 0.01)
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
    sample: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store, file = MemoryStore(), WatchedFile(sample)
    obstruct(sample)
    async with copying(store, LogCopy(file, store, session=1), final_s=0.1) as journal:
        journal.report(line_of("one"))
        await journal.wait_commit(0)
    assert len(store.log) == 1
    assert "Sample.txt is not complete; see ttweet log --export" in caplog.text
    assert 1 <= file.attempts <= 3  # at the start, at the finish, and a pause of half a second after each


async def test_a_terminal_that_stands_still_delays_nobody_and_no_end(sample: Path) -> None:
    store, file = MemoryStore(), WatchedFile(sample)
    with pipe() as (reader, writer):
        fill(writer)
        copies = [LogCopy(Terminal(writer), store, session=1), LogCopy(file, store, session=1)]
        async with copying(store, *copies, final_s=0.5) as journal:
            await file.wait_something()
            for number in range(3):
                journal.report(line_of(str(number)))
                with trio.fail_after(1):
                    await file.wait_lines([str(place) for place in range(number + 1)])
        while os.read(reader, 65536).endswith(b"x"):
            pass  # so that the thread, which was left behind, comes to its end
