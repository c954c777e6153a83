"""Tags and names that complete a word, from a server or a file. Strangers chose them. Quick to import."""

from __future__ import annotations

from ttweet.model.errors import Refused
from ttweet.model.limits import MAX_QUERY_LIMIT
from ttweet.model.reports import escape
from ttweet.model.tweets import checked_name, queried_tag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from ttweet.model.tweets import Found, TagPage

    class Source(Protocol):
        """A client, or a source of the commands."""

        def list_tags(self, *, limit: int, numbers: bool) -> TagPage:
            """Return the most used tags."""
            ...

        def find(self, asked: str, /, *, limit: int, before: int | None) -> Found:
            """Return the newest tweets that a query finds."""
            ...


def tags(source: Source) -> list[str]:
    """Return the most used tags. Raises as the source does."""
    found = source.list_tags(limit=MAX_QUERY_LIMIT, numbers=False).tags
    return [summary.tag for summary in found if _is(queried_tag, summary.tag)]


def names(source: Source) -> list[str]:
    """Return the authors of the newest tweets, each once. Raises as the source does."""
    found = source.find("", limit=MAX_QUERY_LIMIT, before=None).tweets
    return sorted({tweet.by for tweet in found if tweet.by and _is(checked_name, tweet.by)})


def _is(check: Callable[[str], str], word: str) -> bool:
    """Return whether a word is a tag or a name in fact, and shown as it is.

    It has no character then that a terminal or a shell interprets, whatever the server sends.
    """
    try:
        return check(word) == escape(word)
    except Refused:
        return False
