"""Helpers for tests of the report log's copies: a log to copy from, and its copy in the file."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.memory_store import MemoryStore
from ttweet.server.log_copies import LogCopy
from ttweet.server.sample_file import SampleFile
from ttweet.storage.contract import LogLine

MANY_BYTES = 100_000_000


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


def copy_to(path: Path, store: MemoryStore, *, max_bytes: int = MANY_BYTES) -> LogCopy:
    return LogCopy(SampleFile(path, max_bytes=max_bytes), store, session=1)


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
        file.write("SERVER ALERT [GENERAL] another server's\n")
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        other.rename(sample)
        yield
        assert lines_of(sample) == ["another server's"]
