"""Room on the disk: how much is missing, and that an upload leaves some."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.sqlite_files import NOW, limited_file_size, limited_pages, opened, post, sql, texts
from ttweet.model.errors import OpenError, StoreError
from ttweet.model.tweets import Tombstone, Tweet
from ttweet.storage.sqlite import entries, room, tag_index
from ttweet.storage.sqlite.reader import SqliteReader
from ttweet.storage.sqlite.removal import oldest_before
from ttweet.storage.sqlite.room import PLENTY_BYTES, RESERVE_BYTES, ROOM_CHECK_INTERVAL_S, DiskRoom, missing, more_room
from ttweet.storage.sqlite.writer import SqliteStore


@pytest.mark.parametrize(
    ("lacking", "text"),
    [
        (0, "make room on its disk"),
        (1, "make 1 KiB more room on its disk"),
        (1024, "make 1 KiB more room on its disk"),
        (1025, "make 2 KiB more room on its disk"),
        (1024 * 1024 - 1, "make 1,024 KiB more room on its disk"),
        (5 * 1024 * 1024 // 2 + 1, "make 2.6 MiB more room on its disk"),
    ],
)
def test_missing_room_is_reported_rounded_up(lacking: int, text: str) -> None:
    assert more_room(lacking) == text


def free(monkeypatch: pytest.MonkeyPatch, amount: int) -> None:
    monkeypatch.setattr(room, "_free", lambda path: amount)
    monkeypatch.setattr(room, "PLENTY_BYTES", 1 << 63)  # look each time


def test_tweets_leave_the_last_room_of_the_disk_alone(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, RESERVE_BYTES)
    post(store, "fits")
    free(monkeypatch, RESERVE_BYTES // 2)
    with pytest.raises(StoreError, match="the disk of the database is full; nothing was stored") as refusal:
        post(store, "does not")
    assert (refusal.value.code, refusal.value.may_pass) == ("full", True)
    assert store.prune(2) == 1
    store.end_session("stopped", at=NOW)
    free(monkeypatch, RESERVE_BYTES)
    post(store, "fits again")


def test_free_pages_of_the_file_are_room_too(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(20):
        post(store, *["some longer text that takes room #tag"] * 1000)
    while store.prune(20_000) is not None:
        pass
    free(monkeypatch, RESERVE_BYTES // 2)
    assert post(store, "in a free page")[0].id == 20_001


def test_the_write_ahead_log_goes_back_before_it_takes_the_room_for_that(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wal = path.with_name("tweets.db-wal")
    post(store, *["some text"] * 1000)
    grown = wal.stat().st_size
    free(monkeypatch, max(grown, RESERVE_BYTES))
    post(store, "a")
    assert wal.stat().st_size > grown
    free(monkeypatch, RESERVE_BYTES - 1)
    store.prune(1)
    assert wal.stat().st_size < grown


def test_a_reader_in_the_way_of_that_is_not_waited_for(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    post(store, "a")
    reader = store.reader()
    reader._connection.execute("BEGIN")
    reader._connection.execute("SELECT * FROM tweets").fetchall()
    free(monkeypatch, RESERVE_BYTES - 1)
    assert store.prune(2) == 1
    assert store._connection.execute("PRAGMA busy_timeout").fetchone() == (5000,)
    reader.close()


def test_where_a_step_of_removing_does_not_fit_fewer_go_at_once(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(store, *[f"{number}" for number in range(40)])
    steps: list[int] = []

    def oldest(connection: sqlite3.Connection, before: int, limit: int) -> list[Tweet | Tombstone]:
        steps.append(limit)
        if limit > room_for:
            raise full
        return oldest_before(connection, before, limit)

    full = StoreError("full", "the disk is full")
    monkeypatch.setattr(entries, "oldest_before", oldest)
    room_for = 5
    assert store.prune(41) == 4
    room_for = 0
    with pytest.raises(StoreError, match="the disk is full"):
        store.prune(41)
    assert steps == [256, 32, 4, 256, 32, 4, 1]
    assert store.count() == 36


def test_a_session_that_cannot_be_ended_for_want_of_room_says_that_nothing_is_lost(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tag_index, "CHUNK_WEIGHT", 64 * 1024)
    post(store, *[f"acknowledged #tag{number}" for number in range(400)])
    assert store.size().unindexed == 400  # the end of the session indexes its tags
    told = "the disk of the database is full; every acknowledged tweet is stored, but not the end of the session"
    with limited_pages(store._connection, spare=0), pytest.raises(StoreError) as error:
        store.end_session("stopped", at=NOW)
    assert error.value.code == "full"
    assert error.value.text == f"{told}; before the next start, make room on its disk"
    store.end_session("stopped", at=NOW)
    assert sql(path, "SELECT how FROM sessions") == [("stopped",)]


def test_a_trigger_that_keeps_a_session_from_being_ended_is_reported(store: SqliteStore, path: Path) -> None:
    post(store, "acknowledged")
    sql(path, "CREATE TRIGGER t AFTER UPDATE ON sessions BEGIN SELECT 1; END")
    with pytest.raises(StoreError, match=r"^trigger 't' on sessions would .*; every acknowledged"):
        store.end_session("stopped", at=NOW)


def test_a_folder_that_is_gone_is_no_full_disk(tmp_path: Path) -> None:
    disk = DiskRoom(tmp_path / "gone" / "tweets.db")
    assert not disk.is_short()
    with closing(sqlite3.connect(":memory:")) as connection:
        disk.refuse_tweets(connection)
        assert missing(connection, tmp_path / "gone" / "tweets.db") == 0


def test_a_disk_with_plenty_of_room_is_looked_at_ten_times_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []
    left = iter([PLENTY_BYTES, PLENTY_BYTES - 1, PLENTY_BYTES - 1])
    times = iter([0.0, ROOM_CHECK_INTERVAL_S / 2, ROOM_CHECK_INTERVAL_S, ROOM_CHECK_INTERVAL_S])

    def look(folder: str) -> int:
        looks.append(folder)
        return next(left)

    monkeypatch.setattr(room, "_free", look)
    monkeypatch.setattr(time, "monotonic", lambda: next(times))
    disk = DiskRoom(tmp_path / "tweets.db")
    seen = []
    for _ in range(4):
        disk.is_short()
        seen.append(len(looks))
    assert seen == [1, 1, 2, 3]


@pytest.mark.parametrize("opening", [SqliteReader, lambda path: SqliteStore.open(path, log_limit=1, at=NOW)])
def test_an_error_of_the_disk_is_not_called_damage(path: Path, opening: Callable[[Path], object]) -> None:
    with opened(path) as store:
        post(store, "a")
        store.end_session("stopped", at=NOW)
    with limited_file_size(4096), pytest.raises(OpenError, match="cannot be read or written: disk I/O") as error:
        opening(path)
    assert error.value.code == "denied"
    with opened(path) as store:
        assert texts(store) == ["a"]
