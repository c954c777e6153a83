"""The store kept in SQLite: the one writer.

A batch is one transaction of as few steps as can be: ids are given out in memory, many rows go into one statement,
tags are counted once a batch. Only what COMMIT has confirmed is kept in memory. Knows no trio and no wire.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self, TypeVar

from ttweet.model.errors import Displaced, Refused, StoreError
from ttweet.model.limits import MAX_ID, MAX_TWEET_ID
from ttweet.model.reports import Report
from ttweet.model.tweets import Deletion, Draft, Entry, Tombstone, Tweet
from ttweet.storage.contract import NOT_SEARCHED, Traces
from ttweet.storage.sqlite.connections import ENGINE, checkpoint, checkpoint_at_once, schema_objections
from ttweet.storage.sqlite.database_file import DatabaseFile
from ttweet.storage.sqlite.errors import store_error
from ttweet.storage.sqlite.key_table import PURGE_PAUSE_MS, KeyTable
from ttweet.storage.sqlite.log_table import LogTable
from ttweet.storage.sqlite.migrating import told_when_long
from ttweet.storage.sqlite.reader import Queries, SqliteReader
from ttweet.storage.sqlite.removal import (
    DELETED,
    blank,
    oldest_before,
    redact,
    remove_up_to,
    without_gone,
)
from ttweet.storage.sqlite.room import Disk, missing, more_room, no_room
from ttweet.storage.sqlite.rows import Rows, Value
from ttweet.storage.sqlite.tag_index import TagIndex
from ttweet.storage.sqlite.tail import to_tagged, to_tweet

T = TypeVar("T")

PURGE_STEP = 256  # rows that one batch removes at most, beside as many as it has added: no batch waits for a big one
PRUNE_STEP = 256  # tweets that go in one transaction: some 15 ms
LINES_STEP = 1_000  # report lines that go in one transaction: some 5 ms

_TWEETS = Rows("INSERT INTO tweets (id, at, author, text, tags) VALUES ", 5)
_DELETIONS = Rows("INSERT INTO deletions (id, at, tweet) VALUES ", 3)
_LAST_TWEET = """
    SELECT max(coalesce((SELECT max(id) FROM tweets), 0),
        coalesce((SELECT max(id) FROM deletions), 0),
        coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'tweets'), 0))
"""
# Also to a deletion, and before the first tweet, which makes the row otherwise: a rowid that is NULL is a new one.
_GIVEN = """
    REPLACE INTO sqlite_sequence (rowid, name, seq)
    VALUES ((SELECT rowid FROM sqlite_sequence WHERE name = 'tweets'), 'tweets', ?)
"""


class SqliteStore(Queries):
    """The one writer of a database file. Make it with `open`; no two of its calls may run at the same time."""

    engine = ENGINE
    """Which SQLite this is, for the server's first lines."""

    def __init__(self, file: DatabaseFile, *, log_limit: int) -> None:
        connection = file.connection
        super().__init__(connection)
        self.session = 0
        self._file = file
        self._log_limit = log_limit
        self._lines = LogTable(connection, limit=log_limit)
        self._last_tweet: int = self._one(_LAST_TWEET)[0]
        self._tags = TagIndex(connection, last_tweet=self._last_tweet)
        self._keys = KeyTable(connection)
        self._keys_purged_at = 0
        self._failed: StoreError | None = None
        self._disk = Disk(file.path)
        self._schema_version: int | None = None  # at which nothing foreign was found

    @classmethod
    def open(cls, path: Path, *, log_limit: int, at: int) -> Self:
        """Open or create a file for serving, migrate it, make it safe on the disk and begin a session.

        At most `log_limit` bytes of report lines are kept. A session that was left running is marked as crashed.
        Raises OpenError, which left alone a file that is not ours, and StoreError when the session cannot be begun.
        """
        with ExitStack() as undo:
            file = DatabaseFile(path)
            undo.callback(file.close)
            store = cls(file, log_limit=log_limit)
            try:
                store._begin_session(at)
            except StoreError as error:
                raise (
                    no_room(file.path, missing(file.connection, file.path)) if error.code == "full" else error
                ) from error
            undo.pop_all()
        return store

    def append(self, drafts: Sequence[Draft], reports: Sequence[Report], *, at: int) -> list[Tweet | Tombstone]:
        """See TweetLog."""
        with self._transaction():
            self._disk.refuse_tweets(self._connection)
            tweets, new = self._numbered(drafts, at)
            _refuse_beyond(MAX_TWEET_ID, self._last_tweet + len(new))
            self._insert_tweets(new)
            tagged = [(tweet.id, at, draft.tags) for tweet, draft in new if draft.tags]
            self._tags.add(tagged, self._last_tweet + len(new), at=at)
            added = self._lines.add(without_gone(reports, drafts, tweets), session=self.session, at=at)
            self._lines.prune(added, step=PURGE_STEP)
            keys_purged_at = self._purge_keys(len(new), at)
        self._last_tweet += len(new)
        self._keys_purged_at = keys_purged_at
        return tweets

    def delete(self, tweet: int, report: Report, *, at: int, traces: Traces = NOT_SEARCHED) -> Deletion:
        """See TweetLog."""
        row = self._one("SELECT id, at, author, text, tags FROM tweets WHERE id = :id", id=tweet)
        if row is None:
            raise Refused("no_tweet", f"there is no tweet {tweet}; nothing was deleted")
        if row[2] == DELETED:
            return Deletion(*self._one("SELECT id, at, tweet FROM deletions WHERE tweet = :tweet", tweet=tweet))
        _refuse_beyond(MAX_ID, self._last_tweet + 1)
        deletion = Deletion(self._last_tweet + 1, at, tweet)
        with self._transaction():
            self._tags.uncount([to_tagged(to_tweet(row))])
            blank(self._connection, deletion)
            self._connection.execute(_GIVEN, (deletion.id,))
            self._lines.note_change(-redact(self._connection, row[3], traces))
            self._lines.add([report], session=self.session, at=at)
        self._last_tweet = deletion.id
        return deletion

    def prune(self, before: int) -> int:
        """See TweetLog; PRUNE_STEP tweets at most."""

        def remove(step: int) -> int:
            oldest = oldest_before(self._connection, before, step)
            self._tags.uncount([to_tagged(tweet) for tweet in oldest])
            if oldest:
                remove_up_to(self._connection, oldest[-1].id)
            return len(oldest)

        return self._fitting(remove, PRUNE_STEP)

    def prune_lines(self, since: int) -> int:
        """See ReportLog; LINES_STEP lines at most."""
        return self._fitting(lambda step: self._lines.remove_before(since, step), LINES_STEP)

    def settle(self) -> None:
        """See TweetLog."""
        if self._tags.complete:
            self._keep("moved")
            return
        with self._transaction():
            self._tags.build()

    def newest_id(self) -> int:
        """See TagQueries; also that of a tweet which somebody has removed by hand."""
        return self._last_tweet

    def restore(self, entries: Sequence[Entry]) -> None:
        """Write entries of a log as they are, in one transaction: checked, their ids rising, above `newest_id`.

        Durable on return. Raises StoreError as `append` does. Whether tweets had keys is not known any more.
        """
        newest = entries[-1]
        tweets = [one for one in entries if isinstance(one, Tweet)]
        deletions: list[tuple[Value, ...]] = [one for one in entries if isinstance(one, Deletion)]
        with self._transaction():
            self._disk.refuse_tweets(self._connection)
            _TWEETS.run(self._connection, [_row(one) for one in entries if not isinstance(one, Deletion)])
            _DELETIONS.run(self._connection, deletions)
            self._connection.execute(_GIVEN, (newest.id,))
            self._tags.add([to_tagged(one) for one in tweets if one.tags], newest.id, at=newest.at)
        self._last_tweet = newest.id

    def end_session(self, how: str, *, at: int) -> None:
        """See ReportLog. With a reader in the way the log stays, which the next start writes back."""
        try:
            self._note_end(how, at)
            checkpoint(self._connection)
            self._keep("unknown")
        except sqlite3.Error as exc:
            raise self._not_ended(store_error(exc)) from exc
        except StoreError as error:
            raise self._not_ended(error) from error

    def _note_end(self, how: str, at: int) -> None:
        try:
            self._end(how, at)
        except StoreError as error:
            if error.code != "full":
                raise
            self._end(how, at)  # in the room of the log, which was written back if it could be

    def _end(self, how: str, at: int) -> None:
        with self._transaction():
            self._tags.build()
            self._connection.execute("UPDATE sessions SET stopped = ?, how = ? WHERE id = ?", (at, how, self.session))

    def _not_ended(self, error: StoreError) -> StoreError:
        """No upload has failed when a session cannot be ended: say that nothing is lost, and what a start will need."""
        if not error.may_pass or isinstance(error, Displaced):
            return error
        what = error.text.partition(";")[0]
        text = f"{what}; every acknowledged tweet is stored, but not the end of the session"
        if error.code == "full":
            text += f"; before the next start, {more_room(missing(self._connection, self._file.path))}"
        return StoreError(error.code, text)

    def reader(self) -> SqliteReader:
        """See Store. Raises OpenError."""
        return self._file.reader()

    def close(self) -> None:
        """Let go of the file and let the next server in. A session that was not ended counts as crashed then."""
        self._file.close()

    def _begin_session(self, at: int) -> None:
        self.session = (self.last_session() or 0) + 1
        with self._transaction():
            with told_when_long(self._connection, f"keying the tags of {self._file.path} again"):
                self._tags.rekey()
            self._tags.build()
            self._connection.execute("UPDATE sessions SET how = 'crashed' WHERE how = 'running'")
            self._connection.execute(
                "INSERT INTO sessions (id, started, how, first_line) VALUES (?, ?, 'running', ?)",
                (self.session, at, self._lines.last + 1),
            )

    def _fitting(self, remove: Callable[[int], T], step: int) -> T:
        """Remove up to `step` rows in a transaction, or fewer on a full disk: the log takes each page that changes."""
        while True:
            try:
                with self._transaction():
                    return remove(step)
            except StoreError as error:
                if error.code != "full" or step == 1:
                    raise
            step = max(1, step // 8)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """BEGIN to COMMIT around a block; raises StoreError when SQLite fails, and rolls back whatever fails."""
        if self._failed is not None:
            raise StoreError("internal", f"the store takes no more since it failed: {self._failed}")
        if self._file.is_displaced:
            self._keep("moved")
        if self._disk.is_short():
            checkpoint_at_once(self._connection)
            self._disk.is_short()
        committing = False
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._refuse_altered()
            yield
            committing = True
            self._connection.execute("COMMIT")
        except BaseException as exc:
            self._roll_back()
            if not isinstance(exc, sqlite3.Error):
                raise
            error = store_error(exc, committing=committing)
            self._failed = None if error.may_pass else error
            if error.code == "full":
                checkpoint_at_once(self._connection)
            raise error from exc
        self._tags.keep()
        self._lines.keep()
        self._keep("unknown")

    def _keep(self, code: str) -> None:
        """See that the file still has its name. Raises Displaced with this code when nothing more may be written."""
        if self._file.keep(code):
            self._use(self._file.connection)
            self._tags = TagIndex(self._connection, last_tweet=self._one(_LAST_TWEET)[0])
            self._keys = KeyTable(self._connection)
            self._lines = LogTable(self._connection, limit=self._log_limit)
            self._schema_version = None

    def _refuse_altered(self) -> None:
        """Write nothing while foreign objects would run with it. SQLite counts the changes of the schema."""
        (version,) = self._connection.execute("PRAGMA schema_version").fetchone()
        if version == self._schema_version:
            return
        if found := schema_objections(self._connection, self._file.path):
            raise StoreError(
                "altered", f"{found[0].what}; nothing was stored: a check of the database tells what to do"
            )
        self._schema_version = version

    def _roll_back(self) -> None:
        self._tags.forget()
        self._lines.forget()
        with suppress(sqlite3.Error):  # SQLite has already rolled back, or what made COMMIT fail is told instead
            self._connection.execute("ROLLBACK")

    def _numbered(self, drafts: Sequence[Draft], at: int) -> tuple[list[Tweet | Tombstone], list[tuple[Tweet, Draft]]]:
        """The drafts as tweets, and those among them that are new: the others repeat a key."""
        digests = [self._keys.digest(draft) for draft in drafts]
        known = self._keys.find([digest for digest in digests if digest is not None], at)
        tweets: list[Tweet | Tombstone] = []
        new: list[tuple[Tweet, Draft]] = []
        keyed: list[tuple[int, int, bytes]] = []
        for draft, digest in zip(drafts, digests, strict=True):
            stored = None if digest is None else known.get(digest)
            if stored is None:
                stored = Tweet(self._last_tweet + 1 + len(new), at, draft.by, draft.text, tuple(draft.tags.values()))
                new.append((stored, draft))
                if digest is not None:
                    known[digest] = stored
                    keyed.append((stored.id, at, digest))
            tweets.append(stored)
        self._keys.insert(keyed)
        return tweets, new

    def _insert_tweets(self, new: Sequence[tuple[Tweet, Draft]]) -> None:
        _TWEETS.run(self._connection, [(*tweet[:4], " ".join(tweet.tags)) for tweet, _ in new])

    def _purge_keys(self, added: int, at: int) -> int:
        """Forget keys that are too old, a bounded number; return when there may be more of them."""
        if abs(at - self._keys_purged_at) < PURGE_PAUSE_MS:  # abs: the clock may have been put back
            return self._keys_purged_at
        step = added + PURGE_STEP
        return self._keys_purged_at if self._keys.purge(at, step) == step else at


def _refuse_beyond(highest: int, id_: int) -> None:
    """Raise StoreError `used_up` rather than give an id that no JSON reader would hold to the digit."""
    if id_ > highest:
        raise StoreError("used_up", "the database has used all its ids; nothing was stored, continue in a new one")


def _row(entry: Tweet | Tombstone) -> tuple[Value, ...]:
    """An entry as a row of the table tweets."""
    if isinstance(entry, Tombstone):
        return (*entry, DELETED, "", "")
    return (*entry[:4], " ".join(entry.tags))
