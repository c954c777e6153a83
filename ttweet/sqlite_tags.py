"""The rows of the index of tags: tags, their links, spellings and days, for many tweets at once.

A tag's most frequent spelling is a column of its row; `spellings` counts the others, and the two swap when one passes.
So nothing is ever searched through, however many tags and spellings people invent.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple, cast

from ttweet import hashtags
from ttweet.sqlite_bulk import Rows, Value
from ttweet.tag_uses import Tagged, TagUse, count_uses

MAX_CACHED = 16_384  # tag rows; 10 MB at most while a tag has 150 characters, the oldest go first

_FIND = Rows("SELECT key, id, spelling FROM tags WHERE key IN (VALUES ", 1, ")")
_COUNT = Rows(
    "INSERT INTO tags (id, key, spelling, spelling_count, count, newest, lettered) VALUES ",
    7,
    " ON CONFLICT (id) DO UPDATE SET spelling_count = spelling_count + excluded.spelling_count,"
    " count = count + excluded.count, newest = max(newest, excluded.newest)",
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
# CROSS JOIN: look each counted spelling up. The planner would rather walk through all spellings there are.
_FIND_PASSED = Rows(
    "WITH counted (tag, spelling) AS (VALUES ",
    2,
    ") SELECT s.tag, t.key, t.spelling, t.spelling_count, s.spelling, s.count FROM counted"
    " CROSS JOIN spellings s ON s.tag = counted.tag AND s.spelling = counted.spelling"
    " CROSS JOIN tags t ON t.id = s.tag AND s.count > t.spelling_count",
)


class _Known(NamedTuple):
    """What the cache knows of a tag's row: what does not change with each tweet."""

    id: int
    spelling: str


class TagTable:
    """Counts the tags of batches. Each `count` is followed by `keep` after COMMIT, or by `forget` after ROLLBACK."""

    def __init__(self, connection: sqlite3.Connection, *, last_id: int) -> None:
        self._connection = connection
        self._cache: dict[str, _Known] = {}
        self._fresh: dict[str, _Known] = {}
        self._last_id = last_id
        self._next_id = last_id + 1

    def count(self, tagged: Sequence[Tagged]) -> None:
        """Link tweets to their tags and count these, inside the caller's transaction. Raises sqlite3.Error."""
        uses = count_uses(tagged)
        rows = self._rows(uses)
        _COUNT.run(self._connection, [_tag_row(key, rows[key], use) for key, use in uses.items()])
        _LINK.run(self._connection, sorted([(rows[key].id, tweet) for tweet, _, tags in tagged for key in tags]))
        days = [(day, rows[key].id, count) for key, use in uses.items() for day, count in use.days.items()]
        _COUNT_DAY.run(self._connection, sorted(days))
        self._count_spellings(uses, rows)

    def keep(self) -> None:
        """The transaction is committed: remember its rows, for a bounded number of tags."""
        self._cache.update(self._fresh)
        self._fresh.clear()
        if (surplus := len(self._cache) - MAX_CACHED) > 0:
            for key in [*islice(self._cache, surplus)]:
                del self._cache[key]
        self._last_id = self._next_id - 1

    def drop(self, keys: Iterable[str]) -> None:
        """Read the rows of these tags anew when they are needed: somebody else changes them."""
        for key in keys:
            self._cache.pop(key, None)
            self._fresh.pop(key, None)

    def forget(self) -> None:
        """The transaction is rolled back: what it learned may never have been."""
        self._fresh.clear()
        self._next_id = self._last_id + 1

    def _rows(self, uses: dict[str, TagUse]) -> dict[str, _Known]:
        rows = {key: known for key in uses if (known := self._cache.get(key)) is not None}
        unseen = [(key,) for key in uses if key not in rows]
        for key, id_, spelling in _FIND.run(self._connection, unseen):
            rows[cast("str", key)] = self._fresh[cast("str", key)] = _Known(cast("int", id_), cast("str", spelling))
        for (key,) in unseen:
            if key not in rows:
                rows[key] = self._fresh[key] = _Known(self._next_id, uses[key].spelling)
                self._next_id += 1
        return rows

    def _count_spellings(self, uses: dict[str, TagUse], rows: dict[str, _Known]) -> None:
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
        for best in {row[0]: row for row in sorted(passed, key=lambda row: cast("int", row[5]))}.values():
            self._swap(*best)

    def _swap(self, tag: Value, key: Value, old: Value, old_count: Value, new: Value, new_count: Value) -> None:
        execute = self._connection.execute
        execute("UPDATE tags SET spelling = ?, spelling_count = ? WHERE id = ?", (new, new_count, tag))
        execute("DELETE FROM spellings WHERE tag = ? AND spelling = ?", (tag, new))
        execute("INSERT INTO spellings (tag, spelling, count) VALUES (?, ?, ?)", (tag, old, old_count))
        self._fresh[cast("str", key)] = _Known(cast("int", tag), cast("str", new))


def _tag_row(key: str, row: _Known, use: TagUse) -> tuple[Value, ...]:
    lettered = 0 if hashtags.is_numeric(key) else 1
    return (row.id, key, row.spelling, use.spellings.get(row.spelling, 0), use.total, use.newest, lettered)
