"""The check of a database file: its pages, its schema, its tweets, the counts of their tags, and its index of words.

It reads one snapshot while a server may be running, writes nothing to the file, and needs a bounded amount of memory:
the uses of tags, which can be many, go to a scratch database, which SQLite keeps in a file that has no name. Knows no
trio and no command line.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from ttweet.model import hashtags, stored
from ttweet.model.characters import UNICODE, is_settled
from ttweet.model.durations import DAY_MS
from ttweet.model.errors import Refused, StoreError
from ttweet.model.limits import MAX_ID
from ttweet.model.remedies import NEW_FILE, SAVE_WHAT_IS_LEFT
from ttweet.model.tweets import Tweet
from ttweet.storage.contract import OnProgress
from ttweet.storage.sqlite import keying, word_check
from ttweet.storage.sqlite.connections import connect_reader, schema_objections
from ttweet.storage.sqlite.errors import is_damage, remedy_of_damage, store_error
from ttweet.storage.sqlite.header import SCHEMA_VERSION
from ttweet.storage.sqlite.integrity import are_of_indexes, damages
from ttweet.storage.sqlite.migrating import expected_schema, our_tables
from ttweet.storage.sqlite.reader import COUNT_TWEETS
from ttweet.storage.sqlite.tail import MARK_SINCE
from ttweet.storage.sqlite.tweet_rows import to_tweet

PROGRESS_TWEETS = 1000  # tweets between updates of the progress, about 10 ms

_SCRATCH = """
    CREATE TABLE scratch.uses (key TEXT, tweet INTEGER, spelling TEXT, at INTEGER, PRIMARY KEY (key, tweet))
    WITHOUT ROWID
"""
_USE = "INSERT OR IGNORE INTO scratch.uses VALUES (?, ?, ?, ?)"
_PAGE = "SELECT id, at, author, text, tags FROM tweets WHERE id > ? AND author IS NOT '' ORDER BY id LIMIT ?"
_FACTS = f"SELECT ({COUNT_TWEETS}), (SELECT count(*) FROM tags), (SELECT count(*) FROM log)"  # noqa: S608  # of constants
_KNOWN = "SELECT count(*) FROM tags WHERE key IN (SELECT value FROM json_each(?))"
_COUNTED = {  # as the tweets have it, and as the tables have it; the first column is a tag's key
    "links to tweets": (
        "SELECT key, tweet FROM scratch.uses",
        "SELECT key, tweet FROM tweet_tags JOIN tags ON tags.id = tag",
    ),
    "counts of tweets": (
        "SELECT key, count(*) FROM scratch.uses GROUP BY key",
        "SELECT key, count FROM tags",
    ),
    "spellings": (
        "SELECT key, spelling, count(*) FROM scratch.uses GROUP BY key, spelling",
        """
        SELECT key, spelling, spelling_count FROM tags
        UNION ALL SELECT key, s.spelling, s.count FROM spellings s JOIN tags ON tags.id = tag
        """,
    ),
    "uses by day": (
        f"SELECT key, at / {DAY_MS}, count(*) FROM scratch.uses GROUP BY key, at / {DAY_MS}",  # noqa: S608  # of constants
        "SELECT key, day, d.count FROM tag_days d JOIN tags ON tags.id = tag",
    ),
}
NEWEST_VERSION = 7  # of the schema: in the files of older ones it is the highest time
_NEWEST = {
    "newest tweets": (
        "SELECT key, at FROM (SELECT key, max(tweet), at FROM scratch.uses GROUP BY key)",
        "SELECT key, newest FROM tags",
    )
}
_DIFFERENT = """
    SELECT count(*), min(key)
    FROM (
        SELECT key FROM (SELECT * FROM ({said}) EXCEPT SELECT * FROM ({stored}))
        UNION SELECT key FROM (SELECT * FROM ({stored}) EXCEPT SELECT * FROM ({said}))
    )
"""
_LOG = {  # what must not be found
    "more than one running session": "SELECT count(*) > 1 FROM sessions WHERE how = 'running'",
    "report lines before their session": (
        "SELECT count(*) FROM log JOIN sessions ON sessions.id = session WHERE log.id < first_line"
    ),
    "report lines with an invalid side": "SELECT count(*) FROM log WHERE side NOT IN ('SERVER', 'CLIENT')",
    "report lines with control characters": (
        "SELECT count(*) FROM log WHERE text GLOB '*[' || char(1) || '-' || char(31) || char(127) || ']*'"
    ),
}

_NO_SCRATCH = "the check needs room for a scratch file; set SQLITE_TMPDIR to a folder that has some"
HARMLESS = "the tweets are not affected, and a server can still use the database"
BUILD_WORDS_AGAIN = "a server without an index of words drops it, and the next one with it builds it again"


class Finding(NamedTuple):
    """A problem and its remedy: one of `remedies`, or another sentence."""

    what: str
    way_out: str


class Facts(NamedTuple):
    """The counts of a sound file."""

    tweets: int
    tags: int
    lines: int
    schema: int


class Check:
    """One look at a whole file. `run` it, then see `facts`."""

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises OpenError for a file that is missing, no database of ours, newer, or damaged in its header.
        """
        self._path = path
        self._connection = connect_reader(path)
        self.facts: Facts | None = None
        """None while it is not known, and when the file is too damaged to tell."""
        self._rule = hashtags.RULE
        self._foreign: dict[str, str] = {}  # spellings that another Python keyed otherwise, with their keys
        self._unindexed: set[str] = set()  # keys of tags, those of tweets that the index of tags does not have yet
        self.unlike = 0
        """Tweets without some of the hashtags in their texts; nothing is wrong with that: clients may choose tags."""

    def run(self, progress: OnProgress) -> Iterator[Finding]:
        """All that is wrong. `progress` is called with the tweets that were looked at, and all tweets.

        Raises StoreError when the file cannot be read for another reason than damage: `busy`, or `full` when there is
        no room for the scratch database.
        """
        with closing(self._connection) as connection:
            try:
                connection.execute("PRAGMA query_only = OFF")  # for the scratch database; the file is open for reading
                connection.execute("ATTACH '' AS scratch")
                connection.execute(_SCRATCH)
                connection.execute("BEGIN")
                yield from self._run(progress)
            except sqlite3.DatabaseError as exc:
                error = store_error(exc, path=self._path)
                if error.code == "full":
                    raise StoreError("full", _NO_SCRATCH) from exc
                if error.code != "internal":
                    raise error from exc
                todo = SAVE_WHAT_IS_LEFT if is_damage(exc) else NEW_FILE
                yield Finding(str(exc).rstrip(": "), todo)  # SQLite names a file there, if it has a name

    def _run(self, progress: OnProgress) -> Iterator[Finding]:
        yield from [Finding(*objection) for objection in schema_objections(self._connection, self._path)]
        if found := damages(self._connection, tables := our_tables()):
            todo = remedy_of_damage(reindex=are_of_indexes(self._connection, found, tables))
            yield from [Finding(damage, todo) for damage in found]
            return
        [version] = self._connection.execute("PRAGMA user_version").fetchone()
        yield from self._schema(version)
        yield from self._foreign_keys()
        count, tags, lines = self._connection.execute(_FACTS).fetchone()
        self.facts = Facts(count, tags, lines, version)
        yield from self._tweets(version, count, progress)
        self.facts = self.facts._replace(tags=tags + self._new_tags())
        yield from self._tags(version)
        yield from [Finding(what, BUILD_WORDS_AGAIN) for what in word_check.objections(self._connection)]
        for what, query in _LOG.items():
            if self._connection.execute(query).fetchone()[0]:
                yield Finding(what, HARMLESS)

    def _schema(self, version: int) -> Iterator[Finding]:
        """Nothing is missing from a file of an older schema: a server brings it up to date."""
        if version < SCHEMA_VERSION:
            return
        found = dict(self._connection.execute("SELECT name, sql FROM main.sqlite_schema"))
        for name, sql in expected_schema().items():
            if name not in found and not sql.startswith("CREATE TABLE"):
                yield Finding(f"{name} is missing from the schema", NEW_FILE)
            elif sql.startswith("CREATE VIEW") and found[name] != sql:
                yield Finding(f"{name} differs from the schema", NEW_FILE)

    def _foreign_keys(self) -> Iterator[Finding]:
        broken: dict[tuple[str, str], int] = {}
        for table, _, parent, _ in self._connection.execute("PRAGMA main.foreign_key_check"):
            broken[table, parent] = broken.get((table, parent), 0) + 1
        for (table, parent), count in broken.items():
            yield Finding(f"rows of {table} without a row in {parent}: {count:,}", NEW_FILE)

    def _tweets(self, version: int, total: int, progress: OnProgress) -> Iterator[Finding]:
        """Look at each tweet, and note the uses of tags that the index should have."""
        self._learn_keying(version)
        up_to = self._indexed_up_to(version)
        wrong: dict[str, tuple[int, int]] = {}  # how many, and the first
        done, cursor = 0, 0
        while rows := self._connection.execute(_PAGE, (cursor, PROGRESS_TWEETS)).fetchall():
            for tweet in [to_tweet(row) for row in rows]:
                if what := _mistake(tweet):
                    count, first = wrong.get(what, (0, tweet.id))
                    wrong[what] = (count + 1, first)
                self._note(tweet, indexed=tweet.id <= up_to)
            done, cursor = done + len(rows), rows[-1][0]
            progress(done, total)
        for what, (count, first) in wrong.items():
            yield Finding(f"tweets with {what}: {count:,}; the first is {first}", NEW_FILE)

    def _indexed_up_to(self, version: int) -> int:
        if version < MARK_SINCE:
            return MAX_ID
        up_to: int = self._connection.execute("SELECT up_to FROM tag_index").fetchone()[0]
        return up_to

    def _learn_keying(self, version: int) -> None:
        """Judge keys by the rule that made them, and not at all where other Unicode tables may have made them."""
        self._rule, unicode = keying.of_file(self._connection, version)
        if unicode != UNICODE:
            foreign = keying.foreign_keys(self._connection, self._rule)
            self._foreign = {spelling: key for spelling, key in foreign.items() if not is_settled(spelling)}

    def _key(self, tag: str) -> str:
        return self._foreign.get(tag) or hashtags.key(tag, rule=self._rule)

    def _note(self, tweet: Tweet, *, indexed: bool) -> None:
        if not tweet.tags and "#" not in tweet.text:
            return
        keyed = {self._key(tag): tag for tag in tweet.tags}
        self.unlike += any(self._key(tag) not in keyed for tag in hashtags.extract(tweet.text, numeric=True))
        if indexed:
            self._connection.executemany(_USE, [(key, tweet.id, tag, tweet.at) for key, tag in keyed.items()])
        else:
            self._unindexed |= keyed.keys()

    def _new_tags(self) -> int:
        """How many tags only those tweets have that the index does not have yet."""
        known: int = self._connection.execute(_KNOWN, (json.dumps(sorted(self._unindexed)),)).fetchone()[0]
        return len(self._unindexed) - known

    def _tags(self, version: int) -> Iterator[Finding]:
        counted = _COUNTED | _NEWEST if version >= NEWEST_VERSION else _COUNTED
        for what, (said, found) in counted.items():
            count, key = self._connection.execute(_DIFFERENT.format(said=said, stored=found)).fetchone()
            if count:
                yield Finding(f"tags with wrong {what}: {count:,}, such as #{key}", NEW_FILE)


def _mistake(tweet: Tweet) -> str | None:
    """Return the part of a tweet that no server would have stored."""
    try:
        if stored.checked_text(tweet.text) != tweet.text:
            return "a text that is not in normal form"
        if tweet.by and stored.checked_name(tweet.by) != tweet.by:
            return "a name that is not in normal form"
    except Refused as refused:
        return f"an invalid text or name ({refused.code})"
    try:
        stored.refuse_bad_tags(tweet.tags)
    except Refused:
        return "invalid or repeated tags"
    return None
