"""The way back out of the database: tweets are removed, and what counts or repeats them follows.

All of it runs inside the caller's transaction. Tags are counted down for many tweets at once, and a tag that no tweet
carries any more goes with its spellings, since it is a piece of the text. Knows no trio and no wire.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from typing import NamedTuple, cast

from ttweet import hashtags, reports
from ttweet.sqlite_bulk import Rows, Value
from ttweet.store import Traces
from ttweet.tweets import Deletion, Tweet

DELETED = ""  # in the column author: a name has at least one letter
DAY_MS = 86_400_000

_FIND_TAGS = Rows("SELECT key, id, spelling FROM tags WHERE key IN (VALUES ", 1, ")")
# One at a time: for a list of pairs SQLite would read the whole table.
_UNLINK = "DELETE FROM tweet_tags WHERE tag = ? AND tweet = ?"
_DROP_DAY = "DELETE FROM tag_days WHERE count <= 0 AND day = ? AND tag = ?"
_DROP_SPELLING = "DELETE FROM spellings WHERE count <= 0 AND tag = ? AND spelling = ?"
_UNCOUNT = Rows(
    "UPDATE tags SET count = count - column2, spelling_count = spelling_count - column3 FROM (VALUES ",
    3,
    ") WHERE id = column1",
)
_UNCOUNT_DAY = Rows(
    "UPDATE tag_days SET count = count - column3 FROM (VALUES ", 3, ") WHERE day = column1 AND tag = column2"
)
_UNCOUNT_SPELLING = Rows(
    "UPDATE spellings SET count = spellings.count - column3 FROM (VALUES ",
    3,
    ") WHERE tag = column1 AND spellings.spelling = column2",
)
# NOT EXISTS: in a file that was changed by hand the counts may be wrong, which must not stop the server.
_DROP_TAG = Rows(
    "DELETE FROM tags WHERE count <= 0 AND NOT EXISTS (SELECT 1 FROM tweet_tags WHERE tag = tags.id)"
    " AND NOT EXISTS (SELECT 1 FROM spellings WHERE tag = tags.id) AND id IN (VALUES ",
    1,
    ")",
)
_FIND_LESSER = Rows(
    "SELECT id, tags.spelling, spelling_count, other.spelling, other.count FROM tags"
    " JOIN spellings AS other ON tag = id AND other.spelling ="
    " (SELECT spelling FROM spellings WHERE tag = id ORDER BY count DESC, spelling LIMIT 1)"
    " WHERE other.count > spelling_count AND id IN (VALUES ",
    1,
    ")",
)
# Ids rise with time unless a clock was put back: the newest tweet that is left tells the time.
_RENEW = Rows(
    "UPDATE tags SET newest ="
    " (SELECT at FROM tweets WHERE id = (SELECT max(tweet) FROM tweet_tags WHERE tag = tags.id)) FROM (VALUES ",
    2,
    ") WHERE id = column1 AND newest <= column2",
)
_OLDEST = "SELECT id, at, tags FROM tweets WHERE id < ? ORDER BY id LIMIT ?"
_FORGET = (
    "DELETE FROM deletions WHERE id <= ?",
    "DELETE FROM tweets WHERE id <= ?",
)
TRACES = "SELECT id FROM log WHERE id > ? AND at >= ? AND text IN (?, ?)"


class Tagged(NamedTuple):
    """What is to be known of a tweet whose tags are counted down; `tags` as they were typed."""

    id: int
    at: int
    tags: Sequence[str]


@contextmanager
def overwriting(connection: sqlite3.Connection) -> Iterator[None]:
    """Overwrite with zeros what a block removes from the file's pages. It costs a write for each page that is freed."""
    (before,) = connection.execute("PRAGMA secure_delete").fetchone()
    connection.execute("PRAGMA secure_delete = ON")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA secure_delete = {before}")


def blank(connection: sqlite3.Connection, tweet: Tweet, deletion: Deletion) -> list[str]:
    """Leave of a tweet its id and its time, and note the deletion; returns its tags' keys. Raises sqlite3.Error."""
    keys = untag(connection, [Tagged(tweet.id, tweet.at, tweet.tags)])
    connection.execute("UPDATE tweets SET author = ?, text = '', tags = '' WHERE id = ?", (DELETED, tweet.id))
    connection.execute("INSERT INTO deletions (id, at, tweet) VALUES (?, ?, ?)", deletion)
    return keys


def remove_before(connection: sqlite3.Connection, before: int, limit: int) -> tuple[int, list[str]]:
    """Remove the oldest rows of tweets below an id, at most so many, with the deletions that are as old.

    Their keys stay for as long as any key does: a retry that comes late stores nothing.

    Returns how many went and the keys of their tags. Raises sqlite3.Error.
    """
    rows = connection.execute(_OLDEST, (before, limit)).fetchall()
    if not rows:
        return 0, []
    keys = untag(connection, [Tagged(id_, at, tags.split(" ")) for id_, at, tags in rows if tags])
    for statement in _FORGET:
        connection.execute(statement, (rows[-1][0],))
    return len(rows), keys


def remove_lines_before(connection: sqlite3.Connection, at: int, limit: int) -> tuple[int, int | None]:
    """Remove the oldest report lines, at most so many, up to the first that is not older than a time (ms).

    A line that is younger than the newest was written by a clock that was ahead, and goes with an older one behind it.
    Returns how many went and the last one's id, which is None when none did. Raises sqlite3.Error.
    """
    rows = connection.execute("SELECT id, at FROM log ORDER BY id LIMIT ?", (limit,)).fetchall()
    (_, newest) = connection.execute("SELECT max(id), at FROM log").fetchone()
    old = [id_ for id_, written in takewhile(lambda row: not at <= row[1] <= newest, rows) if written < at]
    if not old:
        return 0, None
    return connection.execute("DELETE FROM log WHERE id <= ?", (old[-1],)).rowcount, old[-1]


def untag(connection: sqlite3.Connection, tweets: Sequence[Tagged]) -> list[str]:
    """Count down the tags of tweets and unlink them; returns the tags' keys. Raises sqlite3.Error."""
    uses = [(hashtags.key(tag), tag, tweet) for tweet in tweets for tag in tweet.tags]
    keys = list(dict.fromkeys([key for key, _, _ in uses]))
    found = _FIND_TAGS.run(connection, [(key,) for key in keys])
    rows = {cast("str", key): (cast("int", id_), cast("str", spelling)) for key, id_, spelling in found}
    known = [(rows[key], tag, tweet) for key, tag, tweet in uses if key in rows]
    connection.executemany(_UNLINK, [(id_, tweet.id) for (id_, _), _, tweet in known])
    _uncount_days(connection, Counter([(tweet.at // DAY_MS, id_) for (id_, _), _, tweet in known]))
    _uncount_spellings(connection, Counter([(id_, tag) for (id_, main), tag, _ in known if tag != main]))
    totals = Counter([id_ for (id_, _), _, _ in known])
    mains = Counter([id_ for (id_, main), tag, _ in known if tag == main])
    _UNCOUNT.run(connection, [(id_, total, mains[id_]) for id_, total in totals.items()])
    _DROP_TAG.run(connection, [(id_,) for id_ in totals])
    _swap_spellings(connection, mains)
    newest: dict[int, int] = {}
    for (id_, _), _, tweet in known:
        newest[id_] = max(tweet.at, newest.get(id_, 0))
    _RENEW.run(connection, list(newest.items()))
    return keys


def redact(connection: sqlite3.Connection, text: str, at: int, traces: Traces) -> None:
    """Blank the report lines that repeat a text stored at a time (ms); `traces` need not be searched again."""
    if not text:
        return
    later = connection.execute(TRACES, (traces.searched, at, *reports.traces(text))).fetchall()
    for line in (*traces.lines, *[id_ for (id_,) in later]):
        for trace in reports.traces(text):
            connection.execute(
                "UPDATE log SET text = ? WHERE id = ? AND text = ?", (reports.blanked(trace), line, trace)
            )


def _uncount_days(connection: sqlite3.Connection, uses: Counter[tuple[int, int]]) -> None:
    _UNCOUNT_DAY.run(connection, _counted(uses))
    connection.executemany(_DROP_DAY, list(uses))


def _uncount_spellings(connection: sqlite3.Connection, uses: Counter[tuple[int, str]]) -> None:
    _UNCOUNT_SPELLING.run(connection, _counted(uses))
    connection.executemany(_DROP_SPELLING, list(uses))


def _swap_spellings(connection: sqlite3.Connection, tags: Iterable[int]) -> None:
    """Where another spelling is more frequent now than the one in the tag's row, let the two change places."""
    for tag, old, old_count, new, new_count in _FIND_LESSER.run(connection, [(tag,) for tag in tags]):
        connection.execute("UPDATE tags SET spelling = ?, spelling_count = ? WHERE id = ?", (new, new_count, tag))
        connection.execute("DELETE FROM spellings WHERE tag = ? AND spelling = ?", (tag, new))
        if old_count:
            connection.execute("INSERT INTO spellings VALUES (?, ?, ?)", (tag, old, old_count))


def _counted(uses: Counter[tuple[int, int]] | Counter[tuple[int, str]]) -> list[tuple[Value, ...]]:
    return [(*one, count) for one, count in uses.items()]
