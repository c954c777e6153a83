"""Opening a database file: modes, rights, locks, and the files that are refused and left alone."""

import fcntl
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
    NOBODY,
    NOW,
    as_nobody,
    limited_file_size,
    opened,
    post,
    refused,
    sql,
    texts,
    without_rights,
)
from tests.support.stored import tweets_after
from ttweet.model.errors import OpenError, StoreError
from ttweet.storage.sqlite import connections
from ttweet.storage.sqlite.backup import back_up
from ttweet.storage.sqlite.check import Check
from ttweet.storage.sqlite.connections import lock_path
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


def test_a_second_server_is_kept_out_and_told_who_is_in(store: SqliteStore, path: Path) -> None:
    with pytest.raises(OpenError, match=rf"held by the server with process id {os.getpid()};") as refusal:
        SqliteStore.open(path, log_limit=1, at=NOW)
    assert refusal.value.code == "locked"
    assert post(store, "still writing")[0].id == 1


def test_one_file_has_one_lock_under_all_its_names(store: SqliteStore, path: Path) -> None:
    other = path.with_name("other.db")
    other.symlink_to(path)
    with pytest.raises(OpenError, match="held by the server"):
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
    assert refusal.value.text.endswith(f"make its folder: mkdir -p {tmp_path}/no, or name another file")
    assert list(tmp_path.iterdir()) == []


def test_a_reader_finds_no_file_and_says_so(path: Path) -> None:
    for content in (None, ""):
        if content is not None:
            path.write_text(content)
        with pytest.raises(OpenError, match=r"^[^;]*tweets\.db[^;]*$") as refusal:
            SqliteReader(path)
        assert refusal.value.code == "missing"


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
            alone.append(connections._OPENING.locked())
            return function(*arguments, **options)

        return call

    monkeypatch.setattr(connections, "_look", watched(connections._look))
    monkeypatch.setattr(sqlite3, "connect", watched(sqlite3.connect))
    SqliteReader(path).close()
    assert alone == [True, True, True]  # the header, the reader, and what removes its log


def test_somebody_elses_database_is_refused_also_when_this_program_has_it_open(path: Path) -> None:
    with closing(sqlite3.connect(path)) as somebodys:
        with pytest.raises(OpenError, match="is empty"):
            SqliteReader(path)
        somebodys.execute("CREATE TABLE precious (text)")
        before = path.read_bytes()
        assert refused(path).code == "not_ours"
    assert path.read_bytes() == before


# Files that are refused


@pytest.mark.parametrize(
    "content", [b"x", b"hello world\n" * 1000, b"SQLite format 3\0", b"\0" * 4096], ids=["one", "text", "cut", "zeros"]
)
def test_a_file_that_is_no_database_is_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert refused(path).code == "not_ours"
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_somebody_elses_database_is_left_alone(path: Path) -> None:
    sql(path, "PRAGMA journal_mode = WAL", "CREATE TABLE tweets (id)")
    content = path.read_bytes()
    error = refused(path)
    assert (error.code, "not one of ttweet's" in error.text) == ("not_ours", True)
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_what_is_no_regular_file_is_refused_without_waiting(path: Path) -> None:
    os.mkfifo(path)
    assert refused(path).code == "not_ours"
    assert refused(path.parent).code == "not_ours"


def test_a_newer_schema_is_refused_untouched(path: Path) -> None:
    with opened(path):
        pass
    sql(path, "PRAGMA user_version = 99")
    content = path.read_bytes()
    error = refused(path)
    assert error.code == "newer"
    assert f"has schema 99 and this ttweet knows {connections.SCHEMA_VERSION}" in error.text
    assert path.read_bytes() == content


def test_a_newer_schema_that_is_still_in_the_wal_is_refused(path: Path) -> None:
    with opened(path):
        pass
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 99")
        newer.commit()
        assert refused(path).code == "newer"


def test_a_file_cut_short_is_damaged(path: Path) -> None:
    with opened(path) as store:
        post(store, *["some text #tag"] * 100)
        store.end_session("stopped", at=NOW)
    os.truncate(path, path.stat().st_size // 2)
    error = refused(path)
    assert (error.code, "save what is left" in error.text) == ("damaged", True)


@pytest.mark.parametrize(("offset", "value"), [(16, b"\x03\xe8"), (16, b"\0\0"), (19, b"\x09"), (100, b"\xff" * 40)])
def test_a_damaged_header_is_refused(path: Path, offset: int, value: bytes) -> None:
    with opened(path):
        pass
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(value)
    with pytest.raises(OpenError) as refusal:
        SqliteStore.open(path, log_limit=1, at=NOW)
    assert refusal.value.code == "damaged"


def test_damage_that_is_met_while_reading_is_told_with_the_file_and_the_ways_out(path: Path) -> None:
    with opened(path) as store:
        post(store, *[f"number {number}" for number in range(1000)])
        store.end_session("stopped", at=NOW)
        page = sql(path, "SELECT rootpage FROM sqlite_master WHERE name = 'tweets'")[0][0]
    assert isinstance(page, int)
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    with closing(SqliteReader(path)) as reader, pytest.raises(StoreError) as error:
        tweets_after(reader, 0, 1000)
    assert error.value.code == "internal"
    assert error.value.text.startswith(f"{path} is damaged: database disk image is malformed; put a backup")
    assert "save what is left" in error.value.text


def test_damage_is_told_to_clients_of_a_server_without_the_files_name(path: Path) -> None:
    with opened(path) as store:
        page = sql(path, "SELECT rootpage FROM sqlite_master WHERE name = 'tweets'")[0][0]
        assert isinstance(page, int)
        store.end_session("stopped", at=NOW)
        with path.open("r+b") as file:
            file.seek((page - 1) * 4096)
            file.write(b"\xff" * 4096)
        with closing(store.reader()) as reader, pytest.raises(StoreError, match="the database is damaged") as error:
            tweets_after(reader, 0, 1000)
    assert path.name not in error.value.text


def test_a_file_that_may_not_be_opened_is_denied(open_folder: Path) -> None:
    path = open_folder / "tweets.db"
    with opened(path):
        pass
    with without_rights(open_folder), pytest.raises(OpenError) as serving:
        SqliteStore.open(path, log_limit=1, at=NOW)
    with without_rights(open_folder, files=0), pytest.raises(OpenError) as reading:
        SqliteReader(path)
    assert serving.value.code == reading.value.code == "denied"


def test_a_clean_file_is_read_in_a_folder_that_may_not_be_written(open_folder: Path) -> None:
    path = open_folder / "tweets.db"
    with opened(path) as store:
        post(store, "a #t")
        store.end_session("stopped", at=NOW)
    with without_rights(open_folder), closing(SqliteReader(path)) as reader:
        assert texts(reader) == ["a #t"]


def test_a_new_file_in_a_folder_that_may_not_be_written_is_denied(open_folder: Path) -> None:
    with without_rights(open_folder), pytest.raises(OpenError) as refusal:
        SqliteStore.open(open_folder / "tweets.db", log_limit=1, at=NOW)
    assert refusal.value.code == "denied"
    assert f"see who may read and write it and its folder {open_folder}" in refusal.value.text


def test_a_file_with_a_wal_is_not_read_without_it(path: Path, open_folder: Path) -> None:
    with opened(path) as store:
        post(store, "in the WAL only")
        for name in ("tweets.db", "tweets.db-wal"):
            shutil.copy(path.with_name(name), open_folder)
    with without_rights(open_folder), pytest.raises(OpenError) as refusal:
        SqliteReader(open_folder / "tweets.db")
    assert refusal.value.code == "denied"


def test_a_folder_in_which_anybody_may_replace_files_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(OpenError, match=rf"may replace the files in {tmp_path}: chmod o-w {tmp_path}$") as refusal:
        SqliteStore.open(tmp_path / "tweets.db", log_limit=1, at=NOW)
    assert refusal.value.code == "denied"
    assert list(tmp_path.iterdir()) == []
    tmp_path.chmod(0o1777)
    with opened(tmp_path / "tweets.db") as store:
        assert store.count() == 0


def test_a_folder_far_above_in_which_anybody_may_replace_files_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "inner" / "folder"
    folder.mkdir(parents=True)
    tmp_path.chmod(0o777)
    with pytest.raises(OpenError, match=rf"may replace the files in {tmp_path}: chmod o-w {tmp_path}$") as refusal:
        SqliteStore.open(folder / "tweets.db", log_limit=1, at=NOW)
    assert refusal.value.code == "denied"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("ending", [".lock", "-wal", ""])
def test_a_link_in_a_files_place_is_not_written_through(path: Path, ending: str) -> None:
    victim = path.with_name("victim")
    victim.write_text("precious")
    Path(f"{path}{ending}").symlink_to(victim)
    with pytest.raises(OpenError):
        SqliteStore.open(path, log_limit=1, at=NOW)
    assert victim.read_text() == "precious"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("ending", ["", "-wal", "-shm", "-journal", ".lock"])
def test_a_file_that_somebody_else_has_put_there_is_not_taken(path: Path, ending: str) -> None:
    path.parent.chmod(0o1777)
    planted = Path(f"{path}{ending}")
    planted.touch(0o600)
    os.chown(planted, NOBODY, NOBODY)
    with pytest.raises(OpenError, match=rf"{planted} belongs to another user \(id {NOBODY}\), and") as refusal:
        SqliteStore.open(path, log_limit=1, at=NOW)
    assert refusal.value.code == "denied"
    assert [file.stat().st_size for file in path.parent.iterdir()] == [0]
    os.chown(path.parent, NOBODY, NOBODY)  # who owns the folder could have replaced ours as well
    with opened(path) as store:
        assert store.count() == 0


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o660, 0o664])
def test_a_file_that_its_owner_shares_with_some_is_taken_as_it_is(path: Path, mode: int) -> None:
    path.touch()
    path.chmod(mode)
    with opened(path) as store:
        post(store, "a")
        assert [path.stat().st_mode & 0o777, path.with_name("tweets.db-wal").stat().st_mode & 0o777] == [mode, mode]


@pytest.mark.parametrize("ending", ["", "-wal", ".lock"])
def test_a_file_that_any_user_may_write_to_is_not_taken(path: Path, ending: str) -> None:
    shared = Path(f"{path}{ending}")
    shared.touch()
    shared.chmod(0o602)
    with pytest.raises(OpenError, match=rf"{shared} may be written to by any user \(chmod o-w\), and") as refusal:
        SqliteStore.open(path, log_limit=1, at=NOW)
    assert refusal.value.code == "denied"
    shared.chmod(0o600)
    with opened(path) as store:
        assert store.count() == 0


def test_a_file_that_is_put_there_while_the_database_is_made_is_not_taken(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def create_beside(path: Path) -> None:
        create(path)
        planted.write_bytes(bytes(32_768))  # of an empty one SQLite itself mends the mode
        planted.chmod(0o666)

    planted, create = path.with_name("tweets.db-shm"), connections._create
    monkeypatch.setattr(connections, "_create", create_beside)
    with pytest.raises(OpenError, match=rf"{planted} may be written to by any user"):
        SqliteStore.open(path, log_limit=1, at=NOW)


def test_a_lock_file_that_was_replaced_before_it_was_locked_keeps_nobody_out_and_is_not_taken(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock_late(fd: int, how: int) -> None:
        monkeypatch.undo()
        lock_path(path).unlink()
        flock(fd, how)

    flock = fcntl.flock
    monkeypatch.setattr(fcntl, "flock", flock_late)
    with pytest.raises(OpenError, match="held by") as refusal:
        SqliteStore.open(path, log_limit=1, at=NOW)
    assert refusal.value.code == "locked"
    with opened(path) as store:
        assert store.count() == 0


def test_a_file_of_two_names_is_held_by_neither(path: Path) -> None:
    with opened(path):
        other = path.with_name("other.db")
        other.hardlink_to(path)
        with pytest.raises(OpenError, match=r"other\.db has another name \(a hard link\)") as refusal:
            SqliteStore.open(other, log_limit=1, at=NOW)
        assert refusal.value.code == "denied"
    other.unlink()
    with opened(path) as store:
        assert store.count() == 0


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
        with pytest.raises(OpenError, match="held by another process") as refusal:
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
        with pytest.raises(OpenError, match=r"a reader of .* keeps its write-ahead log") as refusal:
            SqliteStore.open(path, log_limit=1, at=NOW)
    assert refusal.value.code == "locked"
