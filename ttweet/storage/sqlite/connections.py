"""The connections to a database file: how it is opened, migrated and made safe.

Knows no tweets: the tables are in migrations/migrations.py.
"""

import os
import sqlite3
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from ttweet.files import sync_folder
from ttweet.model.errors import DatabaseError, OpenError
from ttweet.model.remedies import CHECK
from ttweet.storage.sqlite.errors import BUSY_TIMEOUT_S, damaged, os_error, primary_code, sqlite_error
from ttweet.storage.sqlite.foreign import Objection, find_objections
from ttweet.storage.sqlite.header import OPENING, SCHEMA_VERSION, check_identity, has_content, has_wal, refuse_foreign
from ttweet.storage.sqlite.integrity import are_of_indexes, damages
from ttweet.storage.sqlite.lock_file import refuse_others
from ttweet.storage.sqlite.migrating import expected_schema, migrate, our_tables, told_when_long
from ttweet.storage.sqlite.room import missing, no_room

WAL_PAGES = 4000  # 16 MiB of write-ahead log before a checkpoint: hot pages are written once for many commits
MAX_WAL_BYTES = 64 * 1024 * 1024  # of the write-ahead log after a long reader has finished
MAX_CHECKED_BYTES = 64 * 1024 * 1024  # of a file whose pages a server checks at the start, in 0.2 s
MAX_COMPARED_BYTES = 32 * 1024 * 1024  # of a file whose indexes it checks too, in 0.1 s to 0.4 s
MAX_STATEMENTS = 256  # prepared statements kept; the writer has about a hundred
ENGINE = f"SQLite {sqlite3.sqlite_version}"

_SETTINGS = {  # read back after they are set: SQLite ignores in silence what it cannot do
    "journal_mode": "wal",
    "synchronous": 2,
    "fullfsync": 1,  # on macOS, where fsync leaves data in the memory of the disk; see system.sync
    "foreign_keys": 1,
    "trusted_schema": 1,  # or a table with CHECK (json_valid(x)) is damage to some versions; see ADR 21
    "temp_store": 2,
    "secure_delete": 1,
    "mmap_size": 0,
    "wal_autocheckpoint": WAL_PAGES,
    "journal_size_limit": MAX_WAL_BYTES,
}
Kind = TypeVar("Kind", bound=sqlite3.Connection)


class ReadConnection(sqlite3.Connection):
    """A connection that only reads. To do so SQLite makes a -wal and a -shm, and leaves them when it may not write."""

    leaves_beside: Path | None = None
    """The database, if it had no -wal when it was opened."""

    def close(self) -> None:
        """Close it, and have SQLite remove what it has made."""
        super().close()
        path, self.leaves_beside = self.leaves_beside, None
        if path is not None:
            with suppress(OSError, sqlite3.Error):
                _remove_empty_log(path)


def connect_writer(path: Path, *, syncs_commits: bool = True) -> sqlite3.Connection:
    """Open or create a file for its one writer, which must hold the lock; migrate it and make it safe.

    When this returns, all that can be read is on the disk and stays there at a power cut. Without `syncs_commits` a
    later commit may be lost then, with all that follow it, until `write_back` has synced it. Raises OpenError.
    """
    refuse_foreign(path)
    try:
        _look_over(path)
        _create(path)
        with ExitStack() as undo:
            connection = undo.enter_context(closing(_connect(path, "mode=rw")))
            _prepare(connection, path, syncs_commits=syncs_commits)
            refuse_others(path)  # once more: now all of its files are there, and no other file can take their places
            sync_folder(path.parent)
            undo.pop_all()
    except sqlite3.Error as exc:
        raise sqlite_error(path, exc) from exc
    except OSError as exc:
        raise os_error(path, exc) from exc
    return connection


def connect_to_repair(path: Path) -> sqlite3.Connection:
    """Open a file for its one writer, which must hold the lock, as it is: it is neither checked nor migrated.

    Raises OpenError.
    """
    try:
        with ExitStack() as undo:
            connection = undo.enter_context(closing(_connect(path, "mode=rw")))
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA fullfsync = ON")  # see _SETTINGS
            _check_connected(path, connection)
            undo.pop_all()
    except sqlite3.Error as exc:
        raise sqlite_error(path, exc) from exc
    return connection


def connect_reader(path: Path, *, damaged: bool = False) -> sqlite3.Connection:
    """Open a file that must exist for reading, whether or not a server is running. Raises OpenError.

    `damaged`: read what is left of it, also of a file cut short.
    """
    if path.is_symlink():  # SQLite has the log beside the file itself
        path = Path(os.path.realpath(path))
    if not refuse_foreign(path, damaged=damaged):
        what = f"{path} is empty: nothing was ever stored in it" if path.exists() else f"no such database: {path}"
        raise DatabaseError("missing", what)
    try:
        try:
            return _connect_reader(path, "mode=ro", damaged=damaged)
        except sqlite3.OperationalError as exc:
            if primary_code(exc) not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY) or has_wal(path):
                raise
            # A clean file in a folder where no -shm can be made, such as a read-only mount: no process writes to it
            # there.
            return _connect_reader(path, "mode=ro&immutable=1", damaged=damaged)
    except sqlite3.Error as exc:
        raise sqlite_error(path, exc) from exc


def checkpoint(connection: sqlite3.Connection) -> bool:
    """Write the WAL back into the file, synced, and cut it to nothing; False when a reader was in the way.

    It waits for readers, as for a lock.
    """
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def write_back(connection: sqlite3.Connection) -> bool:
    """Write the WAL back into the file, both synced, as far as readers allow it; returns whether it was all of it."""
    _, pages, written = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return bool(pages == written)


def checkpoint_at_once(connection: sqlite3.Connection) -> bool:
    """Do what `checkpoint` does as far as readers and the disk allow it, without waiting for either."""
    (timeout,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        return checkpoint(connection)
    except sqlite3.OperationalError:
        return False  # the log stays as it is, and all of it can be read
    finally:
        connection.execute(f"PRAGMA busy_timeout = {timeout}")


def schema_objections(connection: sqlite3.Connection, path: Path) -> list[Objection]:
    """Return the changes by other programs that keep a server from writing to the file. Raises sqlite3.Error."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return find_objections(connection, path, expected_schema(), current=version == SCHEMA_VERSION)


def _remove_empty_log(path: Path) -> None:
    """Open the database for writing and close it: SQLite removes the log then, unless another process has it open."""
    if Path(f"{path}-wal").stat().st_size == 0:
        with closing(_connect(path, "mode=rw")) as connection:
            connection.execute("PRAGMA schema_version").fetchone()


def _connect(path: Path, how: str) -> sqlite3.Connection:
    return _connect_as(sqlite3.Connection, path, how)


def _connect_as(kind: type[Kind], path: Path, how: str) -> Kind:
    with OPENING:
        return sqlite3.connect(
            f"file:{quote(os.fsencode(path.absolute()))}?{how}",
            uri=True,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=MAX_STATEMENTS,
            factory=kind,
        )


def _check_connected(path: Path, connection: sqlite3.Connection) -> None:
    """Check the header as SQLite sees it: the WAL may be newer, and that of a file open here was not read."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    if pages:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        check_identity(path, application, version)


def _look_over(path: Path) -> None:
    """Refuse what must not be written to: a schema that others have altered, and a damaged file if it is small enough.

    Nothing is written here, and the migration comes later: a trigger would run in it too.
    """
    if not path.exists() or not path.stat().st_size or has_content(path, "-journal"):
        return
    with closing(_connect(path, "mode=ro")) as connection:
        connection.execute("PRAGMA trusted_schema = ON")
        _check_connected(path, connection)
        if objections := schema_objections(connection, path):
            raise _altered(path, objections)
        if (size := path.stat().st_size) > MAX_CHECKED_BYTES:
            return
        tables = our_tables()
        if found := damages(connection, tables, indexes=size <= MAX_COMPARED_BYTES):
            raise damaged(path, found[0], reindex=are_of_indexes(connection, found, tables))


def _altered(path: Path, found: list[Objection]) -> OpenError:
    what, way_out = found[0]
    problem = f"{path} cannot be served: {what}"
    if len(found) == 1:
        return OpenError("altered", problem, way_out, str(path))
    return OpenError("altered", f"{problem}; {way_out}; {len(found) - 1} more", CHECK, str(path))


def _create(path: Path) -> None:
    """Make the file for its owner alone, whatever the umask is; SQLite gives -wal and -shm the same mode."""
    with suppress(FileExistsError):
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.fchmod(fd, 0o600)
        finally:
            os.close(fd)


def _prepare(connection: sqlite3.Connection, path: Path, *, syncs_commits: bool) -> None:
    _check_connected(path, connection)
    with told_when_long(connection, f"bringing {path} to schema {SCHEMA_VERSION}"):
        migrate(connection)
    settings = _SETTINGS if syncs_commits else _SETTINGS | {"synchronous": 1}
    for name, value in settings.items():
        connection.execute(f"PRAGMA {name} = {value}").fetchall()  # to the end: what fails there is passed over else
        seen = connection.execute(f"PRAGMA {name}").fetchone()[0]
        if seen != value:
            raise OpenError(
                "denied", f"{path} does not take {name} = {value}, it stays at {seen}; see whether the disk is full"
            )
    _cut_log(connection, path)


def _cut_log(connection: sqlite3.Connection, path: Path) -> None:
    try:
        done = checkpoint(connection)
    except sqlite3.OperationalError as exc:
        if primary_code(exc) != sqlite3.SQLITE_FULL:
            raise
        raise no_room(path, missing(connection, path)) from exc
    if not done:
        problem = f"another program is reading {path}, so its write-ahead log cannot be written back"
        raise OpenError("locked", problem, "end that program")


def _connect_reader(path: Path, how: str, *, damaged: bool) -> sqlite3.Connection:
    has_log = Path(f"{path}-wal").exists()
    with ExitStack() as undo:
        connection = undo.enter_context(closing(_connect_as(ReadConnection, path, how)))
        connection.leaves_beside = None if has_log else path
        connection.execute("PRAGMA query_only = ON")
        if damaged:
            connection.execute("PRAGMA writable_schema = ON")  # SQLite then reads a file that was cut short, too
        connection.execute("PRAGMA trusted_schema = ON")
        _check_connected(path, connection)
        undo.pop_all()
    return connection
