"""Sample.txt: the file with the report lines of the current session."""

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ttweet.files import NotOursError, is_in_place, lock, open_own
from ttweet.model.reports import LINE_STARTS
from ttweet.server.destinations import write_all

_STARTS = tuple([start.encode() for start in LINE_STARTS])


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
            write_all(self._fd, lines)
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


def _is_ours(fd: int) -> bool:
    """Whether a file is empty, or begins as a report line does."""
    head = os.pread(fd, max(map(len, _STARTS)), 0)
    return not head or head.startswith(_STARTS)
