"""A power cut in the middle of the first start: the next start discards the unfinished file and begins again."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ttweet.model.errors import OpenError
from ttweet.storage.sqlite.writer import SqliteStore


def unfinished(folder: Path) -> Path:
    """A file of ours with only some pages of its first transaction, and the journal that takes these back."""
    whole, cut = folder / "whole.db", folder / "cut.db"
    SqliteStore.open(whole, log_limit=10, at=0).close()
    with closing(sqlite3.connect(folder / "other.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = 1")  # so that pages are written before COMMIT
        connection.execute("BEGIN")
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t SELECT randomblob(99999)")
        shutil.copy(folder / "other.db-journal", folder / "cut.db-journal")
    cut.write_bytes(whole.read_bytes()[:8192])
    return cut


@pytest.mark.parametrize("left", [8192, 4096, 50, 16])
def test_a_first_start_that_lost_its_power_is_begun_again(left: int, tmp_path: Path) -> None:
    path = unfinished(tmp_path)
    path.write_bytes(path.read_bytes()[:left])
    with closing(SqliteStore.open(path, log_limit=10, at=0)) as store:
        assert store.count() == 0


def test_sectors_that_never_arrived_do_not_keep_the_server_from_starting(tmp_path: Path) -> None:
    path = unfinished(tmp_path)
    path.write_bytes(bytes(512) + path.read_bytes()[512:])
    with closing(SqliteStore.open(path, log_limit=10, at=0)) as store:
        assert store.count() == 0


def test_a_file_whose_first_transaction_lost_its_journal_is_damaged(tmp_path: Path) -> None:
    path = unfinished(tmp_path)
    Path(f"{path}-journal").unlink()
    with pytest.raises(OpenError) as refused:
        SqliteStore.open(path, log_limit=10, at=0)
    assert refused.value.code == "damaged"
