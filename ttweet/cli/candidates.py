"""Tags and names that complete what is typed, from a server or a file. Quick to import."""

from __future__ import annotations

from ttweet.model.limits import MAX_QUERY_LIMIT
from ttweet.model.reports import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from ttweet.model.tweets import Found, TagPage

    class Source(Protocol):
        """A client, or what else answers these queries."""

        def list_tags(self, *, limit: int) -> TagPage:
            """Return the most used tags."""
            ...

        def find(self, query: str, *, limit: int) -> Found:
            """Return the newest tweets that a query finds."""
            ...


def tags(source: Source) -> list[str]:
    """Return the most used tags. Raises as the source does."""
    return _harmless([summary.tag for summary in source.list_tags(limit=MAX_QUERY_LIMIT).tags])


def names(source: Source) -> list[str]:
    """Return the authors of the newest tweets, each once. Raises as the source does."""
    return _harmless(sorted({tweet.by for tweet in source.find("", limit=MAX_QUERY_LIMIT).tweets if tweet.by}))


def _harmless(words: list[str]) -> list[str]:
    """Return the words that a terminal shows as they are: strangers have chosen them."""
    return [word for word in words if escape(word) == word]
