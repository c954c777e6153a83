"""What a server answers, as values: for the clients, whichever way they came by it.

Each function takes the data of an answer and raises one of `frames.MISFITS` when it is not what a ttweet answers. Knows
no sockets and no bytes.
"""

from typing import Any

from ttweet.model.tweets import Deletion, Page, TagPage, TagSummary, Tweet


def tweet(data: Any) -> Tweet:
    """A tweet. Fields that are not known are ignored, as later versions may add some."""
    return Tweet(data["id"], data["at"], data["by"], data["text"], tuple(data["tags"]))


def tweet_or_none(data: Any) -> Tweet | None:
    """A tweet, where there may be none."""
    return tweet(data) if data else None


def deletion(data: Any) -> Deletion:
    """A deletion."""
    return Deletion(int(data["id"]), data["at"], int(data["tweet"]))


def page(data: Any) -> Page:
    """Some tweets."""
    return Page([tweet(one) for one in data["tweets"]], data["more"])


def tag_page(data: Any) -> TagPage:
    """Some tags."""
    tags = [TagSummary(tag["tag"], tag["count"], tag["newest"], tag["days"]) for tag in data["tags"]]
    return TagPage(tags, data["more"])


def names(data: Any) -> list[str]:
    """Those who are online."""
    return [str(name) for name in data["names"]]
