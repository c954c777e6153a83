"""The report log's copies: Sample.txt and the server's own terminal.

Each is a reader of the log table with a cursor, in a thread of its own, so that a file that is locked, missing or full,
or a terminal that stands still, delays and fails nobody. What could not be written is written later: the table is the
truth. Knows no client and no wire.
"""

import logging
import os
import select
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import trio

from ttweet.broker.journal import Journal
from ttweet.files import is_in_place, lock, open_own
from ttweet.model.errors import StoreError
from ttweet.storage.contract import Reader
from ttweet.storage.sqlite.connections import MAGIC

log = logging.getLogger(__name__)

PAGE_LINES = 10_000  # of one read, some 1 MiB
PAUSE_S = 0.2  # between two looks at the log: a line is copied well within a second of its commit
RETRY_S = 0.5  # between attempts at a copy that fails


class Destination(Protocol):
    """Where report lines are copied to."""

    name: str

    def begin(self) -> bool:
        """Get ready to write. True when the copy is empty and all lines of the session must come. Raises OSError."""
        ...

    def write(self, lines: bytes) -> None:
        """Append whole lines. Raises OSError."""
        ...

    def close(self) -> None:
        """Let go of it; never raises."""
        ...


class SampleFile:
    """The file with the lines of the current session: a regular file, of one name, emptied at the start.

    A file that was taken away, replaced, cut or added to is begun anew, as is one that could not be written to its end,
    and one of `max_lines`: more than the log keeps, or a server that runs for years would fill the disk.
    Another process's lock on it is respected, so two servers never mix their lines in one file; a database is never
    emptied for it.
    """

    def __init__(self, path: Path, *, max_lines: int) -> None:
        self.name = str(path)
        self._path = path
        self._max_lines = max_lines
        self._fd: int | None = None
        self._size = 0  # bytes that were written
        self._lines = 0

    def begin(self) -> bool:
        """See Destination."""
        if self._fd is not None and self._lines < self._max_lines and self._is_as_written(self._fd):
            return False
        self.close()
        fd = open_own(self._path)
        try:
            if os.pread(fd, len(MAGIC), 0) == MAGIC:
                raise OSError(0, "it is a database; name another file with --report-file")
            lock(fd, self._path)
            os.ftruncate(fd, 0)
        except OSError:
            os.close(fd)
            raise
        self._fd, self._size, self._lines = fd, 0, 0
        return True

    def write(self, lines: bytes) -> None:
        """See Destination."""
        assert self._fd is not None
        try:
            _write_all(self._fd, lines)
        except OSError:
            self.close()  # some of it may stand there: begin anew
            raise
        self._size += len(lines)
        self._lines += lines.count(b"\n")

    def close(self) -> None:
        """See Destination."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _is_as_written(self, fd: int) -> bool:
        return os.fstat(fd).st_size == self._size and is_in_place(fd, self._path)


class Terminal:
    """The server's standard error. Once it is closed, nothing more is written there."""

    name = "standard error"

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._begun = False
        self._gone = False

    def begin(self) -> bool:
        """See Destination."""
        first, self._begun = not self._begun, True
        return first

    def write(self, lines: bytes) -> None:
        """See Destination."""
        try:
            if not self._gone:
                _write_all(self._fd, lines)
        except OSError:
            self._gone = True

    def close(self) -> None:
        """See Destination: it is not ours to close."""


class TerminalHandler(logging.Handler):
    """Shows log messages as far as the terminal takes them at once.

    They come from the event loop too, which must not wait for a terminal that stands still; what it does not take then
    is lost.
    """

    def __init__(self, fd: int) -> None:
        super().__init__()
        self._fd = fd
        self.setFormatter(logging.Formatter("ttweet: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """See logging.Handler."""
        rest = f"{self.format(record)}\n".encode(errors="backslashreplace")
        with suppress(OSError):
            while rest and select.select([], [self._fd], [], 0)[1]:
                rest = rest[os.write(self._fd, rest[: select.PIPE_BUF]) :]


def write_alone(line: str, destination: Destination) -> None:
    """Write the one line of a server that does not start: what cannot be written now is not written later either."""
    try:
        destination.begin()
        destination.write(f"{line}\n".encode())
    except OSError as exc:
        log.warning("cannot write %s: %s", destination.name, _why(exc))
    destination.close()


class LogCopy:
    """Copies one session's report lines to a destination, each once and in order, by a reader of its own."""

    def __init__(self, destination: Destination, reader: Reader, *, session: int) -> None:
        self._destination = destination
        self._reader = reader
        self._session = session
        self._cursor = 0
        self._warned = False
        self._finishing = False
        self._pause = trio.CancelScope()

    async def run(self, journal: Journal) -> None:
        """Copy what is committed, until `finish` is called and all of it is copied. Cancelling gives up at once."""
        finishing = complete = False
        try:
            while not (finishing and complete):
                seen, finishing = journal.commits, self._finishing
                complete = await trio.to_thread.run_sync(self.catch_up, abandon_on_cancel=True)
                if not (finishing and complete):
                    await self._wait(journal, seen, complete)
        finally:
            if not (finishing and complete):
                log.warning("%s is not complete; see ttweet log --export", self._destination.name)
        self._destination.close()
        self._reader.close()

    def finish(self) -> None:
        """Nothing more will be committed: copy the rest at once."""
        self._finishing = True
        self._pause.cancel()

    async def _wait(self, journal: Journal, seen: int, complete: bool) -> None:
        with trio.CancelScope() as self._pause:
            if not self._finishing:
                if complete:
                    await journal.wait_commit(seen)
                await trio.sleep(PAUSE_S if complete else RETRY_S)
        if self._finishing and not complete:
            await trio.sleep(RETRY_S)

    def catch_up(self) -> bool:
        """Copy all that is committed and not copied yet; False when that cannot be done now."""
        try:
            if self._destination.begin():
                self._cursor = 0
            while self._copy_page():
                pass
        except OSError as exc:
            self._warn(_why(exc))
            return False
        except StoreError as exc:
            self._warn(exc.text)
            return False
        if self._warned:
            log.warning("%s is complete again", self._destination.name)
            self._warned = False
        return True

    def _copy_page(self) -> bool:
        lines, cursor = self._reader.log_text_after(self._cursor, limit=PAGE_LINES, session=self._session)
        if cursor == self._cursor:
            return False
        self._destination.write(lines.encode())
        if self._cursor and (missing := cursor - self._cursor - lines.count("\n")):
            log.warning("%s lacks %d lines: --log-limit removed them too early", self._destination.name, missing)
        self._cursor = cursor
        return True

    def _warn(self, reason: str) -> None:
        if not self._warned:
            log.warning(
                "cannot write %s: %s; its lines are kept in the log table and are copied as soon as possible",
                self._destination.name,
                reason,
            )
            self._warned = True


def _write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(fd, rest) :]
        except BlockingIOError:  # whoever shares the terminal with us has made it so
            select.select([], [fd], [])


def _why(exc: OSError) -> str:
    return "another process has locked it" if isinstance(exc, BlockingIOError) else str(exc.strerror)
