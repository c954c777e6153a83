"""The removal of tweets from the database, with the rows that repeat them.

All of it runs inside the caller's transaction, in which `tag_index` counts their tags down. Knows no trio and no wire.
"""

import json
import sqlite3
from collections.abc import Sequence

from ttweet.model import reports
from ttweet.model.errors import Refused
from ttweet.model.tweets import Deletion, Tombstone, Tweet
from ttweet.storage.sqlite.tweet_rows import DELETED, to_tweet, to_tweet_or_tombstone

_TWEET = "SELECT id, at, author, text, tags FROM tweets WHERE id = ?"
_DELETION = "SELECT id, at, tweet FROM deletions WHERE tweet = ?"
_OLDEST = "SELECT id, at, author, text, tags FROM tweets WHERE id < ? ORDER BY id LIMIT ?"
_FORGET = (
    "DELETE FROM deletions WHERE id <= ?",
    "DELETE FROM tweets WHERE id <= ?",
)
_REDACT = "UPDATE log SET text = ? WHERE id IN (SELECT value FROM json_each(?)) AND text = ?"
_LATER_TRACES = "SELECT id FROM log WHERE id > ? AND text IN (?, ?, ?, ?, ?)"


def find_deletable(connection: sqlite3.Connection, id_: int) -> Tweet | Deletion:
    """Return the tweet with this id, or the deletion that it had before.

    Raises Refused `no_tweet`, and sqlite3.Error.
    """
    row = connection.execute(_TWEET, (id_,)).fetchone()
    if row is None:
        raise Refused("no_tweet", f"no tweet has the id {id_}")
    if row[2] == DELETED:
        return Deletion(*connection.execute(_DELETION, (id_,)).fetchone())
    return to_tweet(row)


def blank(connection: sqlite3.Connection, deletion: Deletion) -> None:
    """Leave of a tweet its id and its time, and note the deletion. Raises sqlite3.Error."""
    connection.execute("UPDATE tweets SET author = ?, text = '', tags = '' WHERE id = ?", (DELETED, deletion.tweet))
    connection.execute("INSERT INTO deletions (id, at, tweet) VALUES (?, ?, ?)", deletion)


def oldest_before(connection: sqlite3.Connection, before: int, limit: int) -> list[Tweet | Tombstone]:
    """Return the oldest tweets and tombstones below an id, at most so many. Raises sqlite3.Error."""
    return [to_tweet_or_tombstone(row) for row in connection.execute(_OLDEST, (before, limit))]


def remove_up_to(connection: sqlite3.Connection, id_: int) -> None:
    """Remove the rows of tweets up to an id, with the deletions that are as old. Raises sqlite3.Error.

    Their keys stay for as long as any key does: a retry that comes late stores nothing.
    """
    for statement in _FORGET:
        connection.execute(statement, (id_,))


def later_traces(connection: sqlite3.Connection, text: str, searched: int) -> list[int]:
    """Return the report lines above an id that repeat a text. Raises sqlite3.Error."""
    return [id_ for (id_,) in connection.execute(_LATER_TRACES, (searched, *reports.traces(text)))] if text else []


def redact(connection: sqlite3.Connection, text: str, lines: Sequence[int]) -> int:
    """Clear those of these report lines that repeat a text.

    Returns how many bytes shorter they are. Raises sqlite3.Error.
    """
    freed = 0
    for trace in dict.fromkeys(reports.traces(text)):
        blanked = reports.blanked(trace)
        changed = connection.execute(_REDACT, (blanked, json.dumps(lines), trace)).rowcount
        freed += changed * (len(trace.encode()) - len(blanked.encode()))
    return freed
