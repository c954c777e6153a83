"""The way back out of the database: tweets are removed, and what repeats them follows.

All of it runs inside the caller's transaction, in which sqlite_tags counts their tags down. Knows no trio and no wire.
"""

import sqlite3
from collections.abc import Sequence
from itertools import takewhile

from ttweet.model import reports
from ttweet.model.reports import Report
from ttweet.model.tweets import Deletion, Draft, Tombstone, Tweet
from ttweet.storage.contract import Traces
from ttweet.storage.sqlite.tail import to_tweet

DELETED = ""  # in the column author: a name has at least one letter
_OLDEST = "SELECT id, at, author, text, tags FROM tweets WHERE id < ? ORDER BY id LIMIT ?"
_FORGET = (
    "DELETE FROM deletions WHERE id <= ?",
    "DELETE FROM tweets WHERE id <= ?",
)
LATER_TRACES = "SELECT id FROM log WHERE id > ? AND text IN (?, ?, ?)"


def blank(connection: sqlite3.Connection, deletion: Deletion) -> None:
    """Leave of a tweet its id and its time, and note the deletion. Raises sqlite3.Error."""
    connection.execute("UPDATE tweets SET author = ?, text = '', tags = '' WHERE id = ?", (DELETED, deletion.tweet))
    connection.execute("INSERT INTO deletions (id, at, tweet) VALUES (?, ?, ?)", deletion)


def oldest_before(connection: sqlite3.Connection, before: int, limit: int) -> list[Tweet]:
    """The oldest tweets below an id, at most so many, and what is left of deleted ones. Raises sqlite3.Error."""
    return [to_tweet(row) for row in connection.execute(_OLDEST, (before, limit))]


def remove_up_to(connection: sqlite3.Connection, id_: int) -> None:
    """Remove the rows of tweets up to an id, with the deletions that are as old. Raises sqlite3.Error.

    Their keys stay for as long as any key does: a retry that comes late stores nothing.
    """
    for statement in _FORGET:
        connection.execute(statement, (id_,))


def remove_lines_before(connection: sqlite3.Connection, at: int, limit: int) -> tuple[int, int | None]:
    """Remove the oldest report lines, at most so many, up to the first that is not older than a time (ms).

    A line that is younger than the newest was written by a clock that was ahead: it is as old as the next one that was
    not. Returns how many went and the last one's id, which is None when none did. Raises sqlite3.Error.
    """
    (_, newest) = connection.execute("SELECT max(id), at FROM log").fetchone()
    first = connection.execute("SELECT id, at FROM log WHERE at <= ? ORDER BY id LIMIT 1", (newest,)).fetchone()
    if first is None or first[1] >= at:
        return 0, None
    rows = connection.execute("SELECT id, at FROM log ORDER BY id LIMIT ?", (limit,)).fetchall()
    until = takewhile(lambda row: not at <= row[1] <= newest, rows)
    old = [id_ for id_, written in until if written < at or id_ < first[0]]  # `first` may be beyond the limit
    return connection.execute("DELETE FROM log WHERE id <= ?", (old[-1],)).rowcount, old[-1]


def redact(connection: sqlite3.Connection, text: str, traces: Traces) -> None:
    """Blank the report lines that repeat a text: those of `traces`, and later ones. Raises sqlite3.Error."""
    if not text:
        return
    later = connection.execute(LATER_TRACES, (traces.searched, *reports.traces(text))).fetchall()
    for line in (*traces.lines, *[id_ for (id_,) in later]):
        for trace in reports.traces(text):
            connection.execute(
                "UPDATE log SET text = ? WHERE id = ? AND text = ?", (reports.blanked(trace), line, trace)
            )


def without_gone(
    lines: Sequence[Report], drafts: Sequence[Draft], outcomes: Sequence[Tweet | Tombstone]
) -> Sequence[Report]:
    """The report lines of a batch without the texts of late retries: no later deletion would find those lines."""
    late = [draft.text for draft, one in zip(drafts, outcomes, strict=True) if isinstance(one, Tombstone)]
    traces = {trace for text in late if text for trace in reports.traces(text)}
    if not traces:
        return lines
    return [
        Report(one.side, one.category, reports.blanked(one.text), one.details) if one.text in traces else one
        for one in lines
    ]
