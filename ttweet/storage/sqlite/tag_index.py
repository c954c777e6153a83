"""The index of tags, built in chunks behind the log.

To index each batch at once costs pages of the file: one for each tag's row, its links, its place among the most used.
32 tweets wrote 47 pages, 40 of them for tags, and took 0.9 ms of the writer's processor; in chunks they take half of
that. So tweets wait in memory until there are CHUNK_TWEETS of them, their tags weigh CHUNK_WEIGHT, or the first has
waited for MAX_DELAY_MS. Then a chunk is due: all that waits is indexed in one transaction, in which `tag_index.up_to`
moves to the last tweet. The server does so between two batches, so that no upload waits for both. Without a server, the
batch after MAX_CHUNKS of them indexes them all. Readers, and the next server if this one dies, find the tweets above
that mark in the log (see tail).
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence

from ttweet.model import hashtags
from ttweet.model.keying import OURS
from ttweet.model.tweets import TagWeight, Tweet
from ttweet.storage.sqlite import keying
from ttweet.storage.sqlite.rows import MAX_ROWS, Rows, Value
from ttweet.storage.sqlite.tag_table import TagTable
from ttweet.storage.sqlite.tag_uses import Tagged, to_tagged
from ttweet.storage.sqlite.tweet_rows import to_tweet

CHUNK_TWEETS = 1_000  # tweets waiting until they are indexed, about 5 ms between two batches
CHUNK_WEIGHT = 12 * 1024  # of waiting tags until they are indexed, about 90 different short tags: 2 ms
MAX_DELAY_MS = 1_000  # until a tweet is indexed while others follow: other programs see an index of that age
MAX_CHUNKS = 2  # due, or delays over: then the next batch indexes them; a server indexes a chunk between batches

_UP_TO = "SELECT up_to FROM tag_index"
_MARK = "UPDATE tag_index SET up_to = ?"
_WAITING = "SELECT id, at, author, text, tags FROM tweets WHERE id > (SELECT up_to FROM tag_index) AND tags <> ''"
_LINKED = Rows("SELECT tweet FROM tags JOIN tweet_tags ON tag = tags.id WHERE key IN (VALUES ", 1, ")")
_TWEETS = Rows("SELECT id, at, author, text, tags FROM tweets WHERE id IN (VALUES ", 1, ") ORDER BY id")
_LETTERED = "SELECT id, key, lettered FROM tags WHERE key GLOB '*[^ -~]*'"


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
        self._waited_ms = 0  # up to the last batch
        self._fresh: list[Tagged] = []  # what the transaction under way adds
        self._fresh_newest = last_tweet
        self._fresh_up_to = self._up_to
        self._weight = _weight_of(self._waiting)  # with what is fresh

    def rekey(self) -> None:
        """Key the tags again if another rule or another Python keyed them: inside the caller's transaction.

        Tags that have one key now are merged, and those that had one and have two now are parted. Raises sqlite3.Error.
        """
        if keying.of_file(self._connection, keying.KEYING_SINCE) == OURS:
            return
        foreign = keying.foreign_keys(self._connection)
        tweets = _LINKED.run(self._connection, [(key,) for key in {*foreign.values()}])
        for page in _pages(sorted({*tweets})):
            self._count_again([to_tweet(row) for row in _TWEETS.run(self._connection, page)], foreign)
        self._mark_letters()
        self._connection.execute("UPDATE tag_index SET rule = ?, unicode = ?", OURS)

    def add(self, tagged: Sequence[Tagged], newest: int, *, at: int) -> None:
        """Take the tweets of a batch, inside the caller's transaction; `newest` is the log's newest id, `at` (ms) now.

        Raises sqlite3.Error.
        """
        self._fresh += tagged
        self._fresh_newest = newest
        self._weight.add(_keys_of(tagged))
        if self._since is None and newest > self._fresh_up_to:
            self._since = at
        self._waited_ms = 0 if self._since is None else abs(at - self._since)
        if self._is_behind(MAX_CHUNKS):
            self.build()

    def build(self) -> None:
        """Index what waits, inside the caller's transaction. Raises sqlite3.Error."""
        waiting = [one for one in self._waiting + self._fresh if one[0] > self._fresh_up_to]
        if waiting:
            self._table.count(waiting)
        if self._fresh_newest > self._fresh_up_to:
            self._fresh_up_to = self._fresh_newest
            self._connection.execute(_MARK, (self._fresh_up_to,))
        self._since, self._waited_ms, self._weight = None, 0, TagWeight()

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
        """Remember what the committed transaction did."""
        self._newest = self._fresh_newest
        self._waiting += self._fresh
        self._fresh = []
        if self._up_to != self._fresh_up_to:
            self._up_to = self._fresh_up_to
            self._waiting = [one for one in self._waiting if one[0] > self._up_to]
        self._table.keep()

    def forget(self) -> None:
        """Forget what the rolled back transaction did."""
        self._fresh = []
        self._fresh_newest, self._fresh_up_to = self._newest, self._up_to
        self._weight = _weight_of(self._waiting)
        self._table.forget()

    @property
    def is_due(self) -> bool:
        """Whether there is a chunk to build."""
        return not self.complete and self._is_behind(1)

    @property
    def complete(self) -> bool:
        """Whether nothing waits."""
        return self._up_to == self._newest

    def _is_behind(self, chunks: int) -> bool:
        """Whether so many chunks wait, or the first tweet has waited as many times as long as it may."""
        return (
            self._fresh_newest - self._fresh_up_to >= chunks * CHUNK_TWEETS
            or self._weight.total >= chunks * CHUNK_WEIGHT
            or self._waited_ms >= chunks * MAX_DELAY_MS
        )


def _keys_of(tagged: Sequence[Tagged]) -> list[str]:
    return [key for _, _, tags in tagged for key in tags]


def _weight_of(tagged: Sequence[Tagged]) -> TagWeight:
    weight = TagWeight()
    weight.add(_keys_of(tagged))
    return weight


def _pages(rows: list[tuple[Value, ...]]) -> Iterator[list[tuple[Value, ...]]]:
    """As many rows at a time as one statement takes."""
    for start in range(0, len(rows), MAX_ROWS):
        yield rows[start : start + MAX_ROWS]
