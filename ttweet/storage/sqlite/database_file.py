"""The database file of the one writer: its lock, its connections, and whether it still is the file of its name.

All connections of one process to a file share what SQLite knows of its write-ahead log. When the log has lost its name,
all of them must therefore be closed before the file can be opened again.
"""

import logging
import os
import sqlite3
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
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

ATTEMPTS = 3  # to open a file whose names are being removed
RESCUE_INTERVAL_S = 1.0  # between attempts to rescue a lost file: each may copy all of it

log = logging.getLogger(__name__)

_NEWEST = "SELECT (SELECT max(id) FROM tweets), (SELECT max(id) FROM deletions), (SELECT max(id) FROM log)"


@dataclass(slots=True)
class _Loss:
    """The file has lost its name: what is known, and what was done, since."""

    version: Version
    """That of the database when the loss was seen."""
    advice: str | None = None
    """The advice for the operator; None until the first attempt to mend it."""
    is_saved: bool = False
    """Whether all that the file held is safe elsewhere."""
    is_away: bool = False
    """Whether the name was that of no file, or of another one, when it was saved."""
    next_try: float = 0.0


class DatabaseFile:
    """An open file. `keep` must be called after each COMMIT, before it is acknowledged."""

    def __init__(self, path: Path, *, syncs_commits: bool = True) -> None:
        """Lock, open or create the file, with all the checks of a start; see `connect_writer`. Raises OpenError."""
        self._syncs_commits = syncs_commits
        self.path = Path(os.path.realpath(path))  # so that two names of one file have one lock
        if not lock_path(self.path).exists():
            refuse_foreign(self.path)  # no lock file beside a file of another program
        self._readers: WeakSet[SqliteReader] = WeakSet()
        self._loss: _Loss | None = None  # None: the file has its name
        self._unsure = False  # a transaction was called unknown: to continue after it would leave a gap for followers
        with ExitStack() as undo:
            self._lock = Lock(self.path)
            undo.callback(self._lock.release)
            self._connect()
            undo.pop_all()

    @property
    def is_displaced(self) -> bool:
        """Whether the file had lost its name when it was last looked at, and has not been mended."""
        return self._loss is not None and self._loss.advice is not None

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
        if self._loss is None:
            if self._identity.is_kept():
                return False
            self._loss = _Loss(self._identity.version())
        loss = self._loss
        if not self.is_displaced or time.monotonic() >= loss.next_try:
            reopened = self._try_again(loss)
            if not self.is_displaced:
                return reopened
        self._unsure |= code == "unknown"
        raise Displaced(code, loss.advice or "")

    def _try_again(self, loss: _Loss) -> bool:
        """End the loss if that can be done, or else rescue what the file holds. Returns whether it was opened again."""
        loss.next_try = time.monotonic() + RESCUE_INTERVAL_S
        if not (self._unsure or self._is_written(loss)):
            if not self._identity.lost():
                self._loss = None
                return False
            if self._is_mended():
                self._loss = None
                return True
        if not loss.is_saved or self._has_come_back(loss):
            self._save(loss)
        return False

    def _is_written(self, loss: _Loss) -> bool:
        """Whether another program has written to the database since it lost its name: we do not know it any more."""
        return self._identity.version() != loss.version

    def _has_come_back(self, loss: _Loss) -> bool:
        """Whether the database has its name again since it was rescued: its log may be missing beside it."""
        return loss.is_away and self._identity.has("")

    def _save(self, loss: _Loss) -> None:
        loss.advice, loss.is_saved = save(self._identity, self.connection, written=self._is_written(loss))
        loss.is_away = not self._identity.has("")

    def close(self) -> None:
        """Close the file and let the next server in. Its readers must be closed before."""
        if self._loss is not None and self._has_come_back(self._loss):
            self._save(self._loss)
        self._disconnect()
        self._lock.release()

    def _connect(self) -> None:
        with ExitStack() as undo:
            self.connection = connect_writer(self.path, syncs_commits=self._syncs_commits)
            undo.callback(self.connection.close)
            self._anchor = connect_reader(self.path)
            undo.callback(self._anchor.close)
            try:
                self._identity = FileIdentity(self.path)
            except FileNotFoundError as exc:
                raise OpenError("missing", f"{exc.filename} cannot be opened: {exc.strerror}; try again") from exc
            undo.pop_all()

    def _disconnect(self) -> None:
        """Close the connections. The last one removes the log by its name, if it may write.

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
            raise StoreError("unknown", f"the database cannot be opened again: {exc}; restart the server") from exc
        log.warning("%s was removed while the database was open; the tweets are safe in %s", lost, self.path)
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
            raise OpenError("damaged", f"{self.path} lacks the newest tweets")

    def _connect_again(self) -> None:
        """Open the file, whose names may be being removed one after another, as by `rm tweets.db-*`."""
        for _ in range(ATTEMPTS - 1):
            with suppress(OpenError):
                return self._connect()
        return self._connect()


def _newest(connection: sqlite3.Connection) -> tuple[int | None, ...]:
    return tuple(connection.execute(_NEWEST).fetchone())
