"""The store kept in SQLite: the one writer.

It opens the file, begins and ends sessions, and puts a transaction around what `entries` applies to the tables. Only
what COMMIT has confirmed is kept in memory. A replicated store puts its own rows into the same `transaction`.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from ttweet.model.errors import Displaced, StoreError
from ttweet.model.reports import Report
from ttweet.model.tweets import Deletion, Draft, Entry, Tombstone, Tweet
from ttweet.storage.contract import NOT_SEARCHED, Line, Traces
from ttweet.storage.sqlite.connections import ENGINE, checkpoint, checkpoint_at_once, schema_objections
from ttweet.storage.sqlite.database_file import DatabaseFile
from ttweet.storage.sqlite.entries import EntryWriter
from ttweet.storage.sqlite.errors import store_error
from ttweet.storage.sqlite.migrating import told_when_long
from ttweet.storage.sqlite.origins import find_merged, own_name, rename
from ttweet.storage.sqlite.reader import Queries, SqliteReader
from ttweet.storage.sqlite.removal import find_deletable
from ttweet.storage.sqlite.replica import refuse_replica
from ttweet.storage.sqlite.room import DiskRoom, missing, more_room, no_room
from ttweet.storage.sqlite.word_index import has_fts5

PRUNE_STEP = 256  # tweets removed in one transaction, about 15 ms
LINES_STEP = 1_000  # report lines removed in one transaction, about 5 ms
ERASING_S = 2.0  # of erasing deleted words when the file is closed, enough for those of five parts of the index


T = TypeVar("T")


class SqliteStore(Queries):
    """The one writer of a database file. Make it with `open`; no two of its calls may run at the same time."""

    engine = ENGINE
    """Which SQLite this is, for the server's first lines."""

    def __init__(self, file: DatabaseFile, *, log_limit: int, find: bool, replicated: bool) -> None:
        super().__init__(file.connection)
        self.session = 0
        self._file = file
        self._entry_writer = partial(EntryWriter, log_limit=log_limit, find=find, replicated=replicated)
        self._entries = self._entry_writer(file.connection)
        self._failed: StoreError | None = None
        self._has_traces = False  # whether the write-ahead log may hold what was deleted
        self._disk = DiskRoom(file.path)
        self._schema_version: int | None = None  # at which nothing foreign was found

    @classmethod
    def open(cls, path: Path, *, log_limit: int, at: int, find: bool = True, replicated: bool = False) -> Self:
        """Open or create a file for serving, migrate it, make it safe on the disk and begin a session.

        At most `log_limit` bytes of report lines are kept. With `find`, `maintain` builds the index of words, and drops
        it otherwise. A session that was left running is marked as crashed. Only `replicated` opens a file that follows
        the log of a cluster: a tweet from elsewhere would be in this file alone. Its commits are not synced.
        Raises OpenError, which left alone a file that is not ours, and StoreError when the session cannot be begun.
        """
        with ExitStack() as undo:
            file = DatabaseFile(path, syncs_commits=not replicated)
            undo.callback(file.close)
            if not replicated:
                refuse_replica(file.connection, file.path)
            store = cls(file, log_limit=log_limit, find=find, replicated=replicated)
            try:
                store._begin_session(at)
            except StoreError as error:
                raise (
                    no_room(file.path, missing(file.connection, file.path)) if error.code == "full" else error
                ) from error
            undo.pop_all()
        return store

    @property
    def can_index_words(self) -> bool:
        """Whether this SQLite has what an index of words needs."""
        return has_fts5(self._connection)

    def append(self, drafts: Sequence[Draft], lines: Sequence[Line], *, at: int) -> list[Tweet | Tombstone]:
        """See TweetLog."""
        with self.transaction():
            self.refuse_without_room()
            return self._entries.append(drafts, lines, session=self.session, at=at)

    def refuse_without_room(self) -> None:
        """Raise StoreError `full` when the disk has no room for tweets."""
        self._disk.refuse_tweets(self._connection)

    def delete(self, tweet: int, report: Report, *, at: int, traces: Traces = NOT_SEARCHED) -> Deletion:
        """See TweetLog."""
        with self._snapshot():
            found = find_deletable(self._connection, tweet)
        if isinstance(found, Deletion):
            return found
        with self.transaction() as entries:
            self._has_traces = True
            return entries.delete(found, report, session=self.session, at=at, traces=traces)

    def redact(self, tweet: int, lines: Sequence[int]) -> None:
        """See ReportLog."""
        row = self._one("SELECT text FROM tweets WHERE id = :tweet", tweet=tweet)
        if row is not None and row[0]:
            with self.transaction():
                self._entries.redact(row[0], lines)

    def prune(self, before: int) -> int | None:
        """See TweetLog; PRUNE_STEP tweets and tombstones at most."""
        self._has_traces = True
        return self._fitting(lambda step: self._entries.prune(before, step), PRUNE_STEP)

    def prune_lines(self, since: int) -> int:
        """See ReportLog; LINES_STEP lines at most."""
        return self._fitting(lambda step: self._entries.prune_lines(since, step), LINES_STEP)

    @property
    def must_settle(self) -> bool:
        """See TweetLog."""
        return self._entries.index_is_due

    def settle(self) -> None:
        """See TweetLog."""
        if self._entries.is_indexed:
            self._keep("moved")
            return
        with self.transaction():
            self._entries.index()

    def maintain(self) -> bool:
        """See TweetLog."""
        with self._snapshot():
            step = self._entries.next_erasure()
            self._has_traces |= step is not None
            if step is None and self._disk.has_spare():
                step = self._entries.next_update()
        if step is not None:
            with self.transaction():
                step()
        elif self._has_traces:
            self._keep("moved")
            self._has_traces = not checkpoint_at_once(self._connection)
        return step is not None

    def newest_id(self) -> int:
        """See TagQueries; a tweet that was removed by hand counts too."""
        return self._entries.newest

    def restore(self, entries: Sequence[Entry]) -> None:
        """Write entries of a log as they are, in one transaction: checked, their ids rising, above `newest_id`.

        Durable on return. Raises StoreError as `append` does. Whether tweets had keys is not known any more.
        """
        with self.transaction():
            self.refuse_without_room()
            self._entries.restore(entries)

    @property
    def origin(self) -> str:
        """The name of this database, under which others note its tweets. Raises StoreError."""
        try:
            return own_name(self._connection)
        except sqlite3.Error as exc:
            raise store_error(exc) from exc

    def take_origin(self, name: str) -> None:
        """Take the name of the database whose entries this new one is about to get. Raises StoreError."""
        with self.transaction():
            rename(self._connection, name)

    def merged(self, origin: str, first: int, last: int) -> dict[int, Tweet | Tombstone | None]:
        """See MergeTarget."""
        try:
            return find_merged(self._connection, origin, first, last)
        except sqlite3.Error as exc:
            raise store_error(exc) from exc

    def merge(self, origin: str, tweets: Sequence[Tweet]) -> None:
        """See MergeTarget."""
        with self.transaction():
            self.refuse_without_room()
            self._entries.merge(origin, tweets)

    def end_session(self, how: str, *, at: int) -> None:
        """See ReportLog. With a reader in the way the log stays, which the next start writes back."""
        try:
            self._erase()
            self._note_end(how, at)
            checkpoint(self._connection)
            self._keep("unknown")
        except sqlite3.Error as exc:
            raise self._not_ended(store_error(exc)) from exc
        except StoreError as error:
            raise self._not_ended(error) from error

    def _erase(self) -> None:
        """Erase deleted words for ERASING_S at most. The next server does the rest, or what a full disk prevents."""
        deadline = time.monotonic() + ERASING_S
        with suppress(StoreError):
            while time.monotonic() < deadline and (step := self._entries.next_erasure()) is not None:
                with self.transaction():
                    step()

    def _note_end(self, how: str, at: int) -> None:
        try:
            self._end(how, at)
        except StoreError as error:
            if error.code != "full":
                raise
            self._end(how, at)  # in the room of the log, which was written back if it could be

    def _end(self, how: str, at: int) -> None:
        with self.transaction():
            self._entries.index()
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
        """Close the file and release its lock. A session that was not ended counts as crashed then."""
        self._file.close()

    def _begin_session(self, at: int) -> None:
        self.session = (self.last_session() or 0) + 1
        with self.transaction():
            with told_when_long(self._connection, f"keying the tags of {self._file.path} again"):
                self._entries.rekey()
            self._entries.index()
            self._connection.execute("UPDATE sessions SET how = 'crashed' WHERE how = 'running'")
            self._connection.execute(
                "INSERT INTO sessions (id, started, how, first_line) VALUES (?, ?, 'running', ?)",
                (self.session, at, self._entries.last_line + 1),
            )

    def _fitting(self, remove: Callable[[int], T], step: int) -> T:
        """Remove up to `step` rows in a transaction, or fewer on a full disk: the log takes each page that changes."""
        while True:
            try:
                with self.transaction():
                    return remove(step)
            except StoreError as error:
                if error.code != "full" or step == 1:
                    raise
            step = max(1, step // 8)

    @contextmanager
    def transaction(self) -> Iterator[EntryWriter]:
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
            yield self._entries
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
        self._entries.keep()
        self._keep("unknown")

    def _keep(self, code: str) -> None:
        """See that the file still has its name. Raises Displaced with this code when nothing more may be written."""
        if self._file.keep(code):
            self._use(self._file.connection)
            self._entries = self._entry_writer(self._connection)
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
        self._entries.forget()
        with suppress(sqlite3.Error):  # SQLite has already rolled back, or the error of COMMIT is raised instead
            self._connection.execute("ROLLBACK")
