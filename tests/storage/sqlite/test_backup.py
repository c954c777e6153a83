"""Copies of the database: whole, of one moment, beside a writer, or not there."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.sqlite_files import limited_file_size, opened, post, sql, texts
from ttweet.model.errors import StoreError
from ttweet.storage.sqlite import backup
from ttweet.storage.sqlite.backup import back_up
from ttweet.storage.sqlite.reader import SqliteReader
from ttweet.storage.sqlite.writer import SqliteStore


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "copies").mkdir()
    return tmp_path / "copies" / "copy.db"


def copied(source: Path, target: Path) -> list[tuple[int, int]]:
    """Back up and return the reports of the progress."""
    seen: list[tuple[int, int]] = []
    back_up(source, target, overwrite=False, progress=lambda done, pages: seen.append((done, pages)))
    return seen


def test_a_copy_is_one_file_that_any_program_may_read_and_a_server_may_serve(
    store: SqliteStore, path: Path, target: Path
) -> None:
    post(store, "one #a", "two", "")
    assert copied(path, target)[-1][0] == copied(path, target.with_name("2.db"))[-1][1]
    with closing(SqliteReader(target)) as reader:
        assert texts(reader) == ["one #a", "two", ""]
    assert sorted(file.name for file in target.parent.iterdir()) == ["2.db", "copy.db"]
    with opened(target) as restored:
        assert post(restored, "three")[0].id == 4


def test_a_copy_is_of_one_moment_and_is_finished_though_the_writer_continues(
    store: SqliteStore, path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "STEP_PAGES", 1)
    before = [f"before {number} #tag{number}" for number in range(300)]
    post(store, *before)
    steps = 0

    def write(done: int, pages: int) -> None:
        nonlocal steps
        steps += 1
        assert steps <= pages
        post(store, f"meanwhile {done} of {pages}")

    assert back_up(path, target, overwrite=False, progress=write) == 300
    with closing(SqliteReader(target)) as reader:
        assert texts(reader) == before
    assert steps > 10
    assert store.count() == 300 + steps


def test_a_copy_that_finds_no_room_leaves_nothing(store: SqliteStore, path: Path, target: Path) -> None:
    post(store, *[f"number {number}" for number in range(2000)])
    store.end_session("stopped", at=0)
    with limited_file_size(64 * 1024), pytest.raises(StoreError):
        copied(path, target)
    assert list(target.parent.iterdir()) == []


def test_the_error_of_a_full_disk_names_the_copy(path: Path, target: Path) -> None:
    with closing(sqlite3.connect(":memory:")) as full:
        full.execute("PRAGMA max_page_count = 1")
        with pytest.raises(sqlite3.Error) as error:
            full.execute("CREATE TABLE a (x)")
        told = backup._error(error.value, full, path, target)
    assert (told.code, told.text) == (
        "full",
        f"cannot write {target}: the disk is full; make room on its disk",
    )


def test_damage_is_not_copied(path: Path, target: Path) -> None:
    with opened(path) as store:
        post(store, *[f"number {number} #tag{number}" for number in range(1000)])
        store.end_session("stopped", at=0)
    page = sql(path, "SELECT rootpage FROM sqlite_master WHERE name = 'tags_by_use'")[0][0]
    assert isinstance(page, int)
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    with pytest.raises(StoreError, match=r"tweets\.db is damaged.*save what is left"):
        copied(path, target)
    assert list(target.parent.iterdir()) == []
