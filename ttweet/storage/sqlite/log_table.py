"""The table of report lines, kept within a limit of bytes.

Bytes and not lines are limited: a line has 30 bytes or 1,000, and the file must not grow by what clients make of that.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from itertools import takewhile
from typing import NamedTuple

from ttweet.model.reports import STORED, Report
from ttweet.storage.sqlite.rows import Rows, Value

ROW_BYTES = 40  # counted for a report line in addition to its texts; numbers and page overhead take about 33

_LINES = Rows("INSERT INTO log (id, session, at, side, category, text) VALUES ", 6)
_DETAILED = Rows("INSERT INTO log (id, session, at, side, category, text, code, identity, address) VALUES ", 9)
_ARRIVALS = """
    INSERT INTO log (id, session, at, side, category, text)
    SELECT id + ?, ?, at, 'SERVER', 'GENERAL', ? || text FROM tweets WHERE id > ? ORDER BY id
"""
_LAST = """
    SELECT max(coalesce((SELECT max(id) FROM log), 0),
        coalesce((SELECT first_line - 1 FROM sessions ORDER BY id DESC LIMIT 1), 0))
"""
_SIZE = f"""{ROW_BYTES} + length(CAST(text AS BLOB)) + ifnull(length(code), 0)
    + ifnull(length(CAST(identity AS BLOB)), 0) + ifnull(length(address), 0)"""
_TOTAL = f"SELECT coalesce(sum({_SIZE}), 0) FROM log"  # noqa: S608  # a constant of ours
_OLDEST = f"SELECT id, at, {_SIZE} FROM log ORDER BY id LIMIT ?"  # noqa: S608


class _LogState(NamedTuple):
    last: int
    """The id of the last line."""
    size: int | None = None
    """The bytes of all lines; None when they are to be counted, which takes 0.2 s for a million of them."""
    version: int = 0
    """SQLite's number for what other connections have written, as it was when the lines were counted."""


class LogTable:
    """Writes and removes lines. Each transaction is followed by `keep` after COMMIT, or `forget` after ROLLBACK."""

    def __init__(self, connection: sqlite3.Connection, *, limit: int) -> None:
        """Keep at most `limit` bytes of lines. Raises sqlite3.Error."""
        self._connection = connection
        self._limit = limit
        self._kept = self._now = _LogState(connection.execute(_LAST).fetchone()[0])

    @property
    def last(self) -> int:
        """The id of the last line."""
        return self._now.last

    def add(self, reports: Sequence[Report], *, session: int, at: int) -> int:
        """Write lines inside the caller's transaction. Most have no details, and three columns less to write.

        Returns their bytes. Raises sqlite3.Error.
        """
        numbered = [*enumerate(reports, self._now.last + 1)]
        lines: list[tuple[Value, ...]] = [
            (id_, session, at, one.side, one.category, one.text) for id_, one in numbered if one.details is None
        ]
        _LINES.run(self._connection, lines)
        if len(lines) < len(numbered):
            _DETAILED.run(self._connection, [_detailed(id_, session, at, one) for id_, one in numbered if one.details])
        added = _size(reports)
        self._note(added, lines=len(reports))
        return added

    def add_arrivals(self, texts: Sequence[str], *, after: int, session: int) -> int:
        """Write the lines of the tweets with an id above `after`, whose texts need no escape, from their rows.

        Runs inside the caller's transaction. Returns the bytes of the lines. Raises sqlite3.Error.
        """
        self._connection.execute(_ARRIVALS, (self._now.last - after, session, STORED, after))
        added = len("".join(texts).encode()) + (len(STORED) + ROW_BYTES) * len(texts)
        self._note(added, lines=len(texts))
        return added

    def prune(self, added: int, *, step: int) -> None:
        """Remove the oldest lines beyond the limit: as many as may take the `added` bytes, and `step` more at most.

        Runs inside the caller's transaction. Raises sqlite3.Error.
        """
        surplus = self._surplus()
        if surplus > 0:
            self._remove_oldest(surplus, added // ROW_BYTES + step)

    def _surplus(self) -> int:
        """Return the bytes beyond the limit. They are counted once a start, and when another program has written."""
        last, size, version = self._now
        if size is not None and size <= self._limit:
            return 0
        (now,) = self._connection.execute("PRAGMA data_version").fetchone()
        if size is None or version != now:
            (size,) = self._connection.execute(_TOTAL).fetchone()
            self._now = _LogState(last, size, now)
        return size - self._limit

    def _remove_oldest(self, surplus: int, step: int) -> None:
        """Remove lines until so many bytes are gone, `step` of them at most."""
        going = freed = 0
        with closing(self._connection.execute(_OLDEST, (step,))) as oldest:
            for going, _, bytes_ in oldest:  # noqa: B007  # the last one's is used
                freed += bytes_
                if freed >= surplus:
                    break
        self._connection.execute("DELETE FROM log WHERE id <= ?", (going,))
        self.note_change(-freed)

    def remove_before(self, at: int, step: int) -> int:
        """Remove the oldest lines, at most so many, up to the first that is not older than a time (ms).

        A line that is younger than the newest was written by a clock that was ahead: it is as old as the next one that
        was not. Runs inside the caller's transaction. Returns how many went. Raises sqlite3.Error.
        """
        (_, newest) = self._connection.execute("SELECT max(id), at FROM log").fetchone()
        first = self._connection.execute(
            "SELECT id, at FROM log WHERE at <= ? ORDER BY id LIMIT 1", (newest,)
        ).fetchone()
        if first is None or first[1] >= at:
            return 0
        rows = self._connection.execute(_OLDEST, (step,)).fetchall()
        until = takewhile(lambda row: not at <= row[1] <= newest, rows)
        old = [row for row in until if row[1] < at or row[0] < first[0]]  # `first` may be beyond the step
        self.note_change(-sum([bytes_ for *_, bytes_ in old]))
        return self._connection.execute("DELETE FROM log WHERE id <= ?", (old[-1][0],)).rowcount

    def note_change(self, bytes_: int) -> None:
        """Count so many bytes more, or fewer: lines came, went, or became shorter."""
        self._note(bytes_)

    def _note(self, bytes_: int, *, lines: int = 0) -> None:
        last, size, version = self._now
        self._now = _LogState(last + lines, None if size is None else size + bytes_, version)

    def keep(self) -> None:
        """Remember what the committed transaction did."""
        self._kept = self._now

    def forget(self) -> None:
        """Forget what the rolled back transaction did."""
        self._now = self._kept


def _size(reports: Sequence[Report]) -> int:
    """Return the bytes that lines take in the table."""
    texts = "".join([one.text for one in reports])
    details = "".join([part for one in reports if one.details for part in one.details if part])
    return len(texts.encode()) + len(details.encode()) + ROW_BYTES * len(reports)


def _detailed(id_: int, session: int, at: int, report: Report) -> tuple[Value, ...]:
    """Return a report line with details as a row of the table log."""
    return (id_, session, at, report.side, report.category, report.text, *(report.details or ()))
