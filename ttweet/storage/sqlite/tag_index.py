"""The index of tags, built in chunks behind the log.

To index each batch at once costs pages of the file: one for each tag's row, its links, its place among the most used.
32 tweets wrote 47 pages, 40 of them for tags, and took 0.9 ms of the writer's processor; in chunks they take half of
that. So tweets wait in memory until there are CHUNK_TWEETS of them, their tags weigh CHUNK_WEIGHT, or the first has
waited for MAX_DELAY_MS. The batch that follows then indexes one chunk in its transaction, in which `tag_index.up_to`
moves to the last tweet of the chunk. Readers, and the next server if this one dies, find the tweets above that mark in
the log (see tail).
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ttweet.model import hashtags
from ttweet.model.tweets import Tweet, weight_of
from ttweet.storage.sqlite import keying
from ttweet.storage.sqlite.rows import MAX_ROWS, Rows, Value
from ttweet.storage.sqlite.tag_table import TagTable
from ttweet.storage.sqlite.tag_uses import Tagged, to_tagged
from ttweet.storage.sqlite.tweet_rows import to_tweet

CHUNK_TWEETS = 1_000  # tweets indexed at once, about 5 ms: the batch that triggers it waits
CHUNK_WEIGHT = 96 * 1024  # of tags indexed at once, about 700 short tags: 11 ms
MAX_DELAY_MS = 1_000  # until a tweet is indexed while others follow: other programs see an index of that age

_UP_TO = "SELECT up_to FROM tag_index"
_MARK = "UPDATE tag_index SET up_to = ?"
_WAITING = "SELECT id, at, author, text, tags FROM tweets WHERE id > (SELECT up_to FROM tag_index) AND tags <> ''"
_LINKED = Rows("SELECT tweet FROM tags JOIN tweet_tags ON tag = tags.id WHERE key IN (VALUES ", 1, ")")
_TWEETS = Rows("SELECT id, at, author, text, tags FROM tweets WHERE id IN (VALUES ", 1, ") ORDER BY id")
_LETTERED = "SELECT id, key, lettered FROM tags WHERE key GLOB '*[^ -~]*'"


class _Built(NamedTuple):
    """What a transaction has indexed of the tweets that wait: the oldest of them, and what their tags weigh."""

    tweets: int
    weight: int
    mark: int
    """The id up to which the index has all tweets then."""


class TagIndex:
    """Indexes the tags of batches. Each transaction is followed by `keep` after COMMIT, or `forget` after ROLLBACK."""

    def __init__(self, connection: sqlite3.Connection, *, last_tweet: int) -> None:
        """Take up what an earlier process has left waiting in a log up to that id. Raises sqlite3.Error."""
        self._connection = connection
        [last_tag] = connection.execute("SELECT coalesce(max(id), 0) FROM tags").fetchone()
        self._table = TagTable(connection, last_id=last_tag)
        self._up_to: int = connection.execute(_UP_TO).fetchone()[0]
        self._waiting: list[Tagged] = [to_tagged(to_tweet(row)) for row in connection.execute(_WAITING)]
        self._newest = last_tweet
        self._since: int | None = None  # when the first that waits came
        self._fresh: list[Tagged] = []  # what the transaction under way adds
        self._fresh_newest = last_tweet
        self._weight = _weight_of(self._waiting)
        self._fresh_weight = 0
        self._built: _Built | None = None

    def rekey(self) -> None:
        """Key the tags again if another rule or another Python keyed them: inside the caller's transaction.

        Tags that have one key now are merged, and those that had one and have two now are parted. Raises sqlite3.Error.
        """
        if keying.of_file(self._connection, keying.FIRST_VERSION) == keying.OURS:
            return
        foreign = keying.foreign_keys(self._connection)
        tweets = _LINKED.run(self._connection, [(key,) for key in {*foreign.values()}])
        for page in _pages(sorted({*tweets})):
            self._count_again([to_tweet(row) for row in _TWEETS.run(self._connection, page)], foreign)
        self._mark_letters()
        self._connection.execute("UPDATE tag_index SET rule = ?, unicode = ?", keying.OURS)

    def add(self, tagged: Sequence[Tagged], newest: int, *, at: int) -> None:
        """Take the tweets of a batch, inside the caller's transaction; `newest` is the log's newest id, `at` (ms) now.

        Raises sqlite3.Error.
        """
        self._fresh += tagged
        self._fresh_newest = newest
        fresh = _weight_of(tagged)
        self._fresh_weight += fresh
        waited = self._since is not None and abs(at - self._since) >= MAX_DELAY_MS
        if waited or newest - self._up_to >= CHUNK_TWEETS or self._weight + self._fresh_weight >= CHUNK_WEIGHT:
            self.build(limit=max(CHUNK_WEIGHT, fresh))  # at least what the batch brings, or the rest grows without end
        elif self._since is None and newest > self._up_to:
            self._since = at

    def build(self, *, limit: int | None = None) -> None:
        """Index what waits, or the oldest tweets whose tags weigh `limit`, inside the caller's transaction.

        Raises sqlite3.Error.
        """
        done, done_weight, _ = self._built or _Built(0, 0, 0)
        waiting = (self._waiting + self._fresh)[done:]
        taken, weight = waiting, self._weight + self._fresh_weight - done_weight
        if limit is not None:
            taken, weight = _oldest(waiting, weight, limit)
        if taken:
            self._table.count(taken)
        mark = self._fresh_newest if len(taken) == len(waiting) else taken[-1][0]
        if mark > self._up_to:
            self._connection.execute(_MARK, (mark,))
        self._built = _Built(done + len(taken), done_weight + weight, mark)

    def uncount(self, tagged: Sequence[Tagged]) -> None:
        """Take tweets out of the index, in which all that waits is then: inside the caller's transaction.

        Raises sqlite3.Error.
        """
        self.build()
        self._table.uncount(tagged)

    def _count_again(self, tweets: Sequence[Tweet], foreign: Mapping[str, str]) -> None:
        again = [to_tagged(tweet) for tweet in tweets]
        self._table.uncount([to_tagged(tweet, foreign) for tweet in tweets])
        self._table.count(again)
        self._table.renew({key for _, _, tags in again for key in tags})

    def _mark_letters(self) -> None:
        """Say again which tags have letters, as a newer Python knows more of them."""
        tags = self._connection.execute(_LETTERED).fetchall()
        now = [(0 if hashtags.is_numeric(key) else 1, id_) for id_, key, _ in tags]
        changed = [one for one, (*_, before) in zip(now, tags, strict=True) if one[0] != before]
        self._connection.executemany("UPDATE tags SET lettered = ? WHERE id = ?", changed)

    def keep(self) -> None:
        """The transaction is committed: remember what it did."""
        self._newest = self._fresh_newest
        self._waiting += self._fresh
        self._weight += self._fresh_weight
        if self._built is not None:
            taken, weight, self._up_to = self._built
            self._since, self._waiting = None, self._waiting[taken:]
            self._weight -= weight
        self._fresh, self._fresh_weight, self._built = [], 0, None
        self._table.keep()

    def forget(self) -> None:
        """The transaction is rolled back: what it did may never have been."""
        self._fresh_newest = self._newest
        self._fresh, self._fresh_weight, self._built = [], 0, None
        self._table.forget()

    @property
    def complete(self) -> bool:
        """Whether nothing waits."""
        return self._up_to == self._newest


def _weight_of(tagged: Sequence[Tagged]) -> int:
    """What the tags of tweets weigh together."""
    return weight_of([key for _, _, tags in tagged for key in tags])


def _oldest(waiting: list[Tagged], weight: int, limit: int) -> tuple[list[Tagged], int]:
    """The oldest tweets whose tags weigh no more than `limit` together, and at least one; with their weight.

    `weight` is that of all. Few are left out, so the newest are looked at.
    """
    number = len(waiting)
    while weight > limit and number > 1:
        number -= 1
        weight -= weight_of(waiting[number][2])
    return waiting[:number], weight


def _pages(rows: list[tuple[Value, ...]]) -> Iterator[list[tuple[Value, ...]]]:
    """As many rows at a time as one statement takes."""
    for start in range(0, len(rows), MAX_ROWS):
        yield rows[start : start + MAX_ROWS]
