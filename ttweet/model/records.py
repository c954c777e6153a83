"""Stored tweets, and what a store answers about them, as values without rules. Quick to import."""

from typing import NamedTuple

HISTORY_DAYS = 14  # days of counts that a list of tags carries: two weeks show a weekly rhythm


class Tweet(NamedTuple):
    """A stored tweet. `at` is milliseconds since 1970 UTC; `tags` are spelled as typed, each key once."""

    id: int
    at: int
    by: str | None
    text: str
    tags: tuple[str, ...]


class Deletion(NamedTuple):
    """The entry of the log that says a tweet was deleted: its own id, when (ms since 1970 UTC), the tweet's id."""

    id: int
    at: int
    tweet: int


class Tombstone(NamedTuple):
    """The rest of a deleted tweet: its id and its time."""

    id: int
    at: int


Entry = Tweet | Tombstone | Deletion
"""All that the log may hold at an id."""


class Page(NamedTuple):
    """Some tweets, and whether there are more beyond the last of them."""

    tweets: list[Tweet]
    more: bool


class Found(NamedTuple):
    """Some tweets, newest first, and whether there may be more beyond the last of them.

    `searched_to` is None unless the time for a query was up. Then no tweet below that id was looked at, and a query
    with `before` set to it continues.
    """

    tweets: list[Tweet]
    more: bool
    searched_to: int | None = None


class Count(NamedTuple):
    """How many tweets a query finds; `searched_to` as in Found."""

    number: int
    searched_to: int | None = None


class TagSummary(NamedTuple):
    """One tag: its most frequent spelling, its tweets, when the one with the highest id came (ms since 1970 UTC).

    `days` counts its tweets on each of the last HISTORY_DAYS days of UTC, oldest first, today last.
    """

    tag: str
    count: int  # type: ignore[assignment]  # a tuple's own `count` is of no use here
    newest: int
    days: list[int]


class TagPage(NamedTuple):
    """Some tags, most used first, and whether there are more."""

    tags: list[TagSummary]
    more: bool


def shown(last: Tweet | None) -> Tweet | None:
    """Return the last message as it is shown: None for an empty one."""
    return last if last is not None and last.text else None


def as_json(tweet: Tweet) -> dict[str, object]:
    """Return a tweet as every interface of ttweet shows it."""
    return {"id": tweet.id, "at": tweet.at, "by": tweet.by, "text": tweet.text, "tags": tweet.tags}
