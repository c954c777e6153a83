"""Whether the pages, rows and indexes of a file fit together, as SQLite's own check has it.

Tables of others may have conditions and collations of functions that only their program has. SQLite's check of the
whole file ends there, so then it is asked about our tables alone.
"""

import re
import sqlite3
from collections.abc import Iterable, Sequence

from ttweet.storage.sqlite.errors import primary_code

MAX_DAMAGES = 5  # reported of a damaged file: the first few show the kind of damage

# SQLite 3.44 and newer check full-text indexes, too. A server rebuilds those of tweets, and `word_check` looks at them.
_OF_WORDS = re.compile(r"inverted index for FTS\d table ")
_OF_INDEX = re.compile(r"\bindex \S")  # "row 1 missing from index x", "wrong # of entries in index x" and the like
_INDEXES = "SELECT name, tbl_name, coalesce(sql, '') FROM main.sqlite_schema WHERE type = 'index'"
# An index can be read without its table, where it holds all that is asked for: the rowid always.
_ROWS_OF_INDEX_ALONE = """
    SELECT count(*) FROM (
        SELECT rowid FROM main."{table}" INDEXED BY "{index}" {where}
        EXCEPT SELECT rowid FROM main."{table}" NOT INDEXED
    )
"""
_COUNTS_OF_PARTIAL = """
    SELECT (SELECT count(*) FROM main."{table}" INDEXED BY "{index}" WHERE {condition})
        <> (SELECT count(*) FROM main."{table}" NOT INDEXED WHERE {condition})
"""


def damages(connection: sqlite3.Connection, tables: Iterable[str], *, indexes: bool = True) -> list[str]:
    """Return the first things that SQLite finds wrong, none in a sound file; `tables` are ours.

    Without `indexes` their entries are not compared with the tables, which takes most of the time. Raises
    sqlite3.Error, also for damage that stops SQLite.
    """
    check = "integrity_check" if indexes else "quick_check"
    ours = set(tables)
    try:
        found = _asked(connection, f"{check}({MAX_DAMAGES})")
    except sqlite3.OperationalError as exc:
        if primary_code(exc) != sqlite3.SQLITE_ERROR:
            raise
        found = [damage for table in sorted(ours) for damage in _asked(connection, f"{check}({table})")]
    if indexes and not found:
        found = _wrong_counts(connection, ours)
    return found[:MAX_DAMAGES]


def are_of_indexes(connection: sqlite3.Connection, found: Sequence[str], tables: Iterable[str]) -> bool:
    """Whether rebuilt indexes mend all damages that were found: the tables have every row that an index has."""
    try:
        return all(_OF_INDEX.search(damage) for damage in found) and not _lost_rows(connection, tables)
    except sqlite3.DatabaseError:
        return False


def _wrong_counts(connection: sqlite3.Connection, ours: set[str]) -> list[str]:
    """Return the wrong counts of partial indexes of our tables: newer versions of SQLite do not count them."""
    found = []
    for index, table, sql in connection.execute(_INDEXES).fetchall():
        _, where, condition = sql.partition("WHERE ")
        counts = _COUNTS_OF_PARTIAL.format(index=index, table=table, condition=condition)
        if where and table in ours and connection.execute(counts).fetchone()[0]:
            found.append(f"wrong # of entries in index {index}")
    return found


def _lost_rows(connection: sqlite3.Connection, tables: Iterable[str]) -> bool:
    """Whether an index has a row that its table, one of ours, has not: to rebuild the index would hide the loss."""
    ours = set(tables)
    for index, table, sql in connection.execute(_INDEXES).fetchall():
        _, where, condition = sql.partition("WHERE ")
        rows = _ROWS_OF_INDEX_ALONE.format(index=index, table=table, where=where + condition)
        if table in ours and connection.execute(rows).fetchone()[0]:
            return True
    return False


def _asked(connection: sqlite3.Connection, check: str) -> list[str]:
    rows = connection.execute(f"PRAGMA main.{check}")
    return [text.splitlines()[-1] for (text,) in rows if text != "ok" and not _OF_WORDS.search(text)]
