"""Whether the pages, rows and indexes of a file fit together, as SQLite's own check has it.

Tables of others may have conditions and collations of functions that only their program has. SQLite's check of the
whole file ends there, so then it is asked about our tables alone.
"""

import sqlite3
from collections.abc import Iterable

from ttweet.storage.sqlite.errors import primary_code

MAX_DAMAGES = 5  # told of a damaged file: the first few say what kind it is, and what is left must be saved anyway


def damages(connection: sqlite3.Connection, tables: Iterable[str], *, limit: int = MAX_DAMAGES) -> list[str]:
    """What SQLite finds, none for a sound file. `tables` are ours. Raises sqlite3.Error, also for heavy damage."""
    try:
        return _asked(connection, str(limit))
    except sqlite3.OperationalError as exc:
        if primary_code(exc) != sqlite3.SQLITE_ERROR:
            raise
    found = [damage for table in tables for damage in _asked(connection, table)]
    return found[:limit]


def _asked(connection: sqlite3.Connection, argument: str) -> list[str]:
    rows = connection.execute(f"PRAGMA main.integrity_check({argument})")
    return [text.splitlines()[-1] for (text,) in rows if text != "ok"]
