"""Damaged indexes: they are seen, the way out is offered where it fits, and a repair changes nothing else."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.small_disk import fill, small_disk
from tests.support.sqlite_files import NOW, damage_index, limited_file_size, opened, post, sql, texts
from ttweet.model.errors import OpenError, StoreError
from ttweet.model.remedies import REBUILD_INDEXES, SAVE_WHAT_IS_LEFT
from ttweet.model.tweets import draft
from ttweet.storage.sqlite import connections
from ttweet.storage.sqlite.backup import back_up
from ttweet.storage.sqlite.check import Check, Finding
from ttweet.storage.sqlite.errors import store_error
from ttweet.storage.sqlite.integrity import damages
from ttweet.storage.sqlite.repair import rebuild_indexes
from ttweet.storage.sqlite.writer import SqliteStore

DAMAGES = {  # an entry of each index that changes
    "sqlite_autoindex_tags_1": (b"python", b"pythom"),
    "tags_by_use": (NOW.to_bytes(6, "big"), (NOW + 1).to_bytes(6, "big")),
    "tweets_by_author": (b"ann", b"anm"),
    "mine": (b"#Python", b"#Pythom"),
}


@pytest.fixture
def stopped(path: Path) -> Path:
    with opened(path) as store:
        sql(path, "CREATE INDEX mine ON tweets (text)")
        store.append([draft("#Python", by="ann", key="k"), draft("#second", by="bob")], [], at=NOW)
        store.end_session("stopped", at=NOW)
    return path


def findings(path: Path) -> list[Finding]:
    return list(Check(path).run(lambda done, total: None))


def files(path: Path) -> dict[str, bytes]:
    """Return the content of each file of the folder, except the lock and the files that a reader leaves."""
    content = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    return {name: data for name, data in content.items() if data and not name.endswith((".lock", "-shm"))}


@pytest.mark.parametrize("index", DAMAGES)
def test_a_damaged_index_is_seen_by_a_start_a_check_and_a_backup_which_offer_the_repair(
    stopped: Path, index: str
) -> None:
    damage_index(stopped, index, *DAMAGES[index])
    before = files(stopped)
    found = findings(stopped)
    assert found
    assert all(index in one.what and one.way_out == REBUILD_INDEXES for one in found), found
    with pytest.raises(OpenError) as refusal:
        SqliteStore.open(stopped, log_limit=1, at=NOW)
    assert (refusal.value.code, refusal.value.text) == (
        "damaged",
        f"{stopped} is damaged: {found[0].what}; {REBUILD_INDEXES}",
    )
    with pytest.raises(StoreError) as error:
        back_up(stopped, stopped.with_name("copy.db"), overwrite=False, progress=lambda done, total: None)
    assert error.value.text == refusal.value.text
    assert files(stopped) == before


@pytest.mark.parametrize("index", DAMAGES)
def test_a_repair_mends_a_damaged_index_and_keeps_the_file_as_it_was(stopped: Path, index: str) -> None:
    damage_index(stopped, index, *DAMAGES[index])
    before = files(stopped)
    [copy] = rebuild_indexes(stopped)
    assert copy == stopped.with_name("tweets.db.before-repair")
    assert (copy.read_bytes(), copy.stat().st_mode & 0o777) == (before[stopped.name], 0o600)
    assert set(files(stopped)) == {stopped.name, copy.name}
    assert findings(stopped) == []
    with opened(stopped) as store:
        assert texts(store) == ["#Python", "#second"]
        assert [tweet.id for tweet in store.tweets_of_author("ann", limit=9).tweets] == [1]
        assert [tweet.id for tweet in store.tweets_of_tag("python", limit=9).tweets] == [1]


def test_tweets_in_the_write_ahead_log_are_copied_and_kept(stopped: Path) -> None:
    path = stopped.parent / "killed" / "tweets.db"
    path.parent.mkdir()
    with opened(stopped) as store:
        post(store, "only in the log")
        for ending in ("", "-wal"):
            shutil.copy(f"{stopped}{ending}", f"{path}{ending}")
    damage_index(path, "sqlite_autoindex_tags_1", b"python", b"pythom")
    before = files(path)
    copies = rebuild_indexes(path)
    assert [copy.name for copy in copies] == ["tweets.db.before-repair", "tweets.db.before-repair-wal"]
    assert [copy.read_bytes() for copy in copies] == [before["tweets.db"], before["tweets.db-wal"]]
    assert findings(path) == []
    with opened(path) as store:
        assert texts(store)[-1] == "only in the log"
    with closing(sqlite3.connect(copies[0])) as copy:
        assert copy.execute("SELECT max(id) FROM tweets").fetchone() == (3,)


def test_a_copy_of_an_earlier_repair_stays(stopped: Path) -> None:
    names = []
    for _ in range(3):
        damage_index(stopped, "tweets_by_author", b"ann", b"anm")
        names += [copy.name for copy in rebuild_indexes(stopped)]
    assert names == ["tweets.db.before-repair", "tweets.db.before-repair-2", "tweets.db.before-repair-3"]


def test_a_sound_file_is_left_alone(stopped: Path) -> None:
    before = files(stopped)
    assert rebuild_indexes(stopped) == []
    assert files(stopped) == before


def lose_a_row(path: Path) -> None:
    """Return the first page of a table, and not of its index."""
    [row] = sql(path, "SELECT * FROM sqlite_schema WHERE name = 'tweets_by_author'")
    sql(path, "PRAGMA writable_schema = ON", "DELETE FROM sqlite_schema WHERE name = 'tweets_by_author'")
    sql(path, "DELETE FROM tweets WHERE id = 2")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", row)


class NewerSqlite(sqlite3.Connection):
    """A SQLite whose check does not count the entries of a partial index."""

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        return super().execute("SELECT 'ok'" if "integrity_check" in sql else sql, *values)


def test_a_lost_row_of_a_partial_index_is_found_with_every_version_of_sqlite(stopped: Path) -> None:
    lose_a_row(stopped)
    with closing(sqlite3.connect(stopped, factory=NewerSqlite)) as connection:
        assert damages(connection, ["tweets"]) == ["wrong # of entries in index tweets_by_author"]


def destroy_page(path: Path) -> None:
    damage_index(path, "log", b"\x0d\x00", b"\xff\xff")


@pytest.mark.parametrize("damage", [lose_a_row, destroy_page])
def test_no_repair_is_offered_where_a_table_is_damaged_and_it_does_nothing(
    stopped: Path, damage: Callable[[Path], None]
) -> None:
    damage(stopped)
    before = files(stopped)
    assert {one.way_out for one in findings(stopped)} == {SAVE_WHAT_IS_LEFT}
    assert rebuild_indexes(stopped) == []
    assert files(stopped) == before


def test_a_repair_that_does_not_help_is_taken_back(stopped: Path) -> None:
    damage_index(stopped, "tags", b"secondsecond", b"pythonsecond")
    before = files(stopped)
    told = r"do not mend .*: UNIQUE constraint failed: .*; the file is as it was; replace it with a backup"
    with pytest.raises(StoreError, match=told):
        rebuild_indexes(stopped)
    assert files(stopped) == before


def test_a_repair_for_which_there_is_no_room_leaves_nothing_behind(stopped: Path) -> None:
    damage_index(stopped, "tweets_by_author", b"ann", b"anm")
    before = files(stopped)
    with limited_file_size(40_960), pytest.raises(OSError, match=r"File too large: .*before-repair'"):
        rebuild_indexes(stopped)
    assert files(stopped) == before


def test_a_repair_on_a_full_disk_names_the_missing_room(stopped: Path) -> None:
    damage_index(stopped, "tweets_by_author", b"ann", b"anm")
    with small_disk(stopped.parent / "small", mib=1) as folder:
        path = Path(shutil.copy(stopped, folder))
        fill(folder / "filler")
        with (folder / "filler").open("ab") as filler:
            filler.truncate(filler.tell() - 80 * 1024)
        before = path.read_bytes()
        with pytest.raises(
            StoreError, match=r"copied and repaired: the disk is full; the file is as it was, make \d+ KiB"
        ):
            rebuild_indexes(path)
        assert path.read_bytes() == before
        assert not [file for file in folder.iterdir() if "repair" in file.name]


def test_a_file_that_a_server_holds_is_not_repaired(stopped: Path) -> None:
    with opened(stopped):
        damage_index(stopped, "tweets_by_author", b"ann", b"anm")
        with pytest.raises(OpenError, match="in use by the server") as refusal:
            rebuild_indexes(stopped)
    assert refusal.value.code == "locked"


def test_a_file_in_which_another_program_writes_is_not_repaired(stopped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "BUSY_TIMEOUT_S", 0.01)
    with closing(sqlite3.connect(stopped, isolation_level=None)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError) as refusal:
            rebuild_indexes(stopped)
    assert refusal.value.code == "busy"


@pytest.mark.parametrize("content", [None, b"text"])
def test_no_lock_file_is_made_beside_what_is_none_of_ours(path: Path, content: bytes | None) -> None:
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(OpenError):
        rebuild_indexes(path)
    assert list(path.parent.iterdir()) == ([path] if content else [])


def test_indexes_of_functions_that_only_another_program_has_do_not_keep_ours_from_being_rebuilt(stopped: Path) -> None:
    with closing(sqlite3.connect(stopped)) as theirs:
        theirs.create_collation("theirs", lambda a, b: (a > b) - (a < b))
        theirs.executescript("CREATE TABLE a (x TEXT COLLATE theirs UNIQUE); INSERT INTO a VALUES (1), (2)")
    damage_index(stopped, "tweets_by_author", b"ann", b"anm")
    assert len(rebuild_indexes(stopped)) == 1
    assert findings(stopped) == []


def test_an_index_that_proves_damaged_while_it_is_used_is_reported_with_the_repair(path: Path) -> None:
    exc = sqlite3.DatabaseError("database disk image is malformed")
    exc.sqlite_errorcode = sqlite3.SQLITE_CORRUPT_INDEX
    assert store_error(exc, path=path).text.endswith(REBUILD_INDEXES)
