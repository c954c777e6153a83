"""The database file of the one writer: its lock, its connections, and whether it still is the file of its name.

All connections of one process to a file share what SQLite knows of its write-ahead log. When the log has lost its name,
all of them must therefore be closed before the file can be opened again.
"""

import logging
import os
import sqlite3
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from weakref import WeakSet

from ttweet.files import is_open_here
from ttweet.model.errors import Displaced, OpenError, StoreError
from ttweet.storage.sqlite.connections import connect_reader, connect_writer
from ttweet.storage.sqlite.header import refuse_foreign
from ttweet.storage.sqlite.identity import FileIdentity, Version
from ttweet.storage.sqlite.lock_file import Lock, lock_path
from ttweet.storage.sqlite.reader import SqliteReader
from ttweet.storage.sqlite.rescue import put_back, save

ATTEMPTS = 3  # to open a file again
RESCUE_INTERVAL_S = 1.0  # between attempts to rescue what the file held: each may copy all of it

log = logging.getLogger(__name__)

_NEWEST = "SELECT (SELECT max(id) FROM tweets), (SELECT max(id) FROM deletions), (SELECT max(id) FROM log)"


class DatabaseFile:
    """An open file. `keep` must be called after each COMMIT, before anybody hears of it."""

    def __init__(self, path: Path) -> None:
        """Lock, open or create the file, with all the checks of a start. Raises OpenError."""
        self.path = Path(os.path.realpath(path))  # so that two names of one file have one lock
        if not lock_path(self.path).exists():
            refuse_foreign(self.path)  # no lock file beside somebody else's file
        self._readers: WeakSet[SqliteReader] = WeakSet()
        self._advice: str | None = None  # what to do now that the file has lost its name
        self._saved = False  # all that it held is safe elsewhere
        self._is_away = False  # when it was saved, the name was that of no file or of another one
        self._next_try = 0.0
        self._lost_as: Version = ()
        self._unsure = False  # a transaction was called unknown: to go on after it would leave a gap for followers
        with ExitStack() as undo:
            self._lock = Lock(self.path)
            undo.callback(self._lock.release)
            self._connect()
            undo.pop_all()

    @property
    def is_displaced(self) -> bool:
        """Whether the file had lost its name when it was last looked at."""
        return self._advice is not None

    def reader(self) -> SqliteReader:
        """Open the file for reading, for a thread of its own. Raises OpenError."""
        reader = SqliteReader(self.path, for_clients=True)
        self._readers.add(reader)
        return reader

    def keep(self, code: str) -> bool:
        """See that the file still has its name, or else rescue at once what it holds.

        Returns whether the file was opened again, so that `connection` is another one. Raises Displaced with this code
        when nothing more may be written, StoreError `unknown` when the file was closed and cannot be opened again.
        """
        if self._advice is None:
            if self._identity.is_kept():
                return False
            self._lost_as, self._saved, self._is_away = self._identity.version(), False, False
        if self._advice is None or time.monotonic() >= self._next_try:
            mended = self._try_again()
            if self._advice is None:
                return mended
        self._unsure |= code == "unknown"
        raise Displaced(code, self._advice or "")

    def _try_again(self) -> bool:
        """Do what can be done; returns whether the file was opened again. `_advice` says what is left to do."""
        self._next_try = time.monotonic() + RESCUE_INTERVAL_S
        if not (self._unsure or self._is_written()):
            if not self._identity.lost():
                self._advice = None
                return False
            if self._is_mended():
                self._advice = None
                return True
        if not self._saved or self._has_come_back():
            self._save()
        return False

    def _is_written(self) -> bool:
        """Whether another program has written to the database since it lost its name: we do not know it any more."""
        return self._identity.version() != self._lost_as

    def _has_come_back(self) -> bool:
        """Whether the database has its name again since it was rescued: its log may be missing beside it."""
        return self._is_away and self._identity.has("")

    def _save(self) -> None:
        self._advice, self._saved = save(self._identity, self.connection, written=self._is_written())
        self._is_away = not self._identity.has("")

    def close(self) -> None:
        """Close the file and let the next server in. Its readers must be closed before."""
        if self._has_come_back():
            self._save()
        self._disconnect()
        self._lock.release()

    def _connect(self) -> None:
        with ExitStack() as undo:
            self.connection = connect_writer(self.path)
            undo.callback(self.connection.close)
            self._anchor = connect_reader(self.path)
            undo.callback(self._anchor.close)
            try:
                self._identity = FileIdentity(self.path)
            except FileNotFoundError as exc:
                raise OpenError("missing", f"{exc.filename} cannot be opened: {exc.strerror}; try again") from exc
            undo.pop_all()

    def _disconnect(self) -> None:
        """The last connection to be closed removes the log by its name, if that connection may write.

        So the one that only reads goes last where that name may be another file's.
        """
        connections = [self._anchor, self.connection]
        for connection in reversed(connections) if self.is_displaced else connections:
            connection.close()

    def _is_mended(self) -> bool:
        """Put the names right and open the file again; False, with nothing changed, where that cannot be done.

        Raises StoreError `unknown` when the file was closed and cannot be opened again.
        """
        lost = " and ".join(self._identity.name(ending) for ending in self._identity.lost())
        if not self._identity.has(""):
            return False
        try:
            if not self._identity.has(".lock"):
                self._renew_lock()
            if not put_back(self._identity):
                return False
        except (OSError, OpenError):
            return False
        try:
            self._reopen()
        except (OSError, OpenError) as exc:
            raise StoreError("unknown", f"the database cannot be opened again: {exc}; start again") from exc
        log.warning("%s had gone while the database was open; the tweets are in %s", lost, self.path)
        return True

    def _renew_lock(self) -> None:
        lock = Lock(self.path)
        self._lock.release()
        self._lock = lock

    def _reopen(self) -> None:
        """Close all connections and open new ones. Raises OSError, OpenError."""
        held = _newest(self.connection)
        with ExitStack() as pauses:
            for reader in tuple(self._readers):
                pauses.enter_context(reader.paused())
            self._disconnect()
            if is_open_here(self.path.stat()):
                raise OpenError("locked", f"another part of this program has {self.path} open")
            self._connect_again()
        if _newest(self.connection) != held:
            raise OpenError("damaged", f"{self.path} lacks what was stored last")

    def _connect_again(self) -> None:
        """Open the file, whose names may be being removed one after another, as by `rm tweets.db-*`."""
        for _ in range(ATTEMPTS - 1):
            with suppress(OpenError):
                return self._connect()
        return self._connect()


def _newest(connection: sqlite3.Connection) -> tuple[int | None, ...]:
    return tuple(connection.execute(_NEWEST).fetchone())
