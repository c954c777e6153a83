"""Whether the files of an open database still have their names.

SQLite writes to the files that it has opened, whatever becomes of their names. If a database or its write-ahead log is
removed, moved or replaced, tweets go to a file that no later start will find. The writer therefore compares after each
COMMIT, before the batch is acknowledged. The comparison is sound because the kernel gives the inode of an open file to
no other file.
"""

import errno
import os
import time
from pathlib import Path

from ttweet import system

NAMES_CHECK_INTERVAL_S = 0.5  # between checks of all four file names; two are checked at each commit, in 3 us
ENDINGS = ("", "-wal", "-shm", ".lock")

File = tuple[int, int]
"""A file on this machine: device and inode."""

Version = tuple[tuple[int, int], ...]
"""The sizes of some files and the times of their last change, in nanoseconds."""


def file_at(name: str) -> File | None:
    """Return the file of that name; None when there is none to be seen. A symbolic link is a file of its own."""
    try:
        found = os.lstat(name)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _open_file(name: str) -> File:
    """Return the file of that name, which this process has open, as far as there is a /proc to tell."""
    file = file_at(name)
    if file is None or (system.tells_open_files() and system.descriptor_of(file) is None):
        raise FileNotFoundError(errno.ENOENT, "it was removed or replaced just now", name)
    return file


class FileIdentity:
    """The names of a database's files, and the files that were opened under them."""

    def __init__(self, path: Path) -> None:
        """Note the files of an absolute path, all of which must be open. Raises FileNotFoundError when one is not."""
        self.path = path
        self._opened = {name: _open_file(name) for name in [f"{path}{ending}" for ending in ENDINGS]}
        self._db, self._wal = str(path), f"{path}-wal"
        self._next_look = 0.0

    def is_kept(self) -> bool:
        """Whether database and log have their names; every NAMES_CHECK_INTERVAL_S, whether all files have."""
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + NAMES_CHECK_INTERVAL_S
            return not self.lost()
        return file_at(self._db) == self._opened[self._db] and file_at(self._wal) == self._opened[self._wal]

    def lost(self) -> list[str]:
        """Return the endings of the names that no longer belong to the files that were opened."""
        return [ending for ending in ENDINGS if not self.has(ending)]

    def has(self, ending: str) -> bool:
        """Whether the file of this ending has its name."""
        return file_at(self.name(ending)) == self.opened(ending)

    def is_taken(self, ending: str) -> bool:
        """Whether another file has the name of the one that was opened."""
        return file_at(self.name(ending)) not in (None, self.opened(ending))

    def version(self) -> Version:
        """Return the state of the database and its log, as far as they are found; a write to one of them changes it."""
        found = [system.descriptor_of(self.opened(ending)) for ending in ("", "-wal")]
        states = [os.stat(descriptor) for descriptor in found if descriptor is not None]  # noqa: PTH116
        return tuple([(state.st_size, state.st_mtime_ns) for state in states])

    def name(self, ending: str) -> str:
        """Return the name of the file of this ending."""
        return f"{self.path}{ending}"

    def opened(self, ending: str) -> File:
        """Return the file of this ending that was opened."""
        return self._opened[self.name(ending)]
