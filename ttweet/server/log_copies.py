"""The report log's copies: Sample.txt and the server's own terminal.

Each is a reader of the log table with a cursor, in a thread of its own, so that a file that is locked, missing or full,
or a terminal that stands still, delays and fails no client. Lines that could not be written are written later: the
table is authoritative. Knows no client and no wire.
"""

import logging

import trio

from ttweet.broker.journal import Journal
from ttweet.model.errors import StoreError
from ttweet.server.destinations import Destination, reason
from ttweet.server.sample_file import ForeignTextError
from ttweet.storage.contract import Reader

log = logging.getLogger(__name__)

PAGE_LINES = 2_000  # report lines of one read: 200 KB, or 3 MB of the longest
POLL_INTERVAL_S = 0.2  # between reads of the log: a line is copied well within a second
RETRY_INTERVAL_S = 0.5  # between attempts to write a copy


class LogCopy:
    """Copies one session's report lines to a destination, each once and in order, by a reader of its own."""

    def __init__(self, destination: Destination, reader: Reader, *, session: int) -> None:
        self._destination = destination
        self._reader = reader
        self._session = session
        self._cursor = 0
        self._warned = False
        self._refused = False  # whether the file is not ours, which will not have changed a moment later
        self._reopening = False
        self._finishing = False
        self._pause = trio.CancelScope()

    async def run(self, journal: Journal) -> None:
        """Copy what is committed, until `finish` is called and all of it is copied. Cancelling gives up at once."""
        finishing = complete = False
        try:
            while not (finishing and complete):
                seen, finishing = journal.commits, self._finishing
                complete = await trio.to_thread.run_sync(self.catch_up, abandon_on_cancel=True)
                if finishing and self._refused:
                    break
                if not (finishing and complete):
                    await self._wait(journal, seen, complete)
        finally:
            if not (finishing and (complete or self._refused)):
                log.warning("%s is incomplete; the log in the database is complete", self._destination.name)
        self._destination.close()
        self._reader.close()

    def finish(self) -> None:
        """Nothing more will be committed: copy the rest at once."""
        self._finishing = True
        self._pause.cancel()

    def reopen(self) -> None:
        """Look at the destination now; a file that was renamed is continued in a new one."""
        self._reopening = True
        self._pause.cancel()

    async def _wait(self, journal: Journal, seen: int, complete: bool) -> None:
        with trio.CancelScope() as self._pause:
            if not (self._finishing or (self._reopening and complete)):
                if complete:
                    await journal.wait_commit(seen)
                await trio.sleep(POLL_INTERVAL_S if complete else RETRY_INTERVAL_S)
        if self._finishing and not complete:
            await trio.sleep(RETRY_INTERVAL_S)

    def catch_up(self) -> bool:
        """Copy all that is committed and not copied yet; False when that cannot be done now."""
        reopening, self._reopening = self._reopening, False
        self._refused = False
        try:
            self._cursor = self._destination.begin(self._cursor, reopen=reopening)
            self._copy_pages()
        except OSError as exc:
            self._reopening |= reopening
            self._refused = isinstance(exc, ForeignTextError)
            self._warn(reason(exc))
            return False
        except StoreError as exc:
            self._warn(exc.text)
            return False
        if self._warned:
            log.warning("%s is complete again", self._destination.name)
            self._warned = False
        return True

    def _copy_pages(self) -> None:
        """Copy the rest. A file that becomes too long is begun again, but once: a whole session may be too long."""
        from_start = self._cursor == 0
        while self._copy_page():
            if not from_start:
                self._cursor = self._destination.begin(self._cursor)
                from_start = self._cursor == 0

    def _copy_page(self) -> bool:
        lines, cursor = self._reader.text_after(
            self._cursor, limit=PAGE_LINES, session=self._session, details=self._destination.details
        )
        if cursor == self._cursor:
            return False
        self._destination.write(lines.encode())
        if self._cursor and (missing := cursor - self._cursor - lines.count("\n")):
            log.warning("%s lacks %d lines: the log limit is too small", self._destination.name, missing)
        self._cursor = cursor
        return True

    def _warn(self, reason: str) -> None:
        if not self._warned:
            log.warning(
                "cannot write %s: %s; its lines are kept in the log table and are copied as soon as possible",
                self._destination.name,
                reason,
            )
            self._warned = True
