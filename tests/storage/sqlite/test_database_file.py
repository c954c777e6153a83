"""A database whose files are removed, moved or replaced while it is open: what is refused, and what is rescued."""

import fcntl
import logging
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.support.sqlite_files import MANY_BYTES, NOW, lines, opened, post, sql, texts
from ttweet.model.errors import Displaced, OpenError, StoreError
from ttweet.model.tweets import Tweet
from ttweet.storage.sqlite import backup, database_file, identity, rescue
from ttweet.storage.sqlite.connections import connect_reader
from ttweet.storage.sqlite.reader import SqliteReader
from ttweet.storage.sqlite.writer import SqliteStore

BEFORE = ["one", "two #tag"]


def remove(*endings: str) -> Callable[[Path], None]:
    def do(path: Path) -> None:
        for ending in endings:
            Path(f"{path}{ending}").unlink()

    return do


def move_files(path: Path) -> None:
    elsewhere = path.parent.with_name("elsewhere")
    elsewhere.mkdir()
    for file in path.parent.iterdir():
        file.rename(elsewhere / file.name)


def other_database(path: Path) -> Path:
    """A database of ours that holds something else."""
    other = path.parent.with_name("other") / "tweets.db"
    other.parent.mkdir()
    with closing(SqliteStore.open(other, log_limit=MANY_BYTES, at=NOW)) as store:
        post(store, "other")
        store.end_session("stopped", at=NOW)
    return other


def replace_database(path: Path) -> None:
    other_database(path).rename(path)


def replace_by_link(path: Path) -> None:
    moved = path.rename(path.parent.with_name("linked.db"))
    path.symlink_to(moved)


def rename_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("renamed"))


def rename_and_make_folder(path: Path) -> None:
    rename_folder(path)
    path.parent.mkdir()


def write_another_log(path: Path) -> None:
    """Leave what a sqlite3 shell leaves that has written without our log."""
    remove("-wal", "-shm")(path)
    Path(f"{path}-wal").write_bytes(b"another history")


def move_folder_away_and_use(path: Path) -> None:
    rename_folder(path)
    path.parent.mkdir()
    shutil.copy(path.parent.with_name("renamed") / "tweets.db", path)


DISPLACED: dict[str, tuple[Callable[[Path], None], str]] = {
    "all files removed": (remove("", "-wal", "-shm", ".lock"), "data/rescued-tweets.db"),
    "the database removed": (remove(""), "data/rescued-tweets.db"),
    "database and log removed": (remove("", "-wal"), "data/rescued-tweets.db"),
    "the files moved": (move_files, "elsewhere/tweets.db"),
    "replaced by another database": (replace_database, "data/rescued-tweets.db"),
    "replaced by a link to itself": (replace_by_link, "data/rescued-tweets.db"),
    "the folder renamed": (rename_folder, "renamed/tweets.db"),
    "the folder renamed and made anew": (rename_and_make_folder, "renamed/tweets.db"),
    "the folder renamed and its copy used": (move_folder_away_and_use, "renamed/tweets.db"),
    "the folder removed": (lambda path: shutil.rmtree(path.parent), "rescued-tweets.db"),
    "another program's log": (write_another_log, "data/rescued-tweets.db"),
}


def move_log_and_index(path: Path) -> None:
    for ending in ("-wal", "-shm"):
        Path(f"{path}{ending}").rename(f"{path}{ending}.old")


MENDED: dict[str, Callable[[Path], None]] = {
    "log and index removed": remove("-wal", "-shm"),
    "the log removed": remove("-wal"),
    "the index removed": remove("-shm"),
    "the lock removed": remove(".lock"),
    "all but the database removed": remove("-wal", "-shm", ".lock"),
    "log and index moved": move_log_and_index,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "tweets.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with opened(path) as store:
        post(store, *BEFORE)
        yield store


def texts_of(path: Path) -> list[str]:
    with closing(SqliteReader(path)) as reader:
        return texts(reader)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "NAMES_CHECK_INTERVAL_S", 0.0)
    monkeypatch.setattr(database_file, "RESCUE_INTERVAL_S", 0.0)


@pytest.mark.parametrize("way", DISPLACED)
def test_a_batch_in_a_file_that_has_lost_its_name_is_not_acknowledged_and_a_whole_database_is_left(
    way: str, path: Path, store: SqliteStore, tmp_path: Path
) -> None:
    do, place = DISPLACED[way]
    do(path)
    with pytest.raises(Displaced) as first:
        post(store, "unknown")
    with pytest.raises(Displaced) as second:
        post(store, "refused")
    assert (first.value.code, second.value.code) == ("unknown", "moved")
    assert str(tmp_path / place) in first.value.text
    assert str(tmp_path) not in first.value.public_text + second.value.public_text
    assert texts(store) == [*BEFORE, "unknown"], "reads go on"
    with pytest.raises(Displaced):
        store.end_session("stopped", at=NOW)
    store.close()
    assert texts_of(tmp_path / place) == [*BEFORE, "unknown"]
    assert sql(tmp_path / place, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize("way", MENDED)
def test_a_database_that_has_its_name_is_opened_again_and_the_batch_is_stored(
    way: str, path: Path, store: SqliteStore, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(store.reader()) as reader:
        assert texts(reader) == BEFORE
        MENDED[way](path)
        assert [tweet.id for tweet in post(store, "three #tag", "four")] == [3, 4]
        assert [tweet.text for tweet in reader.tweets_of_tag("tag", limit=9).tweets] == ["three #tag", "two #tag"]
        post(store, "five")
        assert texts(reader) == texts(store) == texts_of(path) == [*BEFORE, "three #tag", "four", "five"]
    assert "was removed while the database was open" in caplog.text
    store.end_session("stopped", at=NOW)
    store.close()
    assert sql(path, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize("way", MENDED)
def test_the_files_that_were_put_back_keep_their_tweets_after_a_kill(
    way: str, path: Path, store: SqliteStore, tmp_path: Path
) -> None:
    """The files as they are after the answer, as kill -9 leaves them."""
    MENDED[way](path)
    post(store, "three")
    left = shutil.copytree(path.parent, tmp_path / "left")
    with opened(left / path.name) as next_store:
        assert texts(next_store) == [*BEFORE, "three"]


def look(store: SqliteStore) -> None:
    """A look without a commit."""
    for _ in range(2):
        store.settle()


COMMITS: dict[str, Callable[[SqliteStore], object]] = {
    "a batch": lambda store: post(store, "x"),
    "report lines": lambda store: store.append([], lines("x"), at=NOW),
    "a deletion": lambda store: store.delete(1, lines("x")[0], at=NOW),
    "a redaction": lambda store: store.redact(1, [1]),
    "a step of pruning": lambda store: store.prune(2),
    "pruned report lines": lambda store: store.prune_lines(0),
    "the index": lambda store: store.settle(),
    "a look": look,
    "an import": lambda store: store.restore([Tweet(9, NOW, None, "imported", ())]),
    "the end of a session": lambda store: store.end_session("stopped", at=NOW),
}


@pytest.mark.parametrize("commit", COMMITS)
def test_every_commit_is_followed_by_a_look(commit: str, path: Path, store: SqliteStore) -> None:
    remove("", "-wal", "-shm")(path)
    with pytest.raises(Displaced):
        COMMITS[commit](store)
    assert texts_of(path.with_name("rescued-tweets.db"))[-1:] in (["two #tag"], ["x"], ["imported"])


@pytest.mark.parametrize("commit", COMMITS)
def test_every_commit_mends_what_can_be_mended(commit: str, path: Path, store: SqliteStore) -> None:
    remove("-wal", "-shm")(path)
    COMMITS[commit](store)
    assert texts_of(path) == texts(store)


def test_a_database_that_replaced_ours_gets_nothing_of_our_log(path: Path, store: SqliteStore) -> None:
    replace_database(path)
    with pytest.raises(Displaced):
        post(store, "unknown")
    store.close()
    assert texts_of(path) == ["other"]


def test_a_file_that_another_program_has_written_is_left_to_it(path: Path, store: SqliteStore) -> None:
    write_another_log(path)
    with pytest.raises(Displaced):
        post(store, "unknown")
    store.close()
    assert Path(f"{path}-wal").read_bytes() == b"another history"


def leave_empty_log(path: Path) -> None:
    """Leave the files of a reader such as `ttweet tags` that came after ours had gone."""
    remove("-wal", "-shm")(path)
    Path(f"{path}-wal").touch()
    Path(f"{path}-shm").write_bytes(bytes(32768))


def test_an_empty_log_that_a_reader_left_is_replaced(path: Path, store: SqliteStore) -> None:
    leave_empty_log(path)
    post(store, "three")
    assert texts_of(path) == [*BEFORE, "three"]


def test_a_reader_that_uses_other_files_is_not_mixed_in(
    path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lock on the index of the log is one of another process, which no test needs to start."""
    leave_empty_log(path)

    def refuse(*_: object) -> None:
        raise BlockingIOError

    monkeypatch.setattr(fcntl, "lockf", refuse)
    with pytest.raises(Displaced):
        post(store, "unknown")
    assert texts_of(path.with_name("rescued-tweets.db")) == [*BEFORE, "unknown"]


def test_a_copy_takes_no_name_that_is_taken(path: Path, store: SqliteStore) -> None:
    path.with_name("rescued-tweets.db").write_text("mine")
    remove("")(path)
    with pytest.raises(Displaced, match=r"rescued-2-tweets\.db"):
        post(store, "unknown")
    assert path.with_name("rescued-tweets.db").read_text() == "mine"
    assert path.with_name("rescued-2-tweets.db").stat().st_mode & 0o777 == 0o600


def test_a_copy_that_cannot_be_written_is_tried_again(
    path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> int:
        raise StoreError("full", "the disk is full")

    remove("")(path)
    with monkeypatch.context() as patched:
        patched.setattr(rescue, "copy_out", full)
        with pytest.raises(Displaced, match=r"cannot be copied \(the disk is full\): do not stop the server"):
            post(store, "unknown")
    with pytest.raises(Displaced, match="all tweets are in"):
        post(store, "refused")
    assert texts_of(path.with_name("rescued-tweets.db")) == [*BEFORE, "unknown"]


def test_a_copy_that_fails_halfway_is_tried_again(
    path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    remove("")(path)
    with monkeypatch.context() as patched:
        patched.setattr(backup.copy_out, "__kwdefaults__", {"progress": broken})
        with pytest.raises(Displaced, match="cannot be copied"):
            post(store, "unknown")
    with pytest.raises(Displaced, match="all tweets are in"):
        post(store, "refused")


def test_attempts_at_a_copy_have_a_pause(path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def full(*_: object, **__: object) -> int:
        tries.append(1)
        raise StoreError("full", "the disk is full")

    monkeypatch.setattr(rescue, "copy_out", full)
    monkeypatch.setattr(database_file, "RESCUE_INTERVAL_S", 3600.0)
    remove("")(path)
    for _ in range(3):
        with pytest.raises(Displaced):
            post(store, "x")
    assert len(tries) == 1


def test_names_that_go_one_after_the_other_are_mended_each_time(path: Path, store: SqliteStore) -> None:
    for number, ending in enumerate(["-wal", "-shm", "-wal", ".lock"], 3):
        remove(ending)(path)
        assert post(store, f"n{number}")[0].id == number
    assert texts_of(path) == [*BEFORE, "n3", "n4", "n5", "n6"]


def test_a_connection_of_other_code_in_this_process_keeps_the_file_from_being_opened_again(
    path: Path, store: SqliteStore
) -> None:
    with closing(sqlite3.connect(path)) as foreign:
        foreign.execute("SELECT count(*) FROM tweets").fetchall()
        remove("-wal", "-shm")(path)
        with pytest.raises(StoreError, match="another part of this program has") as error:
            post(store, "unknown")
    assert (error.value.code, error.value.may_pass) == ("unknown", False)
    with suppress(sqlite3.Error):
        store.close()
    assert texts_of(path) == [*BEFORE, "unknown"]


def test_a_lock_that_another_server_has_taken_is_not_taken_back(path: Path, store: SqliteStore) -> None:
    lock = Path(f"{path}.lock")
    lock.unlink()
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Displaced):
            post(store, "unknown")
    assert texts_of(path) == [*BEFORE, "unknown"]


def test_without_a_proc_file_system_a_copy_is_written(
    path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("ttweet.system.OPEN_FILES", str(tmp_path / "none"))
    remove("-wal", "-shm")(path)
    with pytest.raises(Displaced, match="rescued-tweets"):
        post(store, "unknown")
    assert texts_of(path.with_name("rescued-tweets.db")) == [*BEFORE, "unknown"]


def test_a_name_that_goes_while_the_file_is_opened_is_noticed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(path: Path) -> sqlite3.Connection:
        connection = connect_reader(path)
        Path(f"{path}-wal").unlink()
        return connection

    monkeypatch.setattr(database_file, "connect_reader", careless)
    with pytest.raises(OpenError, match="-wal cannot be opened: it was removed or replaced just now"):
        SqliteStore.open(path, log_limit=1, at=NOW)


def test_the_log_is_silent_while_all_is_well(path: Path, store: SqliteStore, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for number in range(3):
            post(store, f"n{number}")
            store.settle()
    assert not caplog.records
