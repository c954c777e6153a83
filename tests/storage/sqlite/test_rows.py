"""Many rows in few statements."""

import sqlite3
from contextlib import closing

import pytest

from ttweet.storage.sqlite.rows import MAX_ROWS, Rows


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, MAX_ROWS - 1, MAX_ROWS, MAX_ROWS + 1, 2 * MAX_ROWS + 5])
def test_all_rows_are_written_in_as_many_statements_as_the_number_has_bits(count: int) -> None:
    insert = Rows("INSERT INTO t (a, b) VALUES ", 2)
    statements: list[str] = []
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (a INTEGER, b TEXT)")
        connection.set_trace_callback(statements.append)
        assert insert.run(connection, [(number, str(number)) for number in range(count)]) == []
        connection.set_trace_callback(None)
        rows = connection.execute("SELECT a, b FROM t ORDER BY a").fetchall()
    assert rows == [(number, str(number)) for number in range(count)]
    assert len(statements) == count // MAX_ROWS + (count % MAX_ROWS).bit_count()


def test_the_rows_of_several_statements_come_back_together() -> None:
    double = Rows("SELECT column1 * 2 FROM (VALUES ", 1, ")")
    with closing(sqlite3.connect(":memory:")) as connection:
        found = double.run(connection, [(number,) for number in range(2 * MAX_ROWS + 3)])
    assert found == [(2 * number,) for number in range(2 * MAX_ROWS + 3)]
