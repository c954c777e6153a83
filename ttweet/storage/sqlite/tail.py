"""The tail of the log: the tweets that the index of tags does not have yet (see tag_index), in memory.

Each connection that reads keeps a tail of its own and reads only what is new to it, so a query costs little more than
the index does. The index is never more than a few thousand tweets behind.
"""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ttweet.model.keying import Keying
from ttweet.model.tweets import Tweet
from ttweet.storage.sqlite.keying import UNKNOWN
from ttweet.storage.sqlite.tag_uses import to_tagged
from ttweet.storage.sqlite.tweet_rows import to_tweet

MARK_SINCE = 3  # of the schema: in the files of older ones the index has all

_MARK = "SELECT * FROM tag_index"  # its columns are those of the file's schema
_TAGGED = "SELECT id, at, author, text, tags FROM tweets WHERE id > ? AND tags <> '' ORDER BY id"

TailTweet = tuple[Tweet, Mapping[str, str]]
"""A tweet, and its tags: search key to spelling."""


class Tail:
    """The tail as one connection sees it. `refresh` it in each transaction before it is asked."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._marked = False  # the file has a mark, which no file loses again
        self.keying = UNKNOWN
        """How the tags of the index are keyed."""
        self.tweets: list[TailTweet] = []
        """The tweets with tags, ids rising."""

    def refresh(self) -> None:
        """Drop what the index has now and read what is new. Raises sqlite3.Error."""
        if not self._has_mark():
            return
        _, up_to, *keying = self._connection.execute(_MARK).fetchone()
        self.keying = Keying(*keying) if keying else UNKNOWN
        if self.tweets and self.tweets[0][0].id <= up_to:
            self.tweets = [one for one in self.tweets if one[0].id > up_to]
        newest = self.tweets[-1][0].id if self.tweets else up_to
        self.tweets += [tail_tweet(row) for row in self._connection.execute(_TAGGED, (newest,)).fetchall()]

    def newest_of(self, key: str, *, below: int, limit: int) -> list[Tweet]:
        """Return the newest tweets of a tag with an id below that one, newest first."""
        found = (tweet for tweet, tags in reversed(self.tweets) if key in tags and tweet.id < below)
        return [tweet for _, tweet in zip(range(limit), found, strict=False)]

    def any_after(self, keys: Collection[str], cursor: int, limit: int) -> list[Tweet]:
        """Return the oldest tweets of any of these tags with an id above the cursor, oldest first."""
        wanted = set(keys)
        found = (tweet for tweet, tags in self.tweets if tweet.id > cursor and not wanted.isdisjoint(tags))
        return [tweet for _, tweet in zip(range(limit), found, strict=False)]

    def _has_mark(self) -> bool:
        if not self._marked:
            [version] = self._connection.execute("PRAGMA user_version").fetchone()
            self._marked = version >= MARK_SINCE
        return self._marked


def tail_tweet(row: Sequence[Any]) -> TailTweet:
    """Return a row of the table tweets as a tweet of the tail."""
    tweet = to_tweet(row)
    return tweet, to_tagged(tweet)[2]
