"""The list of tags: the counts of the index, and those of the tail that is not in it yet.

A tag that the tail does not have counts as the index says, so the most used of all are among the most used of the
index and those of the tail. Knows no trio and no wire.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from ttweet.model import hashtags
from ttweet.model.durations import DAY_MS
from ttweet.model.tweets import HISTORY_DAYS, TagPage, TagSummary
from ttweet.storage.sqlite.tag_uses import TagUse, count_uses
from ttweet.storage.sqlite.tail import TailTweet

Ask = Callable[..., list[Any]]
"""Runs a statement with named values and gives all its rows."""

_LISTED = """
    SELECT id, spelling, spelling_count, count, newest, (
        SELECT json_group_object(day, count)
        FROM tag_days
        WHERE tag = listed.id AND day IN (SELECT value FROM json_each(:days))
    ), key
    FROM ({chosen}) AS listed
"""
# Two walks down the index, merged: one walk over both kinds would have to sort all the tags there are.
MOST_USED = _LISTED.format(
    chosen="""
        SELECT * FROM (SELECT * FROM tags WHERE lettered = 1 ORDER BY count DESC, newest DESC, id LIMIT :limit)
        UNION ALL
        SELECT * FROM (
            SELECT * FROM tags WHERE lettered = 0 AND :numbers ORDER BY count DESC, newest DESC, id LIMIT :limit
        )
        ORDER BY count DESC, newest DESC, id LIMIT :limit
    """
)
_NAMED = _LISTED.format(chosen="SELECT tags.* FROM json_each(:keys) CROSS JOIN tags ON tags.key = value")
_SPELLINGS = """
    SELECT spelling, count FROM spellings WHERE tag = :tag AND spelling IN (SELECT value FROM json_each(:spellings))
"""


class _Listed:
    """One tag of the list. `id` is None when the index does not know it."""

    __slots__ = ("count", "days", "id", "newest", "spelling", "spelling_count")

    def __init__(self, row: Sequence[Any]) -> None:
        self.id: int | None
        self.id, self.spelling, self.spelling_count, self.count, self.newest, days = row
        self.days: dict[int, int] = {int(day): count for day, count in json.loads(days).items()}

    def add(self, use: TagUse, counted: dict[str, int]) -> None:
        """Count what the tail has; `counted` are the index's counts of the tail's other spellings."""
        self.count += use.total
        self.newest = use.newest  # the tail's ids are above those of the index
        for day, count in use.days.items():
            self.days[day] = self.days.get(day, 0) + count
        self.spelling_count += use.spellings.get(self.spelling, 0)
        for spelling, count in use.spellings.items():
            if spelling != self.spelling and counted.get(spelling, 0) + count > self.spelling_count:
                self.spelling, self.spelling_count = spelling, counted.get(spelling, 0) + count

    def summary(self, days: range) -> TagSummary:
        return TagSummary(self.spelling, self.count, self.newest, [self.days.get(day, 0) for day in days])


def list_tags(ask: Ask, tail: Sequence[TailTweet], *, limit: int, now: int, numbers: bool) -> TagPage:
    """Return the most used tags, as Reader.list_tags gives them, inside the caller's read transaction."""
    today = now // DAY_MS
    days = range(today - HISTORY_DAYS + 1, today + 1)
    rows = ask(MOST_USED, limit=limit + 1, numbers=numbers, days=json.dumps([*days]))
    listed = _with_tail(ask, rows, tail, days, numbers=numbers)
    return TagPage([one.summary(days) for one in listed[:limit]], len(listed) > limit)


def _with_tail(
    ask: Ask, rows: Sequence[Any], tail: Sequence[TailTweet], days: range, *, numbers: bool
) -> list[_Listed]:
    """Return the tags of the index's list and all of the tail's, most used first."""
    uses = count_uses((tweet.id, tweet.at, tags) for tweet, tags in tail)
    known = {row[-1]: row[:-1] for row in ask(_NAMED, keys=json.dumps([*uses]), days=json.dumps([*days]))}
    listed = [_Listed(row[:-1]) for row in rows if row[-1] not in uses]
    for key, use in uses.items():
        if numbers or not hashtags.is_numeric(key):
            one = _Listed(known.get(key, (None, use.spelling, 0, 0, 0, "{}")))
            one.add(use, _counted(ask, one, use))
            listed.append(one)
    listed.sort(key=lambda one: (-one.count, -one.newest, one.id is None, one.id))
    return listed


def _counted(ask: Ask, listed: _Listed, use: TagUse) -> dict[str, int]:
    """Return the index's counts of the spellings in `use` that are not the tag's most frequent one."""
    others = [spelling for spelling in use.spellings if spelling != listed.spelling]
    if listed.id is None or not others:
        return {}
    return dict(ask(_SPELLINGS, tag=listed.id, spellings=json.dumps(others)))
