"""Tweets as rows of their table, in both directions."""

from collections.abc import Sequence
from typing import Any

from ttweet.model.tweets import Tombstone, Tweet
from ttweet.storage.sqlite.rows import Value

DELETED = ""  # the author in the row of a tombstone; a name has at least one letter, and NULL is no name


def to_tweet(row: Sequence[Any]) -> Tweet:
    """Return a row of the table tweets as a tweet."""
    id_, at, by, text, tags = row
    return Tweet(id_, at, by or None, text, tuple(tags.split(" ")) if tags else ())


def to_tweet_or_tombstone(row: Sequence[Any]) -> Tweet | Tombstone:
    """Return a row of the table tweets as what it is."""
    id_, at, by, *_ = row
    return Tombstone(id_, at) if by == DELETED else to_tweet(row)


def to_row(entry: Tweet | Tombstone) -> tuple[Value, ...]:
    """Return a tweet or a tombstone as a row of the table tweets."""
    if isinstance(entry, Tombstone):
        return (*entry, DELETED, "", "")
    return (*entry[:4], " ".join(entry.tags))
