"""Rebuilding the indexes of a file from its tables, where nothing else is damaged.

The file as it was stays beside it, byte for byte with its write-ahead log. A repair that does not help is undone.
"""

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import count
from pathlib import Path

from ttweet import system
from ttweet.files import open_own, sync_folder
from ttweet.model.errors import DatabaseError, StoreError
from ttweet.model.remedies import SAVE_WHAT_IS_LEFT
from ttweet.storage.sqlite.connections import checkpoint, connect_reader, connect_to_repair
from ttweet.storage.sqlite.errors import primary_code, store_error
from ttweet.storage.sqlite.header import refuse_foreign
from ttweet.storage.sqlite.integrity import are_of_indexes, damages
from ttweet.storage.sqlite.lock_file import Lock
from ttweet.storage.sqlite.migrating import our_tables
from ttweet.storage.sqlite.room import missing_for_copy, more_room

_COPIED = ("", "-wal")  # SQLite makes the -shm from these


def rebuild_indexes(path: Path) -> list[Path]:
    """Rebuild the indexes of a file that is not in use, and return the copies of the file as it was.

    Returns none, and leaves the file alone, unless indexes are damaged and nothing else is. Durable on return. Raises
    OpenError, `locked` while a server holds the file; StoreError and OSError when it was not done or does not help: the
    file is as it was then, and no copy is left.
    """
    path = path.resolve()
    if not refuse_foreign(path):
        raise DatabaseError("missing", f"no such database: {path}")
    with ExitStack() as resources:
        resources.callback(Lock(path).release)
        raw = resources.enter_context(ExitStack())  # closed after SQLite's connections: to close a file drops its locks
        resources.enter_context(closing(connect_reader(path)))  # closed last, it leaves a -wal as it is
        connection = resources.enter_context(closing(connect_to_repair(path)))
        try:
            connection.execute("BEGIN IMMEDIATE")  # no process changes or checkpoints the copied files
            if not _is_mendable(connection):
                return []
            with _copied(path, raw) as copies:
                _rebuild(connection, path)
                connection.execute("COMMIT")
        except sqlite3.Error as exc:
            error = store_error(exc, path=path)
            raise _no_room(path, connection) if error.code == "full" else error from exc
        except OSError as exc:
            raise _no_room(path, connection) if exc.errno in (errno.ENOSPC, errno.EDQUOT) else exc from exc
        with suppress(sqlite3.Error):  # it is on the disk, in the write-ahead log
            checkpoint(connection)
    return copies


def _no_room(path: Path, connection: sqlite3.Connection) -> StoreError:
    """Return the error of a disk without room for the copy and the indexes, which take up to twice the file."""
    way = more_room(missing_for_copy(connection, path))
    return StoreError("full", f"{path} cannot be copied and repaired: the disk is full; the file is as it was, {way}")


def _is_mendable(connection: sqlite3.Connection) -> bool:
    tables = our_tables()
    try:
        found = damages(connection, tables)
    except sqlite3.DatabaseError:
        return False
    return bool(found) and are_of_indexes(connection, found, tables)


def _rebuild(connection: sqlite3.Connection, path: Path) -> None:
    tables = our_tables()
    try:
        _reindex(connection, tables)
        found = damages(connection, tables)
    except sqlite3.DatabaseError as exc:
        if primary_code(exc) not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_CONSTRAINT):
            raise
        found = [str(exc)]
    if found:
        problem = f"rebuilt indexes do not mend {path}: {found[0]}; the file is as it was"
        raise StoreError("internal", problem, SAVE_WHAT_IS_LEFT, str(path))


def _reindex(connection: sqlite3.Connection, tables: list[str]) -> None:
    """All indexes, or ours when others have a collation or a function that only their program has."""
    try:
        connection.execute("REINDEX")
    except sqlite3.OperationalError as exc:
        if primary_code(exc) != sqlite3.SQLITE_ERROR:
            raise
        for table in tables:
            connection.execute(f'REINDEX main."{table}"')


@contextmanager
def _copied(path: Path, raw: ExitStack) -> Iterator[list[Path]]:
    """Yield copies of the files under a free name, on the disk; remove them when the block fails."""
    base = next(base for base in _names(path) if not any(Path(f"{base}{ending}").exists() for ending in _COPIED))
    copies: list[Path] = []
    try:
        for ending in _COPIED:
            source = Path(f"{path}{ending}")
            if source.exists() and source.stat().st_size:
                copies.append(Path(f"{base}{ending}"))
                _copy(source, copies[-1], raw)
        sync_folder(path.parent)
        yield copies
    except BaseException:
        for copy in copies:
            copy.unlink(missing_ok=True)
        raise


def _names(path: Path) -> Iterator[Path]:
    yield path.with_name(f"{path.name}.before-repair")
    yield from (path.with_name(f"{path.name}.before-repair-{number}") for number in count(2))


def _copy(source: Path, target: Path, raw: ExitStack) -> None:
    file = raw.enter_context(source.open("rb"))
    try:
        with os.fdopen(open_own(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as copy:
            os.fchmod(copy.fileno(), 0o600)
            shutil.copyfileobj(file, copy)
            copy.flush()
            system.sync(copy.fileno())
    except OSError as exc:
        raise OSError(exc.errno, exc.strerror, str(target)) from exc
