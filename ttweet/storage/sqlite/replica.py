"""The tables of a replica: how far this file has followed the log of its cluster, and what is left to redact.

Every statement works in the caller's transaction, which also has the entries of the log.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from ttweet.model.errors import OpenError
from ttweet.storage.sqlite.connections import connect_reader

_PROGRESS = "SELECT log, position, checksum, prune_before FROM replica"
_SET_PROGRESS = "REPLACE INTO replica (id, log, position, checksum, prune_before) VALUES (1, ?, ?, ?, ?)"
_NUMBER = "SELECT number FROM replica_origins WHERE name = ?"
_SET_NUMBER = "REPLACE INTO replica_origins (name, number, position) VALUES (?, ?, ?)"
_FORGET_ORIGINS = """
    DELETE FROM replica_origins
    WHERE name IN (SELECT name FROM replica_origins ORDER BY position DESC LIMIT -1 OFFSET ?)
"""
_REDACTION = "SELECT tweet, text, searched FROM redactions LIMIT 1"
_SET_REDACTION = "REPLACE INTO redactions (tweet, text, searched) VALUES (?, ?, ?)"

MAX_ORIGINS = 1_000  # runs of servers whose numbers are kept, those that appended last: 60 KB


class Progress(NamedTuple):
    """The log that a file follows, the position of the last entry in it, and the checksum of all that was applied.

    Tweets below the id `prune_before` are to be removed, and count as removed already.
    """

    log: str
    position: int
    checksum: int
    prune_before: int


class Redaction(NamedTuple):
    """A deleted tweet and its text, which report lines above the id `searched` may repeat."""

    tweet: int
    text: str
    searched: int


def read_progress(connection: sqlite3.Connection) -> Progress | None:
    """Return how far the file has come; None if it follows no log. Raises sqlite3.Error."""
    row = connection.execute(_PROGRESS).fetchone()
    return None if row is None else Progress(*row)


def position_of(path: Path) -> int | None:
    """Return the position in the log that a file has reached; None if it follows no log. Raises OpenError."""
    with closing(connect_reader(path)) as reader:
        progress = read_progress(reader)
    return None if progress is None else progress.position


def write_progress(connection: sqlite3.Connection, progress: Progress) -> None:
    """Note how far the file has come. Raises sqlite3.Error."""
    connection.execute(_SET_PROGRESS, progress)


def last_number(connection: sqlite3.Connection, origin: str) -> int:
    """Return the number of an origin's last entry in this file; 0 without one. Raises sqlite3.Error."""
    row = connection.execute(_NUMBER, (origin,)).fetchone()
    return 0 if row is None else int(row[0])


def write_number(connection: sqlite3.Connection, origin: str, number: int, position: int) -> None:
    """Note the number and the position of an origin's last entry. Raises sqlite3.Error."""
    connection.execute(_SET_NUMBER, (origin, number, position))


def forget_origins(connection: sqlite3.Connection) -> None:
    """Forget all origins but the MAX_ORIGINS whose last entries are the newest. Raises sqlite3.Error."""
    connection.execute(_FORGET_ORIGINS, (MAX_ORIGINS,))


def next_redaction(connection: sqlite3.Connection) -> Redaction | None:
    """Return a redaction that is not finished, if there is one. Raises sqlite3.Error."""
    row = connection.execute(_REDACTION).fetchone()
    return None if row is None else Redaction(*row)


def write_redaction(connection: sqlite3.Connection, redaction: Redaction) -> None:
    """Note a redaction, or how far it has come. Raises sqlite3.Error."""
    connection.execute(_SET_REDACTION, redaction)


def end_redaction(connection: sqlite3.Connection, redaction: Redaction) -> None:
    """Note that a redaction is finished. Raises sqlite3.Error."""
    connection.execute("DELETE FROM redactions WHERE tweet = ?", (redaction.tweet,))


def refuse_replica(connection: sqlite3.Connection, path: Path) -> None:
    """Raise OpenError if the file follows the log of a cluster."""
    if read_progress(connection) is not None:
        what = f"{path} belongs to a cluster, and a tweet from elsewhere would be in this file alone"
        raise OpenError("in_cluster", what, "serve it in its cluster, or import its tweets into a new file")
