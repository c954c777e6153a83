"""Errors of a database file, with the remedy.

SQLite's result codes and those of the system become OpenError and StoreError here, with the remedy in the text.
"""

import errno
import shlex
import sqlite3
from pathlib import Path

from ttweet.descriptors import RAISE_LIMIT, lacks_descriptors
from ttweet.model.errors import OpenError, StoreError
from ttweet.model.remedies import REBUILD_INDEXES, SAVE_WHAT_IS_LEFT
from ttweet.storage.sqlite.room import FULL, is_starved, missing_at_all, no_room

BUSY_TIMEOUT_S = 5.0  # for the write lock, then uploads get `busy`; a sqlite3 shell finishes a statement sooner
DESCRIPTORS = 5  # that SQLite needs for a file: the file, its write-ahead log and index, its folder, a temporary file


def store_error(exc: sqlite3.Error, *, committing: bool = False, path: Path | None = None) -> StoreError:
    """Translate SQLite's error for a store that is open; `committing` when COMMIT itself failed.

    `path` is for an error that its own user sees: what goes to clients of a server names no files.
    """
    match primary_code(exc):
        case sqlite3.SQLITE_FULL:
            return StoreError("full", FULL)
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreError("busy", f"another process has locked the database for {BUSY_TIMEOUT_S:g} s; retry")
    if committing:
        return StoreError(
            "unknown", f"the commit failed ({exc}); its changes may be made or not, as the next start shows"
        )
    if is_damage(exc):
        reindex = exc.sqlite_errorcode == sqlite3.SQLITE_CORRUPT_INDEX
        if path:
            return damage(path, str(exc), reindex=reindex)
        return StoreError("internal", f"the database is damaged: {exc}; a check of it tells more")
    return StoreError("internal", f"{path or 'the database'} failed: {exc}")


def is_damage(exc: sqlite3.Error) -> bool:
    """Whether SQLite says that the file is not what it should be."""
    return primary_code(exc) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def damage(path: Path, what: str, *, reindex: bool = False) -> StoreError:
    """Return the error of a damaged file that is open. `reindex`: see remedy_of_damage."""
    return StoreError("internal", f"{path} is damaged: {what}", remedy_of_damage(reindex=reindex), str(path))


def remedy_of_damage(*, reindex: bool) -> str:
    """Return the remedy of a damaged file; `reindex` when only indexes are damaged, which hold nothing of their own."""
    return REBUILD_INDEXES if reindex else SAVE_WHAT_IS_LEFT


def primary_code(exc: sqlite3.Error) -> int:
    """Return the primary result code; 0 for what the sqlite3 module raises of its own."""
    return int(getattr(exc, "sqlite_errorcode", 0)) & 0xFF


def sqlite_error(path: Path, exc: sqlite3.Error) -> OpenError:
    """Translate SQLite's error for a file that is being opened."""
    match primary_code(exc):
        case sqlite3.SQLITE_CANTOPEN if lacks_descriptors(DESCRIPTORS):  # SQLite does not tell why
            return OpenError("denied", f"{path} cannot be opened: too many open files; {RAISE_LIMIT}")
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return OpenError(
                "denied", f"{path} cannot be opened: {exc}; check the permissions of the file and of its folder"
            )
        case sqlite3.SQLITE_FULL:
            return no_room(path)
        case sqlite3.SQLITE_IOERR if is_starved(path):
            return no_room(path, missing_at_all(path))
        case sqlite3.SQLITE_ERROR:  # the pages are right, and a table or a name is not
            way = "rename or remove what is not ttweet's, docs/schema.md has its names"
            return OpenError("altered", f"{path} cannot be opened: {exc}; {way}")
        case sqlite3.SQLITE_IOERR:
            return OpenError(
                "denied", f"{path} cannot be read or written: {exc}; check its disk in the log of the system"
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return OpenError("locked", f"{path} is locked by another process; end that process, or retry")
        case _:
            return damaged(path, str(exc))


def damaged(path: Path, what: str, *, reindex: bool = False) -> OpenError:
    """Return the refusal of a damaged file. `reindex`: see remedy_of_damage."""
    return OpenError("damaged", f"{path} is damaged: {what}", remedy_of_damage(reindex=reindex), str(path))


def os_error(path: Path, exc: OSError) -> OpenError:
    """Translate the system's error for a file that is being opened."""
    folder = shlex.quote(str(path.parent))
    match exc.errno:
        case errno.ENOENT if not path.parent.is_dir():
            code, way = "missing", f"make its folder: mkdir -p {folder}, or choose another file"
        case errno.ENOENT | errno.ENOTDIR:
            code, way = "missing", f"{folder} cannot hold it; choose another file"
        case errno.ENOSPC | errno.EDQUOT:
            code, way = "full", "make room on the disk"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            code, way = "denied", "check the permissions of the file and of its folder, or choose another file"
        case errno.EMFILE | errno.ENFILE:
            code, way = "denied", RAISE_LIMIT
        case _:
            code, way = "denied", "choose another file"
    return OpenError(code, f"{path} cannot be opened: {exc.strerror}; {way}")
