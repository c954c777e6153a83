"""The steps of the database schema, oldest first; docs/schema.md describes what they add up to.

A step that was released is never changed. A new one goes below the others, sets `user_version` to its number, and
`SCHEMA_VERSION` in ttweet/storage/sqlite/connections.py follows. This runs without the package:
`sqlite-utils migrate tweets.db migrations/`.
"""

import hashlib
import secrets
from collections.abc import Iterator

from sqlite_utils import Database, Migrations

migrations = Migrations("ttweet")

_INITIAL = (
    "PRAGMA application_id = 0x74747765",  # "ttwe": tells a file of ttweet's from any other, without SQL
    "PRAGMA user_version = 1",  # tells a newer schema, without SQL
    # AUTOINCREMENT: an id is a cursor, so it must not be given twice, not even after a DELETE by hand.
    """
    CREATE TABLE tweets (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at INTEGER NOT NULL,
        author TEXT,
        text TEXT NOT NULL,
        tags TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE tags (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        spelling TEXT NOT NULL,
        spelling_count INTEGER NOT NULL,
        count INTEGER NOT NULL,
        newest INTEGER NOT NULL,
        lettered INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE INDEX tags_by_use ON tags (lettered, count DESC, newest DESC)",
    """
    CREATE TABLE tweet_tags (
        tag INTEGER NOT NULL REFERENCES tags (id),
        tweet INTEGER NOT NULL REFERENCES tweets (id),
        PRIMARY KEY (tag, tweet)
    ) STRICT, WITHOUT ROWID
    """,
    # The spellings that are not in tags.spelling, so that a tag with a single spelling costs no row here.
    """
    CREATE TABLE spellings (
        tag INTEGER NOT NULL REFERENCES tags (id),
        spelling TEXT NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (tag, spelling)
    ) STRICT, WITHOUT ROWID
    """,
    # The day first: all that is counted today lies on a few pages, so a commit writes few.
    """
    CREATE TABLE tag_days (
        day INTEGER NOT NULL,
        tag INTEGER NOT NULL REFERENCES tags (id),
        count INTEGER NOT NULL,
        PRIMARY KEY (day, tag)
    ) STRICT, WITHOUT ROWID
    """,
    # The tweet is the primary key: the oldest keys come first, which is the order in which they are forgotten.
    """
    CREATE TABLE keys (
        tweet INTEGER PRIMARY KEY REFERENCES tweets (id),
        author TEXT NOT NULL,
        key TEXT NOT NULL,
        UNIQUE (author, key)
    ) STRICT
    """,
    # first_line: one server at a time writes, so a session's lines are neighbours and need no index to be found.
    """
    CREATE TABLE sessions (
        id INTEGER PRIMARY KEY,
        started INTEGER NOT NULL,
        stopped INTEGER,
        how TEXT NOT NULL,
        first_line INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE log (
        id INTEGER PRIMARY KEY,
        session INTEGER NOT NULL REFERENCES sessions (id),
        at INTEGER NOT NULL,
        side TEXT NOT NULL,
        category TEXT,
        text TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE VIEW timeline AS
        SELECT id,
            strftime('%Y-%m-%dT%H:%M:%S', at / 1000, 'unixepoch') || printf('.%03dZ', at % 1000) AS at,
            author AS "by",
            text,
            tags
        FROM tweets
        WHERE text <> ''
    """,
)


@migrations(name="0001_initial")
def initial(db: Database) -> None:
    """Make the tables of the first release."""
    for statement in _INITIAL:
        db.execute(statement)


_BY_AUTHOR = (
    "PRAGMA user_version = 2",
    "CREATE INDEX tweets_by_author ON tweets (author) WHERE author IS NOT NULL",
)


@migrations(name="0002_by_author")
def by_author(db: Database) -> None:
    """Find an author's tweets, in the order of their ids, which an index carries anyway."""
    for statement in _BY_AUTHOR:
        db.execute(statement)


_TAG_INDEX = (
    "PRAGMA user_version = 3",
    "CREATE TABLE tag_index (id INTEGER PRIMARY KEY CHECK (id = 1), up_to INTEGER NOT NULL) STRICT",
    "INSERT INTO tag_index (id, up_to) SELECT 1, coalesce(max(id), 0) FROM tweets",
)


@migrations(name="0003_tag_index")
def tag_index(db: Database) -> None:
    """Say up to which tweet the tables of tags are complete."""
    for statement in _TAG_INDEX:
        db.execute(statement)


_DELETIONS = (
    "PRAGMA user_version = 4",
    # The id is one of the sequence that tweets have theirs of, so that a cursor passes each deletion once.
    """
    CREATE TABLE deletions (
        id INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        tweet INTEGER NOT NULL UNIQUE
    ) STRICT
    """,
    # A tag's row goes with its last tweet. Without an index by tag, that foreign key would read the whole table then.
    # This way of dropping one is that of sqlite.org/lang_altertable.html, section 7; the rows stay as they are.
    "PRAGMA writable_schema = ON",
    """
    UPDATE sqlite_schema SET sql = replace(sql, 'tag INTEGER NOT NULL REFERENCES tags (id)', 'tag INTEGER NOT NULL')
    WHERE name = 'tag_days'
    """,
    "PRAGMA writable_schema = RESET",
)


@migrations(name="0004_deletions")
def deletions(db: Database) -> None:
    """Tell of deleted tweets, and let tags go with the last of their tweets."""
    for statement in _DELETIONS:
        db.execute(statement)


_PRUNING = (
    "PRAGMA user_version = 5",
    # The same for the rows of tweets: their children are found by tag and by key, not by tweet.
    "PRAGMA writable_schema = ON",
    """
    UPDATE sqlite_schema SET sql = replace(sql, ' REFERENCES tweets (id)', '')
    WHERE name IN ('tweet_tags', 'keys')
    """,
    "PRAGMA writable_schema = RESET",
)


@migrations(name="0005_pruning")
def pruning(db: Database) -> None:
    """Let old tweets go without a look at all links for each."""
    for statement in _PRUNING:
        db.execute(statement)


_KEY_DIGESTS = (
    "PRAGMA user_version = 6",
    "PRAGMA secure_delete = ON",  # the names and keys that go are overwritten
    # Random, so that a digest tells nothing without the file that it is from.
    "CREATE TABLE key_secret (id INTEGER PRIMARY KEY CHECK (id = 1), secret BLOB NOT NULL) STRICT",
    "PRAGMA legacy_alter_table = ON",  # or a view of the user's follows the old table to its end
    "ALTER TABLE keys RENAME TO old_keys",
    "PRAGMA legacy_alter_table = OFF",
    # The tweet is the primary key: the oldest keys come first, which is the order in which they are forgotten.
    """
    CREATE TABLE keys (
        tweet INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        digest BLOB NOT NULL UNIQUE
    ) STRICT
    """,
)
# The tweet of a key may have been removed as too old. The next tweet's time is the best that is known then.
_OLD_KEYS = """
    SELECT tweet, coalesce((SELECT at FROM tweets WHERE id >= tweet ORDER BY id LIMIT 1), 0), author, key
    FROM old_keys ORDER BY tweet
"""


@migrations(name="0006_key_digests")
def key_digests(db: Database) -> None:
    """Keep digests of authors and keys, so that nothing of a deleted tweet is left here."""
    for statement in _KEY_DIGESTS:
        db.execute(statement)
    secret = secrets.token_bytes(32)
    db.execute("INSERT INTO key_secret (id, secret) VALUES (1, ?)", (secret,))
    db.conn.executemany("INSERT INTO keys (tweet, at, digest) VALUES (?, ?, ?)", _digested(db, secret))
    db.execute("DROP TABLE old_keys")


def _digested(db: Database, secret: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield the rows of the new table; `KeyTable.digest` in the package computes the same digests."""
    for tweet, at, author, key in db.execute(_OLD_KEYS):
        yield tweet, at, hashlib.blake2b(f"{author}\0{key}".encode(), key=secret, digest_size=16).digest()


_NEWEST_BY_ID = (
    "PRAGMA user_version = 7",
    # Until now this was the highest time, which a clock that was ahead once has left there.
    """
    UPDATE tags SET newest = tweets.at
    FROM (SELECT tag, max(tweet) AS tweet FROM tweet_tags GROUP BY tag) AS last JOIN tweets ON tweets.id = last.tweet
    WHERE last.tag = tags.id AND tags.newest <> tweets.at
    """,
)


@migrations(name="0007_newest_by_id")
def newest_by_id(db: Database) -> None:
    """Let a tag's newest tweet be the one with the highest id."""
    for statement in _NEWEST_BY_ID:
        db.execute(statement)


_TAG_KEYING = (
    "PRAGMA user_version = 8",
    # The defaults are true of the files that there are: the first rule, by the Unicode tables of any Python.
    "ALTER TABLE tag_index ADD COLUMN rule INTEGER NOT NULL DEFAULT 1",
    "ALTER TABLE tag_index ADD COLUMN unicode TEXT NOT NULL DEFAULT ''",
)


@migrations(name="0008_tag_keying")
def tag_keying(db: Database) -> None:
    """Say how tags are keyed. The next server that has another rule, or another Python, keys them again."""
    for statement in _TAG_KEYING:
        db.execute(statement)


_LOG_DETAILS = (
    "PRAGMA user_version = 9",
    "ALTER TABLE log ADD COLUMN code TEXT",
    "ALTER TABLE log ADD COLUMN identity TEXT",
    "ALTER TABLE log ADD COLUMN address TEXT",
)


@migrations(name="0009_log_details")
def log_details(db: Database) -> None:
    """Tell in columns of the report log which error a client got, by whose token, and from where."""
    for statement in _LOG_DETAILS:
        db.execute(statement)


_ORIGINS = (
    "PRAGMA user_version = 10",
    "CREATE TABLE origins (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
    "INSERT INTO origins (id, name) VALUES (0, lower(hex(randomblob(8))))",  # this database
    """
    CREATE TABLE merged (
        origin INTEGER NOT NULL REFERENCES origins (id),
        original INTEGER NOT NULL,
        tweet INTEGER NOT NULL,
        PRIMARY KEY (origin, original)
    ) STRICT, WITHOUT ROWID
    """,
)


@migrations(name="0010_origins")
def origins(db: Database) -> None:
    """Name the database, and note which tweets came from others, so that each is merged once."""
    for statement in _ORIGINS:
        db.execute(statement)


_REPLICA = (
    "PRAGMA user_version = 11",
    """
    CREATE TABLE replica (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        log TEXT NOT NULL,
        position INTEGER NOT NULL,
        checksum INTEGER NOT NULL,
        prune_before INTEGER NOT NULL
    ) STRICT
    """,
    "CREATE TABLE replica_origins (name TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT, WITHOUT ROWID",
)


@migrations(name="0011_replica")
def replica(db: Database) -> None:
    """Say how far the file has followed the log of a cluster."""
    for statement in _REPLICA:
        db.execute(statement)


_REDACTIONS = (
    "PRAGMA user_version = 12",
    """
    CREATE TABLE redactions (
        tweet INTEGER PRIMARY KEY,
        text TEXT NOT NULL,
        searched INTEGER NOT NULL
    ) STRICT
    """,
    "ALTER TABLE replica_origins ADD COLUMN position INTEGER NOT NULL DEFAULT 0",
)


@migrations(name="0012_redactions")
def redactions(db: Database) -> None:
    """Note the deleted texts that report lines may still repeat, and the order in which origins were last used."""
    for statement in _REDACTIONS:
        db.execute(statement)
