"""The report log's copies: Sample.txt and the server's own terminal.

Each is a reader of the log table with a cursor, in a thread of its own, so that a file that is locked, missing or full,
or a terminal that stands still, delays and fails no client. Lines that could not be written are written later: the
table is the truth. Knows no client and no wire.
"""

import errno
import logging
import os
import select
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import trio

from ttweet.broker.journal import Journal
from ttweet.files import NotOursError, is_in_place, lock, open_own
from ttweet.model.errors import StoreError
from ttweet.model.reports import LINE_STARTS, escape
from ttweet.storage.contract import Reader

log = logging.getLogger(__name__)

PAGE_LINES = 2_000  # report lines of one read: 200 KB, or 3 MB of the longest
POLL_INTERVAL_S = 0.2  # between reads of the log: a line is copied well within a second
RETRY_INTERVAL_S = 0.5  # between attempts to write a copy

_STARTS = tuple([start.encode() for start in LINE_STARTS])


class Destination(Protocol):
    """Where report lines are copied to. `details` says whether the columns of an error stand behind its line."""

    name: str
    details: bool

    def begin(self, cursor: int, *, reopen: bool = False) -> int:
        """Get ready to write and return the id of the line after which to continue.

        `cursor` is the id of the last line that was written. With `reopen` a file that was renamed keeps what it has,
        and the lines after it go to a new one. Raises OSError: NotOursError for what must be left alone.
        """
        ...

    def write(self, lines: bytes) -> None:
        """Append whole lines. Raises OSError."""
        ...

    def close(self) -> None:
        """Let go of it; never raises."""
        ...


class ForeignTextError(NotOursError):
    """The file holds something else than report lines."""


class _Renamed(NamedTuple):
    """A file of ours that has another name now, and the id of the last line in it."""

    file: os.stat_result
    cursor: int


class SampleFile:
    """The file with the lines of the current session: a regular file, of one name, emptied at the start.

    A file that ttweet did not write is left alone. One of ours that was removed, renamed, replaced, cut or added to
    begins again with the whole session, as is one that could not be written to its end, and one of `max_bytes`: more
    than the log keeps, or a server that runs for years would fill the disk. Another process's lock on it is respected,
    so two servers never mix their lines in one file.
    """

    details = False

    def __init__(self, path: Path, *, max_bytes: int) -> None:
        self.name = str(path)
        self._path = path
        self._max_bytes = max_bytes
        self._fd: int | None = None
        self._size = 0  # bytes that were written
        self._renamed: _Renamed | None = None

    def begin(self, cursor: int, *, reopen: bool = False) -> int:
        """See Destination."""
        self._note_rename(cursor)
        continued = self._renamed if reopen else None
        if continued is None and self._is_as_written():
            return cursor
        self.close()
        self._fd, self._size = self._open_empty(), 0
        if continued is None:
            return 0
        self._renamed = None
        return continued.cursor

    def write(self, lines: bytes) -> None:
        """See Destination."""
        assert self._fd is not None
        try:
            _write_all(self._fd, lines)
        except OSError:
            self.close()  # some of it may be in the file: begin again
            raise
        self._size += len(lines)

    def close(self) -> None:
        """See Destination."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _note_rename(self, cursor: int) -> None:
        """Remember a file that has just been renamed, and forget one that is back under its name."""
        if self._fd is not None and os.fstat(self._fd).st_nlink and not is_in_place(self._fd, self._path):
            self._renamed = _Renamed(os.fstat(self._fd), cursor)
        with suppress(OSError):
            if self._renamed and os.path.samestat(self._path.lstat(), self._renamed.file):
                self._renamed = None

    def _is_as_written(self) -> bool:
        if self._fd is None or self._size >= self._max_bytes:
            return False
        return os.fstat(self._fd).st_size == self._size and _is_ours(self._fd) and is_in_place(self._fd, self._path)

    def _open_empty(self) -> int:
        """Open the file, look at what was opened, and empty it if it is ours.

        It is written at its end, wherever that is: after a cut, writing on at the old place would leave a hole.
        """
        fd = open_own(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        try:
            lock(fd, self._path)
            if not _is_ours(fd):
                raise ForeignTextError(errno.EPERM, "ttweet did not write what is in it", str(self._path))
            os.ftruncate(fd, 0)
        except OSError:
            os.close(fd)
            raise
        return fd


class StderrDestination:
    """The server's standard error. Once it is closed, nothing more is written there."""

    name = "standard error"
    details = True

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._gone = False

    def begin(self, cursor: int, *, reopen: bool = False) -> int:  # noqa: ARG002 a terminal stays where it is
        """See Destination."""
        return cursor

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
        self.setFormatter(EscapingFormatter("ttweet: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """See logging.Handler."""
        rest = f"{self.format(record)}\n".encode(errors="backslashreplace")
        with suppress(OSError):
            while rest and select.select([], [self._fd], [], 0)[1]:
                rest = rest[os.write(self._fd, rest[: select.PIPE_BUF]) :]


class EscapingFormatter(logging.Formatter):
    """Escapes the message and each line of a traceback: SQLite, for one, repeats the names that are in a file."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """See logging.Formatter."""
        return escape(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        """See logging.Formatter."""
        return "\n".join([escape(line) for line in super().formatException(ei).split("\n")])


def write_alone(line: str, destination: Destination) -> None:
    """Write the one line of a server that does not start: what cannot be written now is not written later either."""
    try:
        destination.begin(0)
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
        self._refused = False  # whether the file is not ours, which will not have changed a moment later
        self._reopening = False
        self._finishing = False
        self._pause = trio.CancelScope()

    async def run(self, journal: Journal) -> None:
        """Copy what is committed, until `finish` is called and all of it is copied. Cancelling gives up at once."""
        finishing = complete = False
        try:
            while not (finishing and complete):
                seen, finishing = journal.commits, self._finishing
                complete = await trio.to_thread.run_sync(self.catch_up, abandon_on_cancel=True)
                if finishing and self._refused:
                    break
                if not (finishing and complete):
                    await self._wait(journal, seen, complete)
        finally:
            if not (finishing and (complete or self._refused)):
                log.warning("%s is not complete; the log in the database is", self._destination.name)
        self._destination.close()
        self._reader.close()

    def finish(self) -> None:
        """Nothing more will be committed: copy the rest at once."""
        self._finishing = True
        self._pause.cancel()

    def reopen(self) -> None:
        """Look at the destination now; a file that was renamed is continued in a new one."""
        self._reopening = True
        self._pause.cancel()

    async def _wait(self, journal: Journal, seen: int, complete: bool) -> None:
        with trio.CancelScope() as self._pause:
            if not (self._finishing or (self._reopening and complete)):
                if complete:
                    await journal.wait_commit(seen)
                await trio.sleep(POLL_INTERVAL_S if complete else RETRY_INTERVAL_S)
        if self._finishing and not complete:
            await trio.sleep(RETRY_INTERVAL_S)

    def catch_up(self) -> bool:
        """Copy all that is committed and not copied yet; False when that cannot be done now."""
        reopening, self._reopening = self._reopening, False
        self._refused = False
        try:
            self._cursor = self._destination.begin(self._cursor, reopen=reopening)
            self._copy_pages()
        except OSError as exc:
            self._reopening |= reopening
            self._refused = isinstance(exc, ForeignTextError)
            self._warn(_why(exc))
            return False
        except StoreError as exc:
            self._warn(exc.text)
            return False
        if self._warned:
            log.warning("%s is complete again", self._destination.name)
            self._warned = False
        return True

    def _copy_pages(self) -> None:
        """Copy the rest. A file that becomes too long is begun again, but once: a whole session may be too long."""
        from_start = self._cursor == 0
        while self._copy_page():
            if not from_start:
                self._cursor = self._destination.begin(self._cursor)
                from_start = self._cursor == 0

    def _copy_page(self) -> bool:
        lines, cursor = self._reader.text_after(
            self._cursor, limit=PAGE_LINES, session=self._session, details=self._destination.details
        )
        if cursor == self._cursor:
            return False
        self._destination.write(lines.encode())
        if self._cursor and (missing := cursor - self._cursor - lines.count("\n")):
            log.warning("%s lacks %d lines: the log kept too few", self._destination.name, missing)
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


def _is_ours(fd: int) -> bool:
    """Whether a file is empty, or begins as a report line does."""
    head = os.pread(fd, max(map(len, _STARTS)), 0)
    return not head or head.startswith(_STARTS)


def _write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(fd, rest) :]
        except BlockingIOError:  # a program on the same terminal has made it non-blocking
            select.select([], [fd], [])


def _why(exc: OSError) -> str:
    if isinstance(exc, BlockingIOError):
        return "another process has locked it"
    if isinstance(exc, NotOursError):
        return f"{exc.strerror}; choose another report file, or none"
    return str(exc.strerror)
