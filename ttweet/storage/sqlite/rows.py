"""Many rows in few steps of SQLite.

The sqlite3 module releases the interpreter lock at each step and waits for it again, which takes up to 5 ms when
another thread computes. `executemany` takes a step a row: 256 tweets took 2.7 s beside a busy thread, 0.1 s this way.
"""

import sqlite3
from collections.abc import Sequence
from itertools import chain

MAX_ROWS = 512  # of one statement; with 9 columns far below SQLite's 32,766 variables

Value = str | bytes | int | None


class Rows:
    """A statement with a list of rows in it, prepared for each power of two up to MAX_ROWS.

    Any number of rows is then a few of these, and all of them stay prepared: to prepare costs more than to run.
    """

    def __init__(self, before: str, columns: int, after: str = "") -> None:
        self._before = before
        self._row = f"({', '.join('?' * columns)})"
        self._after = after
        self._statements: dict[int, str] = {}

    def run(self, connection: sqlite3.Connection, rows: Sequence[tuple[Value, ...]]) -> list[tuple[Value, ...]]:
        """Run the statement over all rows and return what it selects. Raises sqlite3.Error."""
        results: list[tuple[Value, ...]] = []
        done = 0
        while left := len(rows) - done:
            size = min(MAX_ROWS, 1 << (left.bit_length() - 1))
            values = [*chain.from_iterable(rows[done : done + size])]
            results += connection.execute(self._statement(size), values)
            done += size
        return results

    def _statement(self, size: int) -> str:
        if size not in self._statements:
            self._statements[size] = self._before + ", ".join([self._row] * size) + self._after
        return self._statements[size]
