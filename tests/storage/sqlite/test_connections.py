"""Opening a database file: modes, rights, locks, and the files that are refused and left alone."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import output_of
from tests.support.sqlite_files import (
    NOW,
    as_nobody,
    limited_file_size,
    opened,
    post,
    refused,
    sql,
    without_rights,
)
from ttweet.model.errors import OpenError
from ttweet.storage.sqlite import connections, header
from ttweet.storage.sqlite.backup import back_up
from ttweet.storage.sqlite.check import Check
from ttweet.storage.sqlite.reader import SqliteReader
from ttweet.storage.sqlite.salvage import Salvage
from ttweet.storage.sqlite.writer import SqliteStore

# Opening


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_all_files_are_for_their_owner_alone(path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with opened(path) as store:
            post(store, "a")
            modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    names = ("tweets.db", "tweets.db-wal", "tweets.db-shm", "tweets.db.lock")
    assert modes == dict.fromkeys(names, 0o600)


def test_a_file_is_opened_in_the_safest_mode(store: SqliteStore) -> None:
    seen = {name: store._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in connections._SETTINGS}
    assert (seen["journal_mode"], seen["synchronous"], seen["foreign_keys"]) == ("wal", 2, 1)
    assert seen == connections._SETTINGS


def test_a_mode_that_sqlite_does_not_take_keeps_the_server_from_starting(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connections._SETTINGS, "synchronous", 9)
    with pytest.raises(OpenError, match="does not take synchronous = 9") as refusal:
        SqliteStore.open(path, log_limit=1, at=NOW)
    assert refusal.value.code == "denied"


def test_the_engine_is_named(store: SqliteStore) -> None:
    assert store.engine == f"SQLite {sqlite3.sqlite_version}"


def test_a_path_may_have_any_characters(tmp_path: Path) -> None:
    for name in ["what? #1 & 100%.db", ":memory:", "file:x.db?mode=memory", os.fsdecode(b"\xff.db")]:
        with opened(tmp_path / name) as store:
            post(store, name.encode("ascii", "replace").decode())
            with closing(SqliteReader(tmp_path / name)) as reader:
                assert reader.count() == 1
        assert (tmp_path / name).stat().st_size > 0


def test_a_second_server_is_kept_out_and_gets_the_process_id_of_the_first(store: SqliteStore, path: Path) -> None:
    with pytest.raises(OpenError, match=rf"in use by the server with process id {os.getpid()};") as refusal:
        SqliteStore.open(path, log_limit=1, at=NOW)
    assert refusal.value.code == "locked"
    assert post(store, "still writing")[0].id == 1


def test_one_file_has_one_lock_under_all_its_names(store: SqliteStore, path: Path) -> None:
    other = path.with_name("other.db")
    other.symlink_to(path)
    with pytest.raises(OpenError, match="in use by the server"):
        SqliteStore.open(other, log_limit=1, at=NOW)


def test_a_closed_store_lets_the_next_server_in(path: Path) -> None:
    for number in (1, 2, 3):
        with opened(path) as store:
            assert store.session == number
    assert path.with_name("tweets.db.lock").read_text() == f"{os.getpid()}\n"


def test_a_server_that_fails_to_open_the_file_does_not_keep_the_lock(path: Path) -> None:
    with opened(path):
        pass
    sql(path, "DROP TABLE sessions")
    for _ in range(2):
        with pytest.raises(OpenError, match="sessions is missing from the schema"):
            SqliteStore.open(path, log_limit=1, at=NOW)


def test_a_folder_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(OpenError) as refusal:
        SqliteStore.open(tmp_path / "no" / "tweets.db", log_limit=1, at=NOW)
    assert refusal.value.code == "missing"
    assert refusal.value.text.endswith(f"make its folder: mkdir -p {tmp_path}/no, or choose another file")
    assert list(tmp_path.iterdir()) == []


def test_a_reader_finds_no_file_and_says_so(path: Path) -> None:
    for content in (None, ""):
        if content is not None:
            path.write_text(content)
        with pytest.raises(OpenError, match=r"^[^;]*tweets\.db[^;]*$") as refusal:
            SqliteReader(path)
        assert refusal.value.code == "missing"


def test_to_read_by_a_link_leaves_no_file_behind(path: Path) -> None:
    with opened(path) as store:
        post(store, "a")
    before = {file.name for file in path.parent.iterdir()}
    link = path.with_name("link.db")
    link.symlink_to(path.name)
    with closing(SqliteReader(link)) as reader:
        assert reader.count() == 1
    assert {file.name for file in path.parent.iterdir()} == before | {"link.db"}


def test_a_log_that_cannot_be_read_is_not_passed_over_by_a_link(path: Path, open_folder: Path) -> None:
    copy, link = open_folder / "copy.db", open_folder / "link.db"
    with opened(path) as store:
        post(store, "only in the log")
        for ending in ("", "-wal"):
            shutil.copy(f"{path}{ending}", f"{copy}{ending}")
    link.symlink_to(copy)
    with without_rights(open_folder):
        for name in (copy, link):
            with pytest.raises(OpenError, match=r"copy\.db cannot be opened") as refusal:
                SqliteReader(name)
            assert refusal.value.code == "denied"


def test_an_empty_file_becomes_a_database(path: Path) -> None:
    path.touch()
    with opened(path) as store:
        assert post(store, "a")[0].id == 1


# The locks of this process


def looked_over(path: Path) -> None:
    assert list(Check(path).run(lambda done, total: None)) == []


def backed_up(path: Path) -> None:
    back_up(path, path.with_name("copy.db"), overwrite=False, progress=lambda done, total: None)


def salvaged(path: Path) -> None:
    with closing(Salvage(path)) as salvage:
        assert len(salvage.entries_after(0, 10)) == 1


@pytest.mark.parametrize("again", [looked_over, backed_up, salvaged])
def test_to_open_a_file_again_in_this_process_leaves_its_writer_the_locks(
    store: SqliteStore, path: Path, again: Callable[[Path], None]
) -> None:
    post(store, "a")
    again(path)
    shell = (
        f"import sqlite3; c = sqlite3.connect({str(path)!r}); print(*c.execute('SELECT text FROM tweets')); c.close()"
    )
    assert output_of(shell) == "('a',)\n"
    assert path.with_name("tweets.db-wal").exists()  # the last to close takes it away, and thought it was the last


def test_a_file_is_looked_at_and_opened_by_one_thread_at_a_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(path):
        pass
    alone: list[bool] = []

    def watched(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            alone.append(header.OPENING.locked())
            return function(*arguments, **options)

        return call

    monkeypatch.setattr(header, "_look", watched(header._look))
    monkeypatch.setattr(sqlite3, "connect", watched(sqlite3.connect))
    SqliteReader(path).close()
    assert alone == [True, True, True]  # the header, the reader, and what removes its log


def test_the_database_of_another_program_is_refused_also_when_this_program_has_it_open(path: Path) -> None:
    with closing(sqlite3.connect(path)) as somebodys:
        with pytest.raises(OpenError, match="is empty"):
            SqliteReader(path)
        somebodys.execute("CREATE TABLE precious (text)")
        before = path.read_bytes()
        assert refused(path).code == "not_ours"
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_synced_keeps_the_server_from_starting(open_folder: Path) -> None:
    open_folder.chmod(0o1333)
    with as_nobody(), pytest.raises(OpenError, match="Permission denied") as refusal:
        SqliteStore.open(open_folder / "tweets.db", log_limit=1, at=NOW)
    open_folder.chmod(0o755)
    assert refusal.value.code == "denied"


def test_a_full_disk_keeps_the_server_from_starting_and_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(path: Path, how: str) -> sqlite3.Connection:
        connection = _connect(path, how)
        connection.execute("PRAGMA max_page_count = 4")
        return connection

    _connect = connections._connect
    monkeypatch.setattr(connections, "_connect", connect)
    with pytest.raises(OpenError, match="the disk is full") as refusal:
        SqliteStore.open(path, log_limit=1, at=NOW)
    assert refusal.value.code == "full"
    monkeypatch.undo()
    with opened(path) as store:
        assert post(store, "there is room now")[0].id == 1


def test_a_lock_file_that_cannot_be_written_keeps_the_server_from_starting(path: Path) -> None:
    with limited_file_size(0), pytest.raises(OpenError, match="File too large"):
        SqliteStore.open(path, log_limit=1, at=NOW)
    with opened(path) as store:
        assert store.count() == 0


def test_another_writer_keeps_the_server_from_starting(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "BUSY_TIMEOUT_S", 0.01)
    with opened(path):
        pass
    with closing(sqlite3.connect(path, isolation_level=None)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        with pytest.raises(OpenError, match="locked by another process") as refusal:
            SqliteStore.open(path, log_limit=1, at=NOW)
    assert refusal.value.code == "locked"


def test_a_reader_that_keeps_the_wal_from_being_written_back_is_named_as_the_reason(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "BUSY_TIMEOUT_S", 0.01)
    with opened(path) as store, closing(sqlite3.connect(path, isolation_level=None)) as shell:
        post(store, "a")
        shell.execute("BEGIN")
        shell.execute("SELECT * FROM tweets").fetchall()
        post(store, "b")
        store.close = lambda: None  # type: ignore[method-assign]  # closed here, before the shell's transaction ends
        SqliteStore.close(store)
        with pytest.raises(OpenError, match=r"another program is reading .*; end that program") as refusal:
            SqliteStore.open(path, log_limit=1, at=NOW)
    assert refusal.value.code == "locked"
