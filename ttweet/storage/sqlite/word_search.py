"""Find: the newest tweets that a query finds, from the index of words and from the tweets that it lacks.

The log is searched from its newest tweet backwards, part by part of the index (see word_index). Where a part lacks
tweets, or other words made it, its tweets are read and compared with the query. So the answer does not depend on how
far the index is, or whether there is one: only the time does. After BUDGET_S the search ends and tells how far it came.
"""

import sqlite3
import time
from bisect import bisect_left
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from typing import NamedTuple

from ttweet.model.limits import MAX_ID
from ttweet.model.query import Query, Term, holds
from ttweet.model.tweets import Count, Found, Tweet
from ttweet.storage.sqlite.errors import primary_code
from ttweet.storage.sqlite.tweet_rows import to_tweet
from ttweet.storage.sqlite.word_index import MADE_BY, RANGE, IndexPart, has_fts5, ids_of, is_of_index, part_of, parts_of

BUDGET_S = 0.5  # of one search: a person barely notices it, and the next search waits no longer
READ_IDS = 4_096  # searched without the index between two notes of how far it is, about 50 ms
_STEPS_PER_LOOK = 1_000  # of SQLite between looks at the clock, about 0.1 ms

_TIME_AT = "SELECT coalesce((SELECT at FROM tweets WHERE id BETWEEN ? AND ? ORDER BY id LIMIT 1), ?)"
_IN_TIME = "at >= :since AND at < :until"
_IN_STRETCH = f" FROM tweets WHERE id BETWEEN :low AND :high AND text <> '' AND {_IN_TIME}"
_READ = f"SELECT id, at, author, text, tags{_IN_STRETCH} ORDER BY id DESC"
_COUNT_READ = f"SELECT count(*){_IN_STRETCH}"
_MATCH = "word_index_{part} MATCH :match AND word_index_{part}.rowid BETWEEN :low AND :high"
_FOUND = f" FROM word_index_{{part}} CROSS JOIN tweets ON id = word_index_{{part}}.rowid WHERE {_MATCH} AND {_IN_TIME}"
_SEARCH = f"SELECT id, at, tweets.author, tweets.text, tweets.tags{_FOUND} ORDER BY word_index_{{part}}.rowid DESC"
_COUNT = f"SELECT count(*) FROM word_index_{{part}} WHERE {_MATCH}"  # noqa: S608
_COUNT_IN_TIME = f"SELECT count(*){_FOUND}"


class _Stretch(NamedTuple):
    """Ids from `low` to `high`, and the part of the index that has their tweets, if one has."""

    low: int
    high: int
    part: IndexPart | None


class WordSearch:
    """One search in one state of the file: inside the caller's transaction. Its methods raise sqlite3.Error."""

    def __init__(self, connection: sqlite3.Connection, query: Query, before: int | None) -> None:
        """With `before` only tweets with a lower id are searched. Raises sqlite3.Error."""
        self._connection = connection
        self._query = query
        self._match = _match(query.terms) if has_fts5(connection) else ""
        self._since = 0 if query.since is None else query.since
        self._until = MAX_ID + 1 if query.until is None else query.until
        self._parts = parts_of(connection)
        self._low, newest = connection.execute(RANGE).fetchone()
        self._high = newest if before is None else min(newest, before - 1)
        self._searched_to = self._high + 1  # no tweet with a lower id was looked at

    def find(self, limit: int) -> Found:
        """Return the newest tweets, at most `limit`."""
        tweets: list[Tweet] = []
        with self._budget() as is_over, closing(self._tweets()) as found:
            for tweet in found:
                if len(tweets) == limit:
                    return Found(tweets, more=True)
                tweets.append(tweet)
                self._searched_to = tweet.id
        return Found(tweets, is_over(), self._searched_to if is_over() else None)

    def count(self) -> Count:
        """Count the tweets."""
        number = 0
        with self._budget() as is_over:
            for stretch in self._stretches():
                number += self._count(stretch)
        return Count(number, self._searched_to if is_over() else None)

    @contextmanager
    def _budget(self) -> Iterator[Callable[[], bool]]:
        """End the block when the time is up, but not before it has come further. Yields whether it was ended so."""
        deadline, start, is_over = time.monotonic() + BUDGET_S, self._searched_to, False

        def look() -> int:
            nonlocal is_over
            is_over = self._searched_to < start and time.monotonic() > deadline
            return is_over

        self._connection.set_progress_handler(look, _STEPS_PER_LOOK)
        try:
            yield lambda: is_over
        except sqlite3.OperationalError as exc:
            if primary_code(exc) != sqlite3.SQLITE_INTERRUPT:
                raise
        finally:
            self._connection.set_progress_handler(None, 0)

    def _stretches(self) -> Iterator[_Stretch]:
        """Return the ranges to search, newest first. A stretch counts as searched when the next one is asked for."""
        for number in range(part_of(self._high), part_of(self._low) - 1, -1):
            ids = ids_of(number)
            low, high = max(ids[0], self._low), min(ids[-1], self._high)
            part = self._parts.get(number)
            indexed = low - 1 if part is None else min(part.up_to, high)
            yield from self._blocks(indexed + 1, high)
            if part is not None and low <= indexed:
                yield from self._in_time(low, indexed, part)
                self._searched_to = low

    def _in_time(self, low: int, high: int, part: IndexPart) -> Iterator[_Stretch]:
        """Yield the ids of a part to search: those of the time that the query asks for."""
        if part.newest < self._since or part.oldest >= self._until:
            return
        if part.ordered and not self._covers(part):
            low, high = self._first(low, high, self._since), self._first(low, high, self._until) - 1
        if self._match and part.made_by == MADE_BY:
            yield _Stretch(low, high, part)
        else:
            yield from self._blocks(low, high)

    def _blocks(self, low: int, high: int) -> Iterator[_Stretch]:
        """Return ids to search without the index, a bounded number at a time."""
        for top in range(high, low - 1, -READ_IDS):
            stretch = _Stretch(max(top - READ_IDS + 1, low), top, None)
            yield stretch
            self._searched_to = stretch.low

    def _covers(self, part: IndexPart) -> bool:
        """Tell whether all tweets of a part are of the time that the query asks for."""
        return self._since <= part.oldest and part.newest < self._until

    def _first(self, low: int, high: int, at: int) -> int:
        """Return the lowest id whose tweet is not before a time (ms), of ids whose times rise; or `high` + 1."""

        def time_at(id_: int) -> int:
            found: int = self._connection.execute(_TIME_AT, (id_, high, MAX_ID)).fetchone()[0]
            return found

        return low + bisect_left(range(low, high + 1), at, key=time_at)

    def _tweets(self) -> Generator[Tweet]:
        for stretch in self._stretches():
            if stretch.part is None:
                yield from self._held(_READ, stretch)
                continue
            try:
                yield from self._held(_SEARCH.format(part=stretch.part.number), stretch)
            except sqlite3.DatabaseError as exc:
                if not is_of_index(exc):
                    raise
                yield from self._held(_READ, stretch._replace(high=min(stretch.high, self._searched_to - 1)))

    def _held(self, sql: str, stretch: _Stretch) -> Iterator[Tweet]:
        """Return the tweets of a statement that the query finds: the index may have one that was removed by hand."""
        for row in self._connection.execute(sql, self._values(stretch)):
            tweet = to_tweet(row)
            if holds(self._query, tweet):
                yield tweet

    def _count(self, stretch: _Stretch) -> int:
        if stretch.part is not None:
            sql = _COUNT if self._covers(stretch.part) else _COUNT_IN_TIME
            try:
                return self._number(sql.format(part=stretch.part.number), stretch)
            except sqlite3.DatabaseError as exc:
                if not is_of_index(exc):
                    raise
        if not self._query.terms:
            return self._number(_COUNT_READ, stretch)
        return sum(1 for _ in self._held(_READ, stretch))

    def _number(self, sql: str, stretch: _Stretch) -> int:
        number: int = self._connection.execute(sql, self._values(stretch)).fetchone()[0]
        return number

    def _values(self, stretch: _Stretch) -> dict[str, int | str]:
        times = {"since": self._since, "until": self._until}
        return {"low": stretch.low, "high": stretch.high, "match": self._match, **times}


def _match(terms: tuple[Term, ...]) -> str:
    """Return the terms in FTS5's syntax. All that the query's author chose is between quotation marks."""
    wanted = " AND ".join(_phrase(term) for term in terms if term.wanted)
    unwanted = "".join(f" NOT {_phrase(term)}" for term in terms if not term.wanted)
    return f"({wanted}){unwanted}" if wanted else ""


def _phrase(term: Term) -> str:
    words = " ".join(term.words).replace('"', "")
    return f'({term.column} : "{words}"{" *" if term.prefix else ""})'
