"""Decoded JSON to tweets and what queries find, for clients. See `answers` for the rules, and for other answers.

Quick to import: `last`, `tags` and `find` use it.
"""

from __future__ import annotations

from ttweet.model.limits import MAX_QUERY_LIMIT
from ttweet.model.records import (
    HISTORY_DAYS,
    Count,
    Deletion,
    Found,
    Page,
    TagPage,
    TagSummary,
    Tombstone,
    Tweet,
)
from ttweet.protocol import kinds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def tweet(data: Any) -> Tweet:
    """Return a tweet."""
    id_, at, by = kinds.integer(data["id"], lowest=1), kinds.at(data["at"]), kinds.string_or_none(data["by"])
    return Tweet(id_, at, by, kinds.string(data["text"]), tuple(kinds.tags(data["tags"])))


def tweet_or_none(data: Any) -> Tweet | None:
    """Return a tweet, or None where there is none."""
    return None if data is None else tweet(data)


def tweet_or_tombstone(data: Any) -> Tweet | Tombstone | None:
    """Return a tweet, or the tombstone of a deleted one; None if its text is empty."""
    if data is not None and kinds.flag(data.get("deleted", False)):
        return Tombstone(kinds.integer(data["id"], lowest=1), kinds.at(data["at"]))
    return tweet_or_none(data)


def deletion(data: Any) -> Deletion:
    """Return a deletion."""
    tweet_id = kinds.integer(data["tweet"], lowest=1)
    return Deletion(kinds.integer(data["id"], lowest=1), kinds.at(data["at"]), tweet_id)


def page(data: Any) -> Page:
    """Return some tweets."""
    return Page([tweet(one) for one in kinds.array(data["tweets"], MAX_QUERY_LIMIT)], kinds.flag(data["more"]))


def found(data: Any) -> Found:
    """Return what a query has found."""
    return Found(*page(data), searched_to=_id_or_none(data["searched_to"]))


def count(data: Any) -> Count:
    """Return how many tweets a query finds."""
    return Count(kinds.integer(data["count"]), _id_or_none(data["searched_to"]))


def tag_page(data: Any) -> TagPage:
    """Return some tags."""
    tags = [_tag_summary(tag) for tag in kinds.array(data["tags"], MAX_QUERY_LIMIT)]
    return TagPage(tags, kinds.flag(data["more"]))


def _id_or_none(data: Any) -> int | None:
    return None if data is None else kinds.integer(data, lowest=1)


def _tag_summary(data: Any) -> TagSummary:
    days = [kinds.integer(day) for day in kinds.array(data["days"], HISTORY_DAYS)]
    return TagSummary(kinds.string(data["tag"]), kinds.integer(data["count"]), kinds.at(data["newest"]), days)
