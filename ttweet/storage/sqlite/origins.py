"""The table of origins: the name of this database, the databases that it has tweets of, and under which ids.

An export may give the name of its database. `merge` then knows the tweets of that database that are here already.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from ttweet.model.tweets import Tombstone, Tweet
from ttweet.storage.sqlite.connections import connect_reader
from ttweet.storage.sqlite.errors import store_error
from ttweet.storage.sqlite.rows import Rows
from ttweet.storage.sqlite.tweet_rows import to_tweet_or_tombstone

ORIGINS_VERSION = 10  # of the schema: files of older ones have no name

_OWN = "SELECT name FROM origins WHERE id = 0"
_ADD = "INSERT INTO origins (id, name) SELECT max(id) + 1, :name FROM origins WHERE true ON CONFLICT DO NOTHING"
_NUMBER = "SELECT id FROM origins WHERE name = ?"
_MERGED = Rows("INSERT INTO merged (origin, original, tweet) VALUES ", 3)
_KNOWN = """
    SELECT original, id, at, author, text, tags FROM merged LEFT JOIN tweets ON tweets.id = merged.tweet
    WHERE origin = (SELECT id FROM origins WHERE name = ?) AND original BETWEEN ? AND ?
"""


def name_of(path: Path) -> str | None:
    """Return the name of a database; None if its schema is too old for one. Raises OpenError, StoreError."""
    with closing(connect_reader(path)) as connection:
        try:
            if connection.execute("PRAGMA user_version").fetchone()[0] < ORIGINS_VERSION:
                return None
            return own_name(connection)
        except sqlite3.Error as exc:
            raise store_error(exc, path=path) from exc


def own_name(connection: sqlite3.Connection) -> str:
    """Return the name of the database. Raises sqlite3.Error."""
    name: str = connection.execute(_OWN).fetchone()[0]
    return name


def rename(connection: sqlite3.Connection, name: str) -> None:
    """Give the database another name, in the caller's transaction. Raises sqlite3.Error."""
    connection.execute("UPDATE origins SET name = ? WHERE id = 0", (name,))


def note_merged(connection: sqlite3.Connection, origin: str, ids: Sequence[tuple[int, int]]) -> None:
    """Note pairs of the original id and the id here, in the caller's transaction. Raises sqlite3.Error."""
    connection.execute(_ADD, {"name": origin})
    [number] = connection.execute(_NUMBER, (origin,)).fetchone()
    _MERGED.run(connection, [(number, *pair) for pair in ids])


def find_merged(
    connection: sqlite3.Connection, origin: str, first: int, last: int
) -> dict[int, Tweet | Tombstone | None]:
    """Return what is here of an origin's tweets, by their original ids from `first` to `last`. Raises sqlite3.Error.

    None stands for a tweet that retention has removed.
    """
    rows = connection.execute(_KNOWN, (origin, first, last)).fetchall()
    return {original: None if row[0] is None else to_tweet_or_tombstone(row) for original, *row in rows}
