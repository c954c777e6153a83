"""The room that a database needs on its disk: for a start, and to move its write-ahead log into the database."""

import os
import sqlite3
import time
from contextlib import suppress
from math import ceil
from pathlib import Path

from ttweet.model.errors import OpenError, StoreError

RESERVE_BYTES = 1024 * 1024  # of the disk that tweets leave free, for a stop, a start and `ttweet prune`
SPARE_BYTES = 64 * 1024 * 1024  # of the disk that the index of words leaves free, for tweets
START_BYTES = 128 * 1024  # for the index of the write-ahead log, a session and its first lines
PLENTY_BYTES = 1024 * 1024 * 1024  # of free space, which no disk loses within ROOM_CHECK_INTERVAL_S
ROOM_CHECK_INTERVAL_S = 0.1  # between checks of a disk with plenty of space
SHM_BYTES = 32 * 1024  # of the index of the write-ahead log, for its first 4,096 pages

_KIB, _MIB = 1024, 1024 * 1024
_UNKNOWN = 1 << 62  # bytes: nothing is refused for want of them
FULL = "the disk of the database is full; nothing was stored; free some space on it, then retry"


class DiskRoom:
    """The disk of a database that is being written to: a look before each batch, less often while there is plenty."""

    def __init__(self, path: Path) -> None:
        self._folder = str(path.parent)
        self._wal = f"{path}-wal"
        self._free = 0
        self._next_look = 0.0

    def is_short(self) -> bool:
        """Look whether the write-ahead log must go back into the file now, which takes its own size at most."""
        now = time.monotonic()
        if self._free >= PLENTY_BYTES and now < self._next_look:
            return False
        self._next_look = now + ROOM_CHECK_INTERVAL_S
        try:
            self._free = _free(self._folder)
        except OSError:  # the folder has gone: the look after COMMIT finds that
            self._free = RESERVE_BYTES
            return False
        waiting = size_of(self._wal)
        return waiting > 0 and self._free < max(waiting, RESERVE_BYTES)

    def has_spare(self) -> bool:
        """Whether the disk has room for what only makes searches faster."""
        self.is_short()
        return self._free >= SPARE_BYTES

    def refuse_tweets(self, connection: sqlite3.Connection) -> None:
        """Raise StoreError `full` when, at the last look, new tweets would take the last room of disk and file.

        Raises sqlite3.Error.
        """
        if self._free < RESERVE_BYTES and self._free + _bytes(connection, "freelist_count") < RESERVE_BYTES:
            raise StoreError("full", FULL)


def is_starved(path: Path) -> bool:
    """Whether the disk has no room for the 32 KiB of the -shm file, which SQLite calls an I/O error."""
    return _free(str(path.parent)) < SHM_BYTES


def missing_at_all(path: Path) -> int:
    """How many bytes a start lacks on a starved disk. To read a file takes less, but then a start would ask again."""
    return START_BYTES - _free(str(path.parent))


def missing(connection: sqlite3.Connection, path: Path) -> int:
    """How many bytes a start lacks; 0 for none. Raises sqlite3.Error.

    A start writes the log back first. The file grows by then, and what the log took is free afterwards.
    """
    growth = _bytes(connection, "page_count") - size_of(str(path))
    return max(0, max(growth, START_BYTES - size_of(f"{path}-wal")) - _free(str(path.parent)))


def missing_for_copy(connection: sqlite3.Connection, target: Path) -> int:
    """How many bytes a copy of the database lacks where the target is. Raises sqlite3.Error."""
    return max(0, _bytes(connection, "page_count") - _free(str(target.parent)))


def more_room(lacking: int) -> str:
    """Return a way out of a full disk; 0 when the number of bytes is not known, as under a quota."""
    if not lacking:
        return "make room on its disk"
    amount = f"{ceil(lacking / _KIB):,} KiB" if lacking < _MIB else f"{ceil(10 * lacking / _MIB) / 10:,} MiB"
    return f"make {amount} more room on its disk"


def no_room(path: Path, lacking: int = 0) -> OpenError:
    """Return the refusal of a file whose disk is full; no byte of it may be removed to make room."""
    return OpenError(
        "full",
        f"{path} cannot be opened: the disk is full; every acknowledged tweet is in it and its -wal file; "
        f"{more_room(lacking)}",
    )


def size_of(path: str) -> int:
    """Return how many bytes a file has, 0 when there is none, such as a write-ahead log that no process writes."""
    with suppress(OSError):  # there is none
        return os.stat(path).st_size  # noqa: PTH116  # before each batch, and a Path costs as much again
    return 0


def _free(folder: str) -> int:
    try:
        found = os.statvfs(folder)
    except OSError:  # the folder was moved: its files are still written to, and the look at their names will say so
        return _UNKNOWN
    blocks: int = found.f_bfree if os.geteuid() == 0 else found.f_bavail
    return blocks * found.f_frsize


def _bytes(connection: sqlite3.Connection, count: str) -> int:
    """How many bytes the pages have that a pragma counts."""
    (pages,) = connection.execute(f"PRAGMA {count}").fetchone()
    (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
    return int(pages * page_bytes)
