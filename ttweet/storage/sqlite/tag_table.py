"""The rows of the index of tags: tags, their links, spellings and days, for many tweets at once.

A tag's most frequent spelling is a column of its row; `spellings` counts the others, and the two swap when one passes.
So nothing is ever searched through, however many tags and spellings people invent.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast

from ttweet.model import hashtags
from ttweet.storage.sqlite.rows import Rows, Value
from ttweet.storage.sqlite.tag_uses import Tagged, TagUse, count_uses

MAX_CACHED = 16_384  # rows of tags in memory; the oldest go first
MAX_CACHED_BYTES = 2 * 1024 * 1024  # of their keys in memory, and about as much of their spellings

_FIND = Rows("SELECT key, id, spelling FROM tags WHERE key IN (VALUES ", 1, ")")
_COUNT = Rows(
    "INSERT INTO tags (id, key, spelling, spelling_count, count, newest, lettered) VALUES ",
    7,
    " ON CONFLICT (id) DO UPDATE SET spelling_count = spelling_count + excluded.spelling_count,"
    " count = count + excluded.count, newest = excluded.newest",
)
_LINK = Rows("INSERT INTO tweet_tags (tag, tweet) VALUES ", 2)
_COUNT_DAY = Rows(
    "INSERT INTO tag_days (day, tag, count) VALUES ", 3, " ON CONFLICT DO UPDATE SET count = count + excluded.count"
)
_COUNT_SPELLING = Rows(
    "INSERT INTO spellings (tag, spelling, count) VALUES ",
    3,
    " ON CONFLICT DO UPDATE SET count = count + excluded.count",
)
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
    "SELECT id, key, tags.spelling, spelling_count, other.spelling, other.count FROM tags"
    " JOIN spellings AS other ON tag = id AND other.spelling ="
    " (SELECT spelling FROM spellings WHERE tag = id ORDER BY count DESC, spelling LIMIT 1)"
    " WHERE other.count > spelling_count AND id IN (VALUES ",
    1,
    ")",
)
# The tweet that is left with the highest id tells the time, unless a tweet above those that went told it before.
_RENEW_AFTER = Rows(
    "UPDATE tags SET newest ="
    " (SELECT at FROM tweets WHERE id = (SELECT max(tweet) FROM tweet_tags WHERE tag = tags.id)) FROM (VALUES ",
    2,
    ") WHERE id = column1 AND newest = column2",
)
_RENEW = Rows(
    "UPDATE tags SET newest ="
    " (SELECT at FROM tweets WHERE id = (SELECT max(tweet) FROM tweet_tags WHERE tag = tags.id)) WHERE key IN (VALUES ",
    1,
    ")",
)
# CROSS JOIN: look each counted spelling up. The planner would rather walk through all spellings there are.
_FIND_PASSED = Rows(
    "WITH counted (tag, spelling) AS (VALUES ",
    2,
    ") SELECT s.tag, t.key, t.spelling, t.spelling_count, s.spelling, s.count FROM counted"
    " CROSS JOIN spellings s ON s.tag = counted.tag AND s.spelling = counted.spelling"
    " CROSS JOIN tags t ON t.id = s.tag AND s.count > t.spelling_count",
)


class _KnownTag(NamedTuple):
    """The cached part of a tag's row, which does not change with each tweet."""

    id: int
    spelling: str


class TagTable:
    """Counts the tags of batches, up and down. `keep` follows after COMMIT, or `forget` after ROLLBACK."""

    def __init__(self, connection: sqlite3.Connection, *, last_id: int) -> None:
        self._connection = connection
        self._cache: dict[str, _KnownTag] = {}
        self._cached_bytes = 0
        self._fresh: dict[str, _KnownTag] = {}
        self._last_id = last_id
        self._next_id = last_id + 1

    def count(self, tagged: Sequence[Tagged]) -> None:
        """Link tweets to their tags and count these, inside the caller's transaction. Raises sqlite3.Error.

        The ids rise, and are above those of all tweets that were counted before; else `renew` must follow.
        """
        uses = count_uses(tagged)
        rows = self._rows(uses)
        _COUNT.run(self._connection, [_tag_row(key, rows[key], use) for key, use in uses.items()])
        _LINK.run(self._connection, sorted([(rows[key].id, tweet) for tweet, _, tags in tagged for key in tags]))
        days = [(day, rows[key].id, count) for key, use in uses.items() for day, count in use.days.items()]
        _COUNT_DAY.run(self._connection, sorted(days))
        self._count_spellings(uses, rows)

    def uncount(self, tagged: Sequence[Tagged]) -> None:
        """Unlink tweets from their tags and count these down, inside the caller's transaction. Raises sqlite3.Error.

        A tag that no tweet carries any more goes with its spellings, since it is a piece of the text.
        """
        uses = count_uses(tagged)
        self._drop(uses)
        rows = self._find(uses)
        links = [(rows[key].id, tweet) for tweet, _, tags in tagged for key in tags if key in rows]
        self._connection.executemany(_UNLINK, links)
        known = [(rows[key], use) for key, use in uses.items() if key in rows]
        self._uncount_days(known)
        self._uncount_spellings(known)
        _RENEW_AFTER.run(self._connection, [(row.id, use.newest) for row, use in known])

    def renew(self, keys: Iterable[str]) -> None:
        """Look up when the newest tweets of these tags came: after tweets were counted below others."""
        _RENEW.run(self._connection, [(key,) for key in keys])

    def keep(self) -> None:
        """Remember the rows of the committed transaction, for a bounded number of tags."""
        if self._fresh:
            self._cached_bytes += sum(map(_bytes_of, self._fresh.keys() - self._cache.keys()))
            self._cache.update(self._fresh)
            self._fresh.clear()
        while len(self._cache) > MAX_CACHED or self._cached_bytes > MAX_CACHED_BYTES:
            self._uncache(next(iter(self._cache)))
        self._last_id = self._next_id - 1

    def forget(self) -> None:
        """Forget the rows of the rolled back transaction."""
        self._fresh.clear()
        self._next_id = self._last_id + 1

    def _rows(self, uses: dict[str, TagUse]) -> dict[str, _KnownTag]:
        rows = {key: known for key in uses if (known := self._cache.get(key)) is not None}
        unseen = [key for key in uses if key not in rows]
        found = self._find(unseen)
        for key in unseen:
            if key not in found:
                found[key] = _KnownTag(self._next_id, uses[key].spelling)
                self._next_id += 1
        self._fresh |= found
        return rows | found

    def _find(self, keys: Iterable[str]) -> dict[str, _KnownTag]:
        """Those of these tags that have a row."""
        found = _FIND.run(self._connection, [(key,) for key in keys])
        return {cast("str", key): _KnownTag(cast("int", id_), cast("str", spelling)) for key, id_, spelling in found}

    def _drop(self, keys: Iterable[str]) -> None:
        """Forget the rows of these tags, some of which go; the next use reads them again."""
        for key in keys:
            self._uncache(key)
            self._fresh.pop(key, None)

    def _uncache(self, key: str) -> None:
        if self._cache.pop(key, None) is not None:
            self._cached_bytes -= _bytes_of(key)

    def _count_spellings(self, uses: dict[str, TagUse], rows: dict[str, _KnownTag]) -> None:
        """Count the spellings that are not their tag's most frequent one, and swap those that have become it."""
        others: list[tuple[int, str, int]] = []
        for key, use in uses.items():
            row, spellings = rows[key], use.spellings
            if len(spellings) > 1 or row.spelling not in spellings:
                others += [(row.id, spelling, n) for spelling, n in spellings.items() if spelling != row.spelling]
        if not others:
            return
        _COUNT_SPELLING.run(self._connection, sorted(others))
        passed = _FIND_PASSED.run(self._connection, [(tag, spelling) for tag, spelling, _ in others])
        most_first = sorted(passed, key=lambda row: cast("int", row[5]), reverse=True)
        for best in {row[0]: row for row in reversed(most_first)}.values():  # of several the one that was used first
            self._swap(*best)

    def _uncount_days(self, known: Sequence[tuple[_KnownTag, TagUse]]) -> None:
        days = [(day, row.id, count) for row, use in known for day, count in use.days.items()]
        _UNCOUNT_DAY.run(self._connection, days)
        self._connection.executemany(_DROP_DAY, [day[:2] for day in days])

    def _uncount_spellings(self, known: Sequence[tuple[_KnownTag, TagUse]]) -> None:
        """Count spellings and totals down, and swap where another spelling is more frequent now."""
        others = [(row.id, *other) for row, use in known for other in use.spellings.items() if other[0] != row.spelling]
        _UNCOUNT_SPELLING.run(self._connection, others)
        self._connection.executemany(_DROP_SPELLING, [other[:2] for other in others])
        mains = [(row.id, use.total, use.spellings.get(row.spelling, 0)) for row, use in known]
        _UNCOUNT.run(self._connection, mains)
        _DROP_TAG.run(self._connection, [main[:1] for main in mains])
        for lesser in _FIND_LESSER.run(self._connection, [main[:1] for main in mains if main[2]]):
            self._swap(*lesser)

    def _swap(self, tag: Value, key: Value, old: Value, old_count: Value, new: Value, new_count: Value) -> None:
        execute = self._connection.execute
        execute("UPDATE tags SET spelling = ?, spelling_count = ? WHERE id = ?", (new, new_count, tag))
        execute("DELETE FROM spellings WHERE tag = ? AND spelling = ?", (tag, new))
        if old_count:
            execute("INSERT INTO spellings (tag, spelling, count) VALUES (?, ?, ?)", (tag, old, old_count))
        self._fresh[cast("str", key)] = _KnownTag(cast("int", tag), cast("str", new))


def _tag_row(key: str, row: _KnownTag, use: TagUse) -> tuple[Value, ...]:
    lettered = 0 if hashtags.is_numeric(key) else 1
    return (row.id, key, row.spelling, use.spellings.get(row.spelling, 0), use.total, use.newest, lettered)


def _bytes_of(key: str) -> int:
    return 64 + 2 * len(key)  # not getsizeof: it grows when SQLite has been given the string
