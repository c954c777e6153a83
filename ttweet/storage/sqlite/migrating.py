"""The steps of migrations/migrations.py, in one transaction that can be stopped, with a message when they take long."""

import logging
import runpy
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from types import MappingProxyType

import ttweet
from ttweet.storage.sqlite.errors import primary_code

log = logging.getLogger(__name__)

NOTICE_AFTER_S = 1.0  # of migrating before a message
STEPS_PER_LOOK = 100_000  # of SQLite between two looks at the clock and for Ctrl-C, about 10 ms


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date in one transaction.

    A new file is still in rollback mode then, so its header has our application id from the first commit on.
    """
    _migrate(connection, migrations_path())


def _migrate(connection: sqlite3.Connection, steps: Path) -> None:
    from sqlite_utils import Database  # 90 ms, which a reader does not need

    migrations = runpy.run_path(str(steps))["migrations"]
    connection.execute("BEGIN IMMEDIATE")
    try:
        migrations.apply(Database(connection, execute_plugins=False))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def told_when_long(connection: sqlite3.Connection, what: str) -> Iterator[None]:
    """Say what is done when it takes longer than NOTICE_AFTER_S, and let Ctrl-C interrupt a statement of SQLite's.

    Raises KeyboardInterrupt; the transaction around the block takes back what was done.
    """
    due = time.monotonic() + NOTICE_AFTER_S

    def look() -> int:
        nonlocal due
        if time.monotonic() > due:
            due = float("inf")
            log.warning("%s; this may take minutes, and Ctrl-C leaves the file as it was", what)
        return 0

    connection.set_progress_handler(look, STEPS_PER_LOOK)
    try:
        yield
    except sqlite3.OperationalError as exc:
        if primary_code(exc) == sqlite3.SQLITE_INTERRUPT:  # what `look` was interrupted by, SQLite has swallowed
            raise KeyboardInterrupt from None
        raise
    finally:
        connection.set_progress_handler(None, 0)


def expected_schema() -> Mapping[str, str]:
    """Return the SQL of each table, index and view by its name, as migrations.py makes them in a new file."""
    return _schema_of(migrations_path())


@cache  # the steps take 17 ms, and the writer compares the schema in its transactions
def _schema_of(steps: Path) -> Mapping[str, str]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        _migrate(connection, steps)
        return MappingProxyType(dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")))


def our_tables() -> list[str]:
    """Return the tables that are ours, in which no program but ours has a say."""
    return [name for name, sql in expected_schema().items() if sql.startswith("CREATE TABLE")]


def migrations_path() -> Path:
    """In a wheel they are inside the package, in a checkout beside it."""
    package = Path(ttweet.__file__).parent
    inside = package / "_migrations" / "migrations.py"
    return inside if inside.exists() else package.parent / "migrations" / "migrations.py"
