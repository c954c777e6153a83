"""What a server answers and pushes, as values: for the clients, whichever way they came by it.

Each function takes decoded JSON, checks the kind and the size of every value, and raises one of `frames.MISFITS` for
what no ttweet answers. Fields that are not known are ignored, as later versions may add some. Texts, names and tags are
data and stay as they are: escape them before a terminal gets them. Knows no sockets and no bytes.
"""

import math
from typing import Any

from ttweet.model.tweets import HISTORY_DAYS, Deletion, Page, TagPage, TagSummary, Tweet
from ttweet.protocol import kinds
from ttweet.protocol.replies import refusal

MAX_ENTRIES = 200  # tweets or tags of one answer; see requests.MAX_LIMIT
MAX_NAMES = 10_000  # who are online; a server has 1,000 connections unless it is told otherwise
MAX_STATS = 64  # objects, and values of each; there are 9 of at most 20

Stats = dict[str, dict[str, Any]]


def tweet(data: Any) -> Tweet:
    """Return a tweet."""
    id_, at, by = kinds.integer(data["id"], lowest=1), kinds.at(data["at"]), kinds.string_or_none(data["by"])
    return Tweet(id_, at, by, kinds.string(data["text"]), tuple(kinds.tags(data["tags"])))


def tweet_or_none(data: Any) -> Tweet | None:
    """Return a tweet, or None where there is none."""
    return None if data is None else tweet(data)


def deletion(data: Any) -> Deletion:
    """Return a deletion."""
    tweet_id = kinds.integer(data["tweet"], lowest=1)
    return Deletion(kinds.integer(data["id"], lowest=1), kinds.at(data["at"]), tweet_id)


def page(data: Any) -> Page:
    """Return some tweets."""
    return Page([tweet(one) for one in kinds.array(data["tweets"], MAX_ENTRIES)], kinds.flag(data["more"]))


def tag_page(data: Any) -> TagPage:
    """Return some tags."""
    tags = [_tag_summary(tag) for tag in kinds.array(data["tags"], MAX_ENTRIES)]
    return TagPage(tags, kinds.flag(data["more"]))


def names(data: Any) -> list[str]:
    """Return the names that are online."""
    return [kinds.string(name) for name in kinds.array(data["names"], MAX_NAMES)]


def stats(data: Any) -> Stats:
    """Return objects of numbers, strings, booleans and None."""
    parts = kinds.mapping(data, MAX_STATS)
    return {part: _stats_part(values) for part, values in parts.items()}


def push(frame: Any) -> tuple[str, Any]:
    """Return the kind and the value of what a follower gets. Raises Refused when that is an error.

    The value is a Tweet for `m`, a Deletion for `x`, an id for `e` and `g`, a pair of ids for `ok` (where the follower
    begins, and up to where no tweets are kept, or None), and None for `p`.
    """
    kind, data = frame
    match kind:
        case "m":
            return kind, tweet(data)
        case "x":
            return kind, deletion(data)
        case "e" | "g":
            return kind, kinds.integer(data["id"])
        case "ok":
            return kind, (kinds.integer(data["from"]), kinds.integer(data["gone"]) if "gone" in data else None)
        case "p":
            return kind, None
        case "err":
            raise refusal(data)
        case _:
            raise ValueError(kind)


def _tag_summary(data: Any) -> TagSummary:
    days = [kinds.integer(day) for day in kinds.array(data["days"], HISTORY_DAYS)]
    return TagSummary(kinds.string(data["tag"]), kinds.integer(data["count"]), kinds.at(data["newest"]), days)


def _stats_part(data: Any) -> dict[str, Any]:
    values = {name: _stats_value(value) for name, value in kinds.mapping(data, MAX_STATS).items()}
    if "started" in values:
        kinds.at(values["started"])
    return values


def _stats_value(value: Any) -> Any:
    if type(value) is float and math.isfinite(value) and abs(value) <= kinds.MAX_INTEGER:
        return value
    if type(value) is int:
        return kinds.integer(value, lowest=-kinds.MAX_INTEGER)
    return value if type(value) is bool else kinds.string_or_none(value)
