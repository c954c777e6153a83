"""The check of the index of words: its marks, and the words that it has for each tweet.

The words of a part are compared as one number a tweet: the hashes of all its words, combined so that their order does
not matter. A part takes 2^PART_BITS of these numbers, 2 MiB, however many words it has.
"""

import sqlite3
from array import array
from collections.abc import Iterator

from ttweet.model.tweets import Tweet
from ttweet.storage.sqlite.entries import NEWEST_ID
from ttweet.storage.sqlite.tweet_rows import to_tweet
from ttweet.storage.sqlite.word_index import MADE_BY, RANGE, IndexPart, has_fts5, is_of_index, parts_of, row_of

_VOCABULARY = "CREATE VIRTUAL TABLE temp.words_checked USING fts5vocab(main, word_index_{part}, instance)"
_INSTANCES = "SELECT doc, col, offset, term FROM temp.words_checked"
_COLUMNS = ("text", "tags", "author")
_TWEETS = "SELECT id, at, author, text, tags FROM tweets WHERE id BETWEEN ? AND ? AND text <> ''"


def objections(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield the faults of a file's index, as far as this Python makes the same words and this SQLite has FTS5.

    The connection must be able to make temporary tables. Raises sqlite3.Error.
    """
    oldest, newest = connection.execute(RANGE).fetchone()
    if oldest > newest or not has_fts5(connection):
        return  # without a tweet a server drops the index
    if not (parts := parts_of(connection)):
        return  # also in a file of a schema without deletions
    (newest,) = connection.execute(NEWEST_ID).fetchone()  # of the log: a mark may be that of a deletion
    for part in parts.values():
        if part.made_by == MADE_BY:
            yield from _of_part(connection, part, newest)


def _of_part(connection: sqlite3.Connection, part: IndexPart, newest: int) -> Iterator[str]:
    name = f"part {part.number} of the index of words"
    if not part.ids[0] - 1 <= part.up_to <= min(part.ids[-1], newest):
        yield f"{name} has the mark {part.up_to:,}, and the newest id is {newest:,}"
        return
    try:
        wrong = _wrong(connection, part)
    except sqlite3.DatabaseError as exc:
        if not is_of_index(exc):
            raise
        yield f"{name} cannot be read: {exc}"
    else:
        if wrong:
            yield f"tweets whose words are not those of the index: {len(wrong):,}; the first is {wrong[0]}"


def _wrong(connection: sqlite3.Connection, part: IndexPart) -> list[int]:
    """Return the ids for which the index has other words than the tweet, or words without a tweet."""
    sums, first, strangers = array("q", bytes(8 * len(part.ids))), part.ids[0], set[int]()
    connection.execute(_VOCABULARY.format(part=part.number))
    try:
        for id_, column, offset, word in connection.execute(_INSTANCES):
            if id_ in part.ids:
                sums[id_ - first] ^= hash((column, offset, word))
            else:
                strangers.add(id_)
    finally:
        connection.execute("DROP TABLE temp.words_checked")
    for row in connection.execute(_TWEETS, (first, part.up_to)):
        tweet = to_tweet(row)
        sums[tweet.id - first] ^= _sum(tweet)
    return sorted([*strangers, *[first + place for place, rest in enumerate(sums) if rest]])


def _sum(tweet: Tweet) -> int:
    found = 0
    for column, words in zip(_COLUMNS, row_of(tweet)[1:], strict=True):
        for offset, word in enumerate(words.split()):
            found ^= hash((column, offset, word))
    return found
