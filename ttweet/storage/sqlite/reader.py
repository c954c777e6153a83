"""The queries of a store in SQL: each is one short read transaction.

Each costs the same however many tweets there are, and a test counts the steps. A query for tags is answered from the
index, and from the tail of the log that is not in it yet. Knows no trio and no wire.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from threading import RLock
from typing import Any

from ttweet.model import hashtags, reports
from ttweet.model.keying import OURS
from ttweet.model.limits import MAX_ID
from ttweet.model.query import Query
from ttweet.model.tweets import Count, Deletion, Entry, Found, Page, TagPage, Tombstone, Tweet
from ttweet.storage.contract import Kept, LogLine, Position, Size, Slice, Traces
from ttweet.storage.sqlite import keying, log_queries, tag_list
from ttweet.storage.sqlite.connections import connect_reader
from ttweet.storage.sqlite.errors import store_error
from ttweet.storage.sqlite.room import size_of
from ttweet.storage.sqlite.tail import Tail
from ttweet.storage.sqlite.tweet_rows import to_tweet, to_tweet_or_tombstone
from ttweet.storage.sqlite.word_index import ids_without_words
from ttweet.storage.sqlite.word_search import WordSearch

SEARCH_STEP = 2_000  # report lines searched in one call, about 2 ms: other queries wait for it
_ABOVE = MAX_ID + 1  # all ids
DELETIONS_VERSION = 4  # of the schema: in the files of older ones nothing is deleted
DETAILS_VERSION = 9  # of the schema: in the files of older ones report lines have no columns for them

# An author that is an empty string: the tweet is deleted. IS NOT, as NULL is an anonymous client.
COUNT_TWEETS = "SELECT count(*) FROM tweets WHERE author IS NOT ''"
"""How many tweets there are, for every command that tells it; it looks at each."""
_AFTER = """
    SELECT id, at, author, text, tags FROM tweets WHERE id > :cursor AND author IS NOT '' ORDER BY id LIMIT :limit
"""
_LAST = "SELECT id, at, author, text, tags FROM tweets WHERE author IS NOT '' ORDER BY id DESC LIMIT 1"
_NEWEST = "SELECT id, at, author, text, tags FROM tweets WHERE id < :end AND text <> '' ORDER BY id DESC LIMIT :limit"
_OLDEST = "SELECT id, at, author, text, tags FROM tweets WHERE id > :end AND text <> '' ORDER BY id LIMIT :limit"
_BY_ID = "SELECT id, at, author, text, tags FROM tweets WHERE id = :id"
_DELETIONS = "SELECT id, at, tweet FROM deletions WHERE id > :cursor ORDER BY id LIMIT :limit"
_NEWEST_DELETIONS = "SELECT id, at, tweet FROM deletions ORDER BY id DESC LIMIT :limit"
_ENTRIES = """
    SELECT id, at, author, text, tags, NULL AS tweet FROM tweets WHERE id > :cursor
    UNION ALL SELECT id, at, NULL, NULL, NULL, tweet FROM deletions WHERE id > :cursor
    ORDER BY id LIMIT :limit
"""
# Ids rise by one: none is missing but those of deletions.
_COUNT = """
    SELECT last - first + 1
        - (SELECT count(*) FROM deletions WHERE id BETWEEN first AND last)
        - (SELECT count(*) FROM deletions WHERE tweet BETWEEN first AND last)
    FROM (SELECT (SELECT min(id) FROM tweets) AS first, (SELECT max(id) FROM tweets) AS last)
"""
_GONE = """
    SELECT coalesce(
        (SELECT min(id) - 1 FROM tweets), (SELECT seq FROM sqlite_sequence WHERE name = 'tweets'), 0)
"""
# A time above now is of a clock that was ahead: such a tweet counts as old as the next that has a possible time.
# The old tweets end with the last that cannot be young before the first that can.
_FIRST_YOUNG = """
    SELECT min(id) FROM tweets WHERE id > coalesce((
        SELECT id FROM tweets
        WHERE at < :since
        AND id < coalesce((SELECT id FROM tweets WHERE at BETWEEN :since AND :now ORDER BY id LIMIT 1), :above)
        ORDER BY id DESC LIMIT 1), 0)
"""
_NTH_LAST = "SELECT id FROM tweets WHERE author IS NOT '' ORDER BY id DESC LIMIT 1 OFFSET :skipped"
_COUNTS = """
    SELECT count(*) FILTER (WHERE id < :id), count(*) FILTER (WHERE id >= :id) FROM tweets WHERE author IS NOT ''
"""
_COUNT_OF_OLD = "SELECT max(id) FROM tweets"
_OF_TAG = """
    SELECT tweets.id, at, author, text, tags
    FROM tweet_tags JOIN tweets ON tweets.id = tweet
    WHERE tag = (SELECT id FROM tags WHERE key = :key) AND tweet < :before
    ORDER BY tweet DESC LIMIT :limit
"""
# For each tag the next few tweets by the index, merged: so it costs no more when there are many, or far apart.
_OF_EITHER = "SELECT * FROM (SELECT tweet FROM tweet_tags WHERE tag = ({tag}) AND tweet > ? ORDER BY tweet LIMIT ?)"
_TAG = "SELECT id FROM tags WHERE key = ?"
_OF_ANY = """
    SELECT id, at, author, text, tags
    FROM tweets
    WHERE id IN (SELECT tweet FROM ({merged}) ORDER BY tweet LIMIT ?)
    ORDER BY id
"""
# author IS NOT NULL: the index holds tweets that have one, so the anonymous ones cost the writer nothing.
_OF_AUTHOR = """
    SELECT id, at, author, text, tags
    FROM tweets
    WHERE author = :by AND author IS NOT NULL AND text <> '' AND id < :before
    ORDER BY id DESC LIMIT :limit
"""
_OF_AUTHOR_AFTER = """
    SELECT id, at, author, text, tags
    FROM tweets
    WHERE author = :by AND author IS NOT NULL AND text <> '' AND id > :cursor
    ORDER BY id LIMIT :limit
"""


class Queries:
    """The queries of a store over an open connection. Each raises StoreError: `busy` or `internal`."""

    def __init__(self, connection: sqlite3.Connection, *, shown_as: Path | None = None) -> None:
        """`shown_as`: the file's name for errors; None when they go to others than its user."""
        self._shown_as = shown_as
        self._reading = RLock()  # held for each read: between two of them the connection may be replaced
        self._use(connection)

    def count(self) -> int:
        """How many tweets there are, the empty ones included, the deleted ones not; it looks at ids, not at each tweet.

        Rows that were removed by hand, or left out of what was imported, are counted too.
        """
        [version] = self._one("PRAGMA user_version")
        return self._one(_COUNT if version >= DELETIONS_VERSION else _COUNT_OF_OLD)[0] or 0

    def size(self) -> Size:
        """See TagQueries."""
        path: str = self._one("SELECT file FROM pragma_database_list WHERE name = 'main'")[0]
        with self._snapshot_with_tail() as tail:
            unindexed, without_words = len(tail.tweets), ids_without_words(self._connection)
        return Size(size_of(path), size_of(f"{path}-wal"), unindexed, without_words)

    def last(self) -> Tweet | None:
        """Return the newest tweet that is not deleted, which may be an empty one; None when there is none."""
        row = self._one(_LAST)
        return to_tweet(row) if row else None

    def newest_id(self) -> int:
        """See TagQueries."""
        newest: int = self._one("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'tweets'), 0)")[0]
        return newest

    def read_after(self, cursor: int, limit: int, *, keys: Sequence[str] = (), deletions: bool = False) -> Slice:
        """See TagQueries."""
        entries: list[Tweet | Deletion] = []
        with self._snapshot_with_tail() as tail:
            pruned_up_to: int = self._one(_GONE)[0]
            entries += self._tagged_after(tail, keys, cursor, limit) if keys else self.tweets_after(cursor, limit)
            if deletions:
                entries += [Deletion(*row) for row in self._all(_DELETIONS, cursor=cursor, limit=limit)]
                entries = sorted(entries, key=attrgetter("id"))[:limit]
        return Slice(entries, pruned_up_to)

    def tweets_after(self, cursor: int, limit: int) -> list[Tweet]:
        """At most `limit` tweets with an id above the cursor, oldest first, the empty ones included."""
        return [to_tweet(row) for row in self._all(_AFTER, cursor=cursor, limit=limit)]

    def entries_after(self, cursor: int, limit: int) -> list[Entry]:
        """At most `limit` entries of the log with an id above the cursor, oldest first: all there is to be kept."""
        [version] = self._one("PRAGMA user_version")
        if version < DELETIONS_VERSION:
            return [*self.tweets_after(cursor, limit)]
        return [_to_entry(row) for row in self._all(_ENTRIES, cursor=cursor, limit=limit)]

    def position(self) -> Position:
        """See TweetLog."""
        return Position(self.last(), self.newest_id(), self._one(_GONE)[0])

    def oldest_kept(
        self, *, since: int | None = None, last: int | None = None, before: int | None = None, now: int
    ) -> Kept:
        """See TagQueries."""
        first = min(self._first_kept(since, last, now), _ABOVE if before is None else before)
        return Kept(first, self._time_of(first, now) if since is None and first else since)

    def counts_around(self, id_: int) -> tuple[int, int]:
        """How many tweets there are below an id, and from it on; it looks at each."""
        below, rest = self._one(_COUNTS, id=id_)
        return below, rest

    def arrival(self, tweet: int, *, after: int) -> Traces:
        """See ReportQueries; SEARCH_STEP lines at most."""
        found = self._search(tweet, after, any_time=False)
        return found._replace(lines=found.lines[:1])  # a batch may have stored several with the same text

    def traces(self, tweet: int, *, after: int) -> Traces:
        """See ReportQueries; SEARCH_STEP lines at most."""
        return self._search(tweet, after, any_time=True)

    def _search(self, tweet: int, after: int, *, any_time: bool) -> Traces:
        row = self._one("SELECT text, at FROM tweets WHERE id = :tweet AND text <> ''", tweet=tweet)
        if row is None:
            return Traces([], after, complete=True)
        text, at = row
        return self._search_text(text, after, at=None if any_time else at)

    def _search_text(self, text: str, after: int, *, at: int | None = None) -> Traces:
        values = [at, *reports.traces(text), after, SEARCH_STEP]
        [(number, last, lines)] = self._rows(log_queries.TRACES, values)
        return Traces(json.loads(lines), last or after, complete=number < SEARCH_STEP)

    def newest_tweets(self, *, limit: int, before: int | None = None, after: int | None = None) -> Page:
        """See TagQueries."""
        statement, end = (_NEWEST, _ABOVE if before is None else before) if after is None else (_OLDEST, after)
        rows = self._all(statement, end=end, limit=limit + 1)
        return Page([to_tweet(row) for row in rows[:limit]], len(rows) > limit)

    def tweet(self, id_: int) -> Tweet | Tombstone | None:
        """See TagQueries."""
        row = self._one(_BY_ID, id=id_)
        return to_tweet_or_tombstone(row) if row else None

    def newest_deletions(self, limit: int) -> list[Deletion]:
        """See TagQueries."""
        return [Deletion(*row) for row in self._all(_NEWEST_DELETIONS, limit=limit)]

    def tweets_of_tag(self, key: str, *, limit: int, before: int | None = None) -> Page:
        """See TagQueries."""
        below, wanted = _ABOVE if before is None else before, limit + 1
        with self._snapshot_with_tail() as tail:
            found = tail.newest_of(key, below=below, limit=wanted)
            if left := wanted - len(found):
                rows = [self._all(_OF_TAG, key=one, before=below, limit=left) for one in self._stored_keys([key])]
                found += [to_tweet(row) for row in _newest_first(rows)[:left]]
        return Page(found[:limit], len(found) > limit)

    def tweets_of_author(self, by: str, *, limit: int, before: int | None = None, after: int | None = None) -> Page:
        """See TagQueries."""
        if after is not None:
            rows = self._all(_OF_AUTHOR_AFTER, by=by, cursor=after, limit=limit + 1)
        else:
            rows = self._all(_OF_AUTHOR, by=by, before=_ABOVE if before is None else before, limit=limit + 1)
        return Page([to_tweet(row) for row in rows[:limit]], len(rows) > limit)

    def list_tags(self, *, limit: int, now: int, numbers: bool = False) -> TagPage:
        """See TagQueries."""
        with self._snapshot_with_tail() as tail:
            return tag_list.list_tags(self._all, tail.tweets, limit=limit, now=now, numbers=numbers)

    def find(self, query: Query, *, limit: int, before: int | None = None) -> Found:
        """See FindQueries."""
        with self._snapshot():
            return WordSearch(self._connection, query, before).find(limit)

    def count_found(self, query: Query, *, before: int | None = None) -> Count:
        """See FindQueries."""
        with self._snapshot():
            return WordSearch(self._connection, query, before).count()

    def lines_after(
        self, cursor: int, *, limit: int, session: int | None = None, categories: Sequence[str] = ()
    ) -> list[LogLine]:
        """See ReportQueries."""
        [version] = self._one("PRAGMA user_version")
        lines = log_queries.LINES if version >= DETAILS_VERSION else log_queries.LINES_OF_OLD
        rows = self._all(lines, cursor=cursor, limit=limit, session=session, categories=json.dumps(categories))
        return [LogLine(*row) for row in rows]

    def text_after(
        self, cursor: int, *, limit: int, session: int | None = None, details: bool = False
    ) -> tuple[str, int]:
        """See ReportQueries."""
        wanted = {"cursor": cursor, "limit": limit, "session": session, "categories": "[]", "details": details}
        text, newest = self._one(log_queries.TEXT, **wanted)
        return text or "", cursor if newest is None else newest

    def last_session(self) -> int | None:
        """See ReportQueries."""
        number: int | None = self._one("SELECT max(id) FROM sessions")[0]
        return number

    def close(self) -> None:
        """See TagQueries."""
        with self._reading:
            self._connection.close()

    def _use(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._tail = Tail(connection)

    def _first_kept(self, since: int | None, last: int | None, now: int) -> int:
        """Return the oldest id that stays by time or by number; above all ids when none stays or none is given."""
        if since is not None:
            return self._one(_FIRST_YOUNG, since=since, now=now, above=_ABOVE)[0] or _ABOVE
        if last is None:
            return _ABOVE
        found = self._one(_NTH_LAST, skipped=last - 1)
        return 0 if found is None else int(found[0])

    def _time_of(self, id_: int, now: int) -> int | None:
        """When (ms) the oldest tweet was stored that has this id or a higher one, and no time above `now` (ms)."""
        found = self._one("SELECT at FROM tweets WHERE id >= :id AND at <= :now ORDER BY id LIMIT 1", id=id_, now=now)
        return None if found is None else int(found[0])

    def _tagged_after(self, tail: Tail, keys: Sequence[str], cursor: int, limit: int) -> list[Tweet]:
        """Tweets with at least one of these search keys, each once: the index has the older ones, the tail the rest."""
        stored = self._stored_keys(keys)
        merged = " UNION ".join([_OF_EITHER.format(tag=_TAG)] * len(stored))
        values = [value for key in stored for value in (key, cursor, limit)]
        found = [to_tweet(row) for row in self._rows(_OF_ANY.format(merged=merged), [*values, limit])]
        return found + tail.any_after(keys, cursor, limit - len(found))

    def _stored_keys(self, keys: Sequence[str]) -> list[str]:
        """Return the keys by which the file has the tags of these keys: more, where it is keyed otherwise than here."""
        if self._tail.keying == OURS:
            return [*keys]
        foreign = keying.foreign_keys(self._connection)
        return [*keys, *{stored for spelling, stored in foreign.items() if hashtags.key(spelling) in keys}]

    @contextmanager
    def _snapshot_with_tail(self) -> Iterator[Tail]:
        """One state of the file, and the tail that belongs to it."""
        with self._snapshot():
            self._tail.refresh()
            yield self._tail

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """One state of the file for several statements."""
        with self._reading:
            try:
                self._connection.execute("BEGIN")
                try:
                    yield
                finally:
                    self._connection.execute("COMMIT")
            except sqlite3.Error as exc:
                raise store_error(exc, path=self._shown_as) from exc

    def _one(self, sql: str, **values: int | str | None) -> Any:
        """Return the first row, or None: of statements that have one row at most."""
        return next(iter(self._all(sql, **values)), None)

    def _all(self, sql: str, **values: int | str | None) -> list[Any]:
        return self._rows(sql, values)

    def _rows(self, sql: str, values: dict[str, int | str | None] | list[int | str | None]) -> list[Any]:
        """All rows, which ends the read transaction: one that stays open would make the WAL grow."""
        try:
            with self._reading:
                return self._connection.execute(sql, values).fetchall()
        except sqlite3.Error as exc:
            raise store_error(exc, path=self._shown_as) from exc


class SqliteReader(Queries):
    """Reads a database file, whether or not a server is running."""

    def __init__(self, path: Path, *, for_clients: bool = False) -> None:
        """Open the file. Raises OpenError when it is missing, or none that this ttweet can read.

        `for_clients`: errors go to clients of a server, and must not name a file.
        """
        super().__init__(connect_reader(path), shown_as=None if for_clients else path)
        self._path = path
        self._closed = False

    def close(self) -> None:
        """See TagQueries."""
        with self._reading:
            self._closed = True
            super().close()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Have the file closed here for the length of a block; reads of other threads wait. Raises OpenError."""
        with self._reading:
            self._connection.close()
            yield
            if not self._closed:
                self._use(connect_reader(self._path))


def _newest_first(lists: Sequence[list[Any]]) -> list[Any]:
    """Return the rows of one list, or of several without repetition, by their ids."""
    if len(lists) == 1:
        return lists[0]
    return sorted({row for rows in lists for row in rows}, reverse=True)


def _to_entry(row: Sequence[Any]) -> Entry:
    *columns, deleted = row
    return to_tweet_or_tombstone(columns) if deleted is None else Deletion(row[0], row[1], deleted)
