"""The rescue of a database whose files have lost their names, while they are still open.

The open files hold all that was acknowledged, and they are gone when the process ends. Either the names are put right,
so that the database can be opened again, or it is found where it was moved to, or a whole copy is written beside it.
"""

import os
import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path

from ttweet import system
from ttweet.files import replacing
from ttweet.model.errors import OpenError, StoreError
from ttweet.storage.sqlite.backup import copy_out
from ttweet.storage.sqlite.identity import FileIdentity, file_at

_USERS_BYTE = 128  # of a -shm file: each connection holds a shared lock on it (sqlite.org/walformat.html, WAL_DMS)


def put_back(files: FileIdentity) -> bool:
    """Give the database's log its name again, so that opening the database by its name finds all it held, on the disk.

    False when that cannot be done safely: the database itself has lost its name, or another program may have used the
    names meanwhile. Two histories must not be mixed. Raises OSError.
    """
    log = system.descriptor_of(files.opened("-wal"))
    if log is None or not files.has("") or _has_strangers(files):
        return False
    if files.has("-wal"):
        if not files.has("-shm"):
            Path(files.name("-shm")).unlink(missing_ok=True)
        return True
    for ending in ("-shm", "-wal"):  # an index of another log must never be used with this one
        Path(files.name(ending)).unlink(missing_ok=True)
    with replacing(Path(files.name("-wal")), overwrite=False) as part:
        shutil.copyfile(log, part)
    return True


def save(files: FileIdentity, connection: sqlite3.Connection, *, written: bool = False) -> tuple[str, bool]:
    """Find or make a whole database of what is open; return the advice for the operator, and whether it stays so.

    A database that was moved may be moved again, so it must be looked for again; a copy stays. `written`: another
    program has written to the database since it lost its name, so our log must not be put beside it.
    """
    lost = f"{files.path} was moved, replaced or removed while it was open"
    if files.has(""):
        lost = f"the files beside {files.path} were moved, replaced or removed while it was open"
    try:
        if not written and put_back(files):
            return f"{lost}; all tweets are in it again; restart the server", True
        if (there := _moved_to(files)) is not None:
            return f"{lost}; it was moved to {there}; restart with that file", False
        copy = _copy_beside(files, connection)
        _disown_log(files)
    except (OSError, StoreError, OpenError) as exc:
        why = f"{exc.filename}: {exc.strerror}" if isinstance(exc, OSError) else str(exc)
        return (
            f"{lost}; it cannot be copied ({why}): do not stop the server, which has the only copy and tries again",
            False,
        )
    return f"{lost}; all tweets are in {copy}; restart with that file", True


def _has_strangers(files: FileIdentity) -> bool:
    """Whether another program has opened the database without our log, and uses it still or has written something."""
    log = files.name("-wal")
    with suppress(FileNotFoundError):
        if files.is_taken("-wal") and Path(log).stat().st_size > 0:
            return True
    return files.is_taken("-shm") and _is_used(files.name("-shm"))


def _is_used(index: str) -> bool:
    """Whether a process has the index of a write-ahead log open."""
    try:
        fd = os.open(index, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return system.is_locked_at(fd, _USERS_BYTE)
    finally:
        os.close(fd)


def _moved_to(files: FileIdentity) -> Path | None:
    """Where the database is now, if its log is beside it."""
    database = system.descriptor_of(files.opened(""))
    if database is None or files.has(""):
        return None
    there = Path(database).readlink()
    is_whole = all(file_at(f"{there}{ending}") == files.opened(ending) for ending in ("", "-wal"))
    return there if is_whole else None


def _copy_beside(files: FileIdentity, connection: sqlite3.Connection) -> Path:
    """Write a checked copy under a free name, in the database's folder or the nearest one above it that exists."""
    folder = next(folder for folder in files.path.parents if folder.is_dir())
    copy = _free_name(folder, files.path)
    copy_out(connection, files.path, copy, overwrite=False)
    return copy


def _free_name(folder: Path, path: Path) -> Path:
    """Return a name that `rm tweets.db*` does not match."""
    number = 1
    copy = folder / f"rescued-{path.name}"
    while os.path.lexists(copy):
        number += 1
        copy = folder / f"rescued-{number}-{path.name}"
    return copy


def _disown_log(files: FileIdentity) -> None:
    """Take our log away from a database that is not ours: SQLite would write the one into the other at its opening."""
    if not files.has(""):
        for ending in ("-wal", "-shm"):
            if files.has(ending):
                Path(files.name(ending)).unlink(missing_ok=True)
