"""Files that are left alone: of other programs, damaged, newer, shared, and those in the place of ours."""

import fcntl
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.sqlite_files import (
    NOBODY,
    NOW,
    opened,
    post,
    refused,
    sql,
    texts,
    without_rights,
)
from tests.support.stored import tweets_after
from ttweet.model.errors import OpenError, StoreError
from ttweet.storage.sqlite import connections, header
from ttweet.storage.sqlite.lock_file import lock_path
from ttweet.storage.sqlite.reader import SqliteReader
from ttweet.storage.sqlite.writer import SqliteStore


@pytest.mark.parametrize(
    "content", [b"x", b"hello world\n" * 1000, b"SQLite format 3\0", b"\0" * 4096], ids=["one", "text", "cut", "zeros"]
)
def test_a_file_that_is_no_database_is_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert refused(path).code == "not_ours"
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_the_database_of_another_program_is_left_alone(path: Path) -> None:
    sql(path, "PRAGMA journal_mode = WAL", "CREATE TABLE tweets (id)")
    content = path.read_bytes()
    error = refused(path)
    assert (error.code, "not one of ttweet's" in error.text) == ("not_ours", True)
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_a_database_that_is_no_regular_file_is_refused_without_waiting(path: Path) -> None:
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
    assert f"has schema 99 and this ttweet knows {header.SCHEMA_VERSION}" in error.text
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


def test_damage_that_is_met_while_reading_is_reported_with_the_file_and_the_ways_out(path: Path) -> None:
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
    assert error.value.text.startswith(f"{path} is damaged: database disk image is malformed; replace it with a backup")
    assert "save what is left" in error.value.text


def test_damage_is_reported_to_clients_of_a_server_without_the_files_name(path: Path) -> None:
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
    assert "check the permissions of the file and of its folder, or choose another file" in refusal.value.text


def test_a_file_with_a_wal_is_not_read_without_it(path: Path, open_folder: Path) -> None:
    with opened(path) as store:
        post(store, "in the WAL only")
        for name in ("tweets.db", "tweets.db-wal"):
            shutil.copy(path.with_name(name), open_folder)
    with without_rights(open_folder), pytest.raises(OpenError) as refusal:
        SqliteReader(open_folder / "tweets.db")
    assert refusal.value.code == "denied"


def test_a_folder_in_which_any_user_may_replace_files_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(OpenError, match=rf"can replace the files in {tmp_path}; run: chmod o-w {tmp_path}$") as refusal:
        SqliteStore.open(tmp_path / "tweets.db", log_limit=1, at=NOW)
    assert refusal.value.code == "denied"
    assert list(tmp_path.iterdir()) == []
    tmp_path.chmod(0o1777)
    with opened(tmp_path / "tweets.db") as store:
        assert store.count() == 0


def test_a_folder_far_above_in_which_any_user_may_replace_files_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "inner" / "folder"
    folder.mkdir(parents=True)
    tmp_path.chmod(0o777)
    with pytest.raises(OpenError, match=rf"can replace the files in {tmp_path}; run: chmod o-w {tmp_path}$") as refusal:
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
def test_a_file_that_another_user_has_put_there_is_not_taken(path: Path, ending: str) -> None:
    path.parent.chmod(0o1777)
    planted = Path(f"{path}{ending}")
    planted.touch(0o600)
    os.chown(planted, NOBODY, NOBODY)
    with pytest.raises(
        OpenError, match=rf"{planted} belongs to another user \(id {NOBODY}\), which is unsafe"
    ) as refusal:
        SqliteStore.open(path, log_limit=1, at=NOW)
    assert refusal.value.code == "denied"
    assert [file.stat().st_size for file in path.parent.iterdir()] == [0]
    os.chown(path.parent, NOBODY, NOBODY)  # the owner of the folder could have replaced ours as well
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
    with pytest.raises(
        OpenError, match=rf"{shared} is writable for all users \(chmod o-w\), which is unsafe"
    ) as refusal:
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
    with pytest.raises(OpenError, match=rf"{planted} is writable for all users"):
        SqliteStore.open(path, log_limit=1, at=NOW)


def test_a_lock_file_that_was_replaced_before_it_was_locked_keeps_no_server_out_and_is_not_taken(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock_late(fd: int, how: int) -> None:
        monkeypatch.undo()
        lock_path(path).unlink()
        flock(fd, how)

    flock = fcntl.flock
    monkeypatch.setattr(fcntl, "flock", flock_late)
    with pytest.raises(OpenError, match="in use by") as refusal:
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
