"""What a store of ttweet's answers, in SQL: each question one statement, so one short read transaction.

The rows of a page come as one JSON text: the sqlite3 module lets go of the interpreter lock at each row it fetches and
then waits for it, up to 5 ms a row while another thread computes.
"""

# ruff: noqa: S608  # the statements are put together from the constants below; values are always bound

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ttweet.sqlite_file import connect_reader, store_error
from ttweet.store import LogLine
from ttweet.tweets import HISTORY_DAYS, Page, TagPage, TagSummary, Tweet

DAY_MS = 86_400_000
MAX_ID = 2**63 - 1

_TWEET = "json_array(id, at, author, text, tags)"
_AFTER = f"""
    SELECT json_group_array({_TWEET})
    FROM (SELECT * FROM tweets WHERE id > :cursor ORDER BY id LIMIT :limit)
"""
_LAST = f"SELECT {_TWEET} FROM tweets ORDER BY id DESC LIMIT 1"
_OF_TAG = f"""
    SELECT json_group_array({_TWEET})
    FROM (
        SELECT tweets.*
        FROM tweet_tags JOIN tweets ON tweets.id = tweet_tags.tweet
        WHERE tweet_tags.tag = (SELECT id FROM tags WHERE key = :key) AND tweet_tags.tweet < :before
        ORDER BY tweet_tags.tweet DESC LIMIT :limit
    )
"""
_DAYS = ", ".join(f":today - {age}" for age in range(HISTORY_DAYS))
_TAG = f"""
    json_array(spelling, count, newest, json((
        SELECT json_group_object(:today - day, count) FROM tag_days WHERE day IN ({_DAYS}) AND tag = listed.id
    )))
"""
_MOST_USED = "SELECT * FROM tags WHERE lettered = {} ORDER BY count DESC, newest DESC LIMIT :limit"
_LETTERED_TAGS = f"SELECT json_group_array({_TAG}) FROM ({_MOST_USED.format(1)}) AS listed"
# Two walks down the index, merged: one walk over both kinds would have to sort all the tags there are.
_ALL_TAGS = f"""
    SELECT json_group_array({_TAG})
    FROM (
        SELECT * FROM ({_MOST_USED.format(1)}) UNION ALL SELECT * FROM ({_MOST_USED.format(0)})
        ORDER BY count DESC, newest DESC LIMIT :limit
    ) AS listed
"""
# The lines of one session lie between its first line and the next session's: no index of the log is needed.
_LINES = """
    SELECT * FROM log
    WHERE id > :cursor
    AND id >= coalesce((SELECT first_line FROM sessions WHERE id = :session), 0)
    AND id < coalesce((SELECT first_line FROM sessions WHERE id > :session ORDER BY id LIMIT 1), 9223372036854775807)
    AND (:session IS NULL OR session = :session)
    AND (:categories = '[]' OR category IN (SELECT value FROM json_each(:categories)))
    ORDER BY id LIMIT :limit
"""
_LOG = f"SELECT json_group_array(json_array(id, session, at, side, category, text)) FROM ({_LINES})"
# The same form as reports.line gives; a test holds the two together.
_LOG_TEXT = f"""
    SELECT group_concat(iif(category IS NULL, text, side || ' ALERT [' || category || '] ' || text) || char(10), ''),
        max(id)
    FROM ({_LINES})
"""


class Queries:
    """A store's questions over an open connection. Each raises StoreError: `busy` or `internal`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def count(self) -> int:
        """How many tweets there are: the newest id, as ids rise by one and no tweet is ever deleted."""
        newest: int = self._one("SELECT coalesce(max(id), 0) FROM tweets")[0]
        return newest

    def last(self) -> Tweet | None:
        """See Reader."""
        row = self._one(_LAST)
        return to_tweet(json.loads(row[0])) if row else None

    def read_after(self, cursor: int, limit: int) -> list[Tweet]:
        """See Reader."""
        return [to_tweet(row) for row in self._page(_AFTER, cursor=cursor, limit=limit)]

    def tweets_of_tag(self, key: str, *, limit: int, before: int | None = None) -> Page:
        """See Reader."""
        rows = self._page(_OF_TAG, key=key, before=MAX_ID if before is None else before, limit=limit + 1)
        return Page([to_tweet(row) for row in rows[:limit]], len(rows) > limit)

    def list_tags(self, *, limit: int, now: int, numbers: bool = False) -> TagPage:
        """See Reader."""
        rows = self._page(_ALL_TAGS if numbers else _LETTERED_TAGS, today=now // DAY_MS, limit=limit + 1)
        return TagPage([_summary(row) for row in rows[:limit]], len(rows) > limit)

    def log_after(
        self, cursor: int, *, limit: int, session: int | None = None, categories: Sequence[str] = ()
    ) -> list[LogLine]:
        """See Reader."""
        rows = self._page(_LOG, cursor=cursor, limit=limit, session=session, categories=json.dumps(categories))
        return [LogLine(*row) for row in rows]

    def log_text_after(self, cursor: int, *, limit: int, session: int | None = None) -> tuple[str, int]:
        """See Reader."""
        text, newest = self._one(_LOG_TEXT, cursor=cursor, limit=limit, session=session, categories="[]")
        return text or "", cursor if newest is None else newest

    def last_session(self) -> int | None:
        """See Reader."""
        number: int | None = self._one("SELECT max(id) FROM sessions")[0]
        return number

    def close(self) -> None:
        """See Reader."""
        self._connection.close()

    def _page(self, sql: str, **values: int | str | None) -> list[list[Any]]:
        rows: list[list[Any]] = json.loads(self._one(sql, **values)[0])
        return rows

    def _one(self, sql: str, **values: int | str | None) -> Any:
        """The first row, or None. Ends its read transaction: an open one would make the WAL grow."""
        try:
            cursor = self._connection.execute(sql, values)
            try:
                return cursor.fetchone()
            finally:
                cursor.close()
        except sqlite3.Error as exc:
            raise store_error(exc) from exc


class SqliteReader(Queries):
    """Reads a database file beside its server, or without one."""

    def __init__(self, path: Path) -> None:
        """Raises OpenError when the file is missing, or none that this ttweet can read."""
        super().__init__(connect_reader(path))


def to_tweet(row: Sequence[Any]) -> Tweet:
    """A row of the table tweets as a tweet."""
    id_, at, by, text, tags = row
    return Tweet(id_, at, by, text, tuple(tags.split(" ")) if tags else ())


def _summary(row: Sequence[Any]) -> TagSummary:
    spelling, count, newest, by_age = row
    return TagSummary(spelling, count, newest, [by_age.get(str(age), 0) for age in reversed(range(HISTORY_DAYS))])
