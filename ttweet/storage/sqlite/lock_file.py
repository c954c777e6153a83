"""The files beside a database: which belong to it, whether other users can change them, which server has locked them.

One server a file: a lock file keeps the second one out, as SQLite's own locks would let it in between two transactions.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

from ttweet.files import NotOursError, lock, objection, open_own, trusted_path
from ttweet.model.errors import DatabaseError
from ttweet.model.remedies import STOP
from ttweet.storage.sqlite.errors import os_error

_ENDINGS = ("", "-wal", "-shm", "-journal", ".lock", ".tokens")  # of the files that belong to a database


def lock_path(path: Path) -> Path:
    """Where the lock file of a database file is."""
    return path.with_name(path.name + ".lock")


class Lock:
    """The lock file beside a database file, held until `release`. It stays on the disk: to remove it would race."""

    def __init__(self, path: Path) -> None:
        """Take the lock. Raises OpenError `locked`, with the process that holds it, and others."""
        try:
            _refuse_open_folder(path)
            refuse_others(path)
            self._fd = open_own(lock_path(path))
            self._take(path)
        except OSError as exc:
            raise os_error(path, exc) from exc

    def _take(self, path: Path) -> None:
        try:
            lock(self._fd, lock_path(path))
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, b"%d\n" % os.getpid(), 0)
        except BlockingIOError as exc:
            holder = os.pread(self._fd, 20, 0).decode("ascii", "replace").strip() or "(unknown)"
            self.release()
            raise DatabaseError(
                "locked", f"{path} is in use by the server with process id {holder}", STOP, holder
            ) from exc
        except OSError:
            self.release()
            raise

    def release(self) -> None:
        """Let the next server in. A second time does nothing: the number may be that of another file by then."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


def belongs_to(path: Path, db: Path) -> bool:
    """Whether the path is the database, or one of the files beside it that go with it."""
    return str(path.resolve()) in [f"{db.resolve()}{ending}" for ending in _ENDINGS]


def _refuse_open_folder(path: Path) -> None:
    """Refuse a folder in which any user can replace the database. Raises DatabaseError."""
    try:
        trusted_path(path)
    except NotOursError as exc:
        raise DatabaseError("denied", str(exc.strerror)) from exc


def refuse_others(path: Path) -> None:
    """Refuse files of other users: SQLite would use one in the place of its own, as in /tmp, and write through links.

    A database of two names could also be held twice: each name would have a lock and a log of its own.
    """
    for file in [Path(f"{path}{ending}") for ending in _ENDINGS]:
        with suppress(FileNotFoundError):
            if (wrong := _objection(file, file.lstat())) is not None:
                raise DatabaseError(
                    "denied",
                    f"{file} {wrong}, which is unsafe: only you may have write access to the files of a database",
                )


def _objection(file: Path, found: os.stat_result) -> str | None:
    if (wrong := objection(file, found)) is not None:
        return wrong
    return "is writable for all users (chmod o-w)" if found.st_mode & stat.S_IWOTH else None
