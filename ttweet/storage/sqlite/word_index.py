"""The index of words: which tweets have a word in their text, a tag or an author (see word_search).

FTS5 keeps it, without a copy of the tweets, and with the words of `model.words`: it splits at spaces alone. The index
is built in chunks behind the log, and is made of parts: one table of FTS5 for each 2^PART_BITS ids. So
the work that one part needs is bounded, however many tweets there are:

- A deletion removes the tweet from the index at once, but FTS5 leaves its words in the file until it merges all of a
  table's segments. That is done in steps after the deletion.
- A rule or a Python that makes other words means that each part is dropped and built again, the newest first.
- A part without tweets is dropped.

The tables are the server's own, and no step of the schema: a server makes them where SQLite has FTS5.
"""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from typing import NamedTuple

from ttweet.model import hashtags, words
from ttweet.model.characters import UNICODE
from ttweet.model.limits import MAX_ID
from ttweet.model.tweets import Tweet
from ttweet.storage.sqlite.errors import is_damage, primary_code
from ttweet.storage.sqlite.tweet_rows import to_tweet

log = logging.getLogger(__name__)

PART_BITS = 18  # lowest bits of the ids of one part: FTS5 merges it in 0.3 s and searches it for any phrase in 30 ms
CHUNK_TWEETS = 64  # indexed in one transaction, about 1 ms: no post waits for longer
MERGED_PAGES = 64  # of a part merged in one transaction, about 6 ms

MADE_BY = f"{words.RULE}.{hashtags.RULE} {UNICODE}"
"""The versions on which the words of this process depend: of both rules, and of the tables of Unicode."""

_STALE = ""  # in place of MADE_BY: the part must be dropped
_PARTS = """CREATE TABLE word_index (
    part INTEGER PRIMARY KEY,
    made_by TEXT NOT NULL,
    up_to INTEGER NOT NULL,
    oldest INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    ordered INTEGER NOT NULL,
    erasing INTEGER NOT NULL
) STRICT"""
_PART = """
    CREATE VIRTUAL TABLE word_index_{part}
    USING fts5 (text, tags, author, content='', columnsize=0, tokenize="ascii tokenchars '_~'")
"""
# Two statements in one: SQLite would read the whole table for both ends of it at once.
RANGE = "SELECT coalesce((SELECT min(id) FROM tweets), 1), coalesce((SELECT max(id) FROM tweets), 0)"
"""The oldest and the newest id of a tweet; the newest is the lower one if there are none."""
_SQL = "SELECT sql FROM main.sqlite_schema WHERE name = 'word_index'"
_HAS_FTS5 = "SELECT count(*) FROM pragma_module_list WHERE name = 'fts5'"
_ADD = "INSERT INTO word_index_{part} (rowid, text, tags, author) VALUES (?, ?, ?, ?)"
_REMOVE = "INSERT INTO word_index_{part} (word_index_{part}, rowid, text, tags, author) VALUES ('delete', ?, ?, ?, ?)"
_MERGE = "INSERT INTO word_index_{part} (word_index_{part}, rank) VALUES ('merge', ?)"
_MARK = """
    UPDATE word_index SET up_to = ?, oldest = min(oldest, ?), newest = max(newest, ?), ordered = min(ordered, ?)
    WHERE part = ?
"""
_NEXT = "SELECT id, at, author, text, tags FROM tweets WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?"

# How far the deleted words of a part have gone out of the file.
_GONE, _WANTED, _MERGING, _MERGING_AND_WANTED = range(4)
_AFTER_DELETION = {
    _GONE: _WANTED,
    _WANTED: _WANTED,
    _MERGING: _MERGING_AND_WANTED,
    _MERGING_AND_WANTED: _MERGING_AND_WANTED,
}

Step = Callable[[], None]


class IndexPart(NamedTuple):
    """A part of the index of words. Tweets up to the id `up_to` are in it.

    `oldest` and `newest` (ms) are the first and the last of their times; `ordered`: a higher id never has a lower time.
    """

    number: int
    made_by: str
    up_to: int
    oldest: int
    newest: int
    ordered: bool
    erasing: int

    @property
    def ids(self) -> range:
        """The ids that belong to the part."""
        return ids_of(self.number)


def part_of(id_: int) -> int:
    """Return the number of the part to which an id belongs."""
    return id_ >> PART_BITS


def ids_of(part: int) -> range:
    """Return the ids of tweets that belong to a part."""
    return range(part << PART_BITS, (part + 1) << PART_BITS)


def has_fts5(connection: sqlite3.Connection) -> bool:
    """Tell whether this SQLite can keep and search the index. Raises sqlite3.Error."""
    return bool(connection.execute(_HAS_FTS5).fetchone()[0])


def parts_of(connection: sqlite3.Connection) -> dict[int, IndexPart]:
    """Return the parts of a file's index by their numbers; none if a table of that name is not ours.

    Raises sqlite3.Error.
    """
    if connection.execute(_SQL).fetchone() != (_PARTS,):
        return {}
    return {row[0]: IndexPart(*row) for row in connection.execute("SELECT * FROM word_index")}


def ids_without_words(connection: sqlite3.Connection) -> int:
    """Return how many ids of the log the index lacks: those that a search reads one by one. Raises sqlite3.Error."""
    oldest, newest = connection.execute(RANGE).fetchone()
    parts = [part for part in parts_of(connection).values() if part.made_by == MADE_BY] if has_fts5(connection) else []
    indexed = sum(len(range(max(part.ids[0], oldest), min(part.up_to, newest) + 1)) for part in parts)
    return int(newest - oldest + 1 - indexed)


class WordIndex:
    """Keeps the index, or drops it if it is not `wanted`. It has no memory: all that it knows is in the file.

    `remove` and the steps work inside the caller's transaction. All of it raises sqlite3.Error.
    """

    def __init__(self, connection: sqlite3.Connection, *, wanted: bool) -> None:
        self._connection = connection
        self._wanted = wanted
        self._is_usable = has_fts5(connection)

    def next_erasure(self) -> Step | None:
        """Return the next step that removes words from the file, to be called in a transaction; None without one."""
        if not self._is_usable:
            return None
        oldest = self._oldest()
        for part in parts_of(self._connection).values():
            if not self._wanted or part.made_by == _STALE or oldest is None or part.ids[-1] < oldest:
                return self._step(self._drop, part)
            if part.erasing:
                return self._step(self._erase, part)
        return None

    def next_update(self, newest: int) -> Step | None:
        """Return the next step that indexes tweets, newest first, to be called in a transaction; None without one.

        A part that other words made is dropped first. `newest` is the log's newest id.
        """
        oldest = self._oldest()
        if oldest is None or not (self._is_usable and self._wanted):
            return None
        parts = parts_of(self._connection)
        for number in range(part_of(newest), part_of(oldest) - 1, -1):
            last = min(newest, ids_of(number)[-1])
            part = parts.get(number, IndexPart(number, MADE_BY, ids_of(number)[0] - 1, MAX_ID, -1, True, _GONE))
            if part.made_by != MADE_BY:
                return self._step(self._drop, part)
            if number not in parts:
                return self._step(self._begin, part)
            if part.up_to < last:
                return self._step(partial(self._build, last=last), part)
        return None

    def remove(self, tweets: Sequence[Tweet]) -> None:
        """Remove tweets from the index while they are still in their table. Their ids must rise."""
        parts = parts_of(self._connection)
        for number, group in groupby(tweets, lambda tweet: part_of(tweet.id)):
            if (part := parts.get(number)) is not None:
                self._remove(part, [tweet for tweet in group if tweet.id <= part.up_to and tweet.text])

    def _remove(self, part: IndexPart, tweets: Sequence[Tweet]) -> None:
        if not tweets or part.made_by == _STALE:
            return
        if not self._is_usable or part.made_by != MADE_BY:
            self._set_stale(part)
            return
        try:
            self._connection.executemany(_REMOVE.format(part=part.number), map(row_of, tweets))
        except sqlite3.DatabaseError as exc:
            if not is_of_index(exc):
                raise
            self._set_stale(part)
        else:
            self._set_erasing(part, _AFTER_DELETION[part.erasing])

    def _oldest(self) -> int | None:
        oldest: int | None = self._connection.execute("SELECT min(id) FROM tweets").fetchone()[0]
        return oldest

    def _drop(self, part: IndexPart) -> None:
        self._connection.execute(f"DROP TABLE IF EXISTS word_index_{part.number}")
        self._connection.execute("DELETE FROM word_index WHERE part = ?", (part.number,))

    def _erase(self, part: IndexPart) -> None:
        """Merge some pages: the first step puts all segments into one merge, and the last one leaves one segment."""
        merge = _MERGE.format(part=part.number)
        if part.erasing == _WANTED:
            self._connection.execute(merge, (-MERGED_PAGES,))
            self._set_erasing(part, _MERGING)
            return
        before = self._connection.total_changes
        self._connection.execute(merge, (MERGED_PAGES,))
        if self._connection.total_changes - before < 2:  # of the command itself, see "merge" in sqlite.org/fts5.html
            self._set_erasing(part, _GONE if part.erasing == _MERGING else _WANTED)

    def _step(self, work: Callable[[IndexPart], None], part: IndexPart) -> Step:
        """Return work on a part as a step. After an error of the index there is none until the next start."""

        def step() -> None:
            try:
                work(part)
            except sqlite3.DatabaseError as exc:
                if not is_of_index(exc):
                    raise
                self._is_usable = False
                if part.number in parts_of(self._connection):
                    self._set_stale(part)
                log.warning("find has no index until the next start: %s", exc)

        return step

    def _begin(self, part: IndexPart) -> None:
        if self._connection.execute(_SQL).fetchone() != (_PARTS,):
            self._connection.execute(_PARTS)  # fails where a table of that name is not ours
        self._connection.execute(_PART.format(part=part.number))
        self._connection.execute("INSERT INTO word_index VALUES (?, ?, ?, ?, ?, ?, ?)", part)

    def _build(self, part: IndexPart, last: int) -> None:
        rows = self._connection.execute(_NEXT, (part.up_to + 1, last, CHUNK_TWEETS)).fetchall()
        tweets = [to_tweet(row) for row in rows if row[3]]  # an empty text: an empty tweet or a tombstone
        self._connection.executemany(_ADD.format(part=part.number), map(row_of, tweets))
        up_to = rows[-1][0] if len(rows) == CHUNK_TWEETS else last
        self._mark(part, up_to, [row[1] for row in rows])

    def _mark(self, part: IndexPart, up_to: int, times: list[int]) -> None:
        oldest, newest = min(times, default=MAX_ID), max(times, default=-1)
        ordered = times == sorted(times) and oldest >= part.newest
        self._connection.execute(_MARK, (up_to, oldest, newest, ordered, part.number))

    def _set_erasing(self, part: IndexPart, erasing: int) -> None:
        self._connection.execute("UPDATE word_index SET erasing = ? WHERE part = ?", (erasing, part.number))

    def _set_stale(self, part: IndexPart) -> None:
        self._connection.execute("UPDATE word_index SET made_by = ? WHERE part = ?", (_STALE, part.number))


def is_of_index(exc: sqlite3.Error) -> bool:
    """Tell whether an error of a statement on the index means that the index is damaged or altered."""
    return is_damage(exc) or primary_code(exc) == sqlite3.SQLITE_ERROR


def row_of(tweet: Tweet) -> tuple[int, str, str, str]:
    """Return a tweet as a row of the index: spaces separate the words, as FTS5 splits them."""
    keys = " ".join([hashtags.key(tag) for tag in tweet.tags])
    return tweet.id, " ".join(words.words(tweet.text)), keys, words.whole(tweet.by) if tweet.by else ""
