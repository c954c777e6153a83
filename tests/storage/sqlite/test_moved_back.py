"""A database that is moved away while it is open, and then moved back: what it holds then, and what is stored in it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sqlite_files import opened, post, sql, texts
from ttweet.model.errors import Displaced
from ttweet.storage.sqlite import database_file, identity
from ttweet.storage.sqlite.writer import SqliteStore

BEFORE = ["one", "two #tag"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "tweets.db"


@pytest.fixture
def store(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteStore]:
    monkeypatch.setattr(identity, "NAMES_CHECK_INTERVAL_S", 0.0)
    monkeypatch.setattr(database_file, "RESCUE_INTERVAL_S", 0.0)
    with opened(path) as store:
        post(store, *BEFORE)
        store.settle()  # the index of tags is complete, so that a look commits nothing
        yield store


def rename_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("renamed"))


def texts_of(path: Path) -> list[str]:
    """By a start: it takes over what waits in the log."""
    with opened(path) as store:
        return texts(store)


def test_files_that_are_put_back_before_anything_was_tried_stay_in_use(path: Path, store: SqliteStore) -> None:
    rename_folder(path)
    with pytest.raises(Displaced, match="it was moved to"):
        store.settle()
    path.parent.with_name("renamed").rename(path.parent)
    assert post(store, "three")[0].id == 3


def test_after_an_unknown_batch_nothing_more_is_stored(path: Path, store: SqliteStore) -> None:
    """Followers were not told of it: with what comes after it they would have a gap."""
    rename_folder(path)
    with pytest.raises(Displaced, match="it was moved to"):
        post(store, "unknown")
    path.parent.with_name("renamed").rename(path.parent)
    with pytest.raises(Displaced, match="all tweets are in it again; restart the server"):
        post(store, "refused")


@pytest.mark.parametrize("look_between", [True, False])
def test_a_database_that_was_moved_away_alone_and_back_has_all_that_it_held(
    look_between: bool, path: Path, store: SqliteStore
) -> None:
    away = path.rename(path.with_name("away.db"))
    with pytest.raises(Displaced, match=r"all tweets are in .*rescued-tweets\.db"):
        post(store, "unknown")
    away.rename(path)
    if look_between:
        with pytest.raises(Displaced, match="all tweets are in it again; restart the server"):
            post(store, "refused")
    store.close()
    assert texts_of(path) == [*BEFORE, "unknown"]
    assert sql(path, "PRAGMA integrity_check") == [("ok",)]


def test_a_database_that_another_program_has_written_to_meanwhile_is_not_used_further(
    path: Path, store: SqliteStore
) -> None:
    away = path.rename(path.with_name("away.db"))
    with pytest.raises(Displaced):
        store.settle()
    os.utime(away)  # as by a program that writes to it where it is now
    away.rename(path)
    with pytest.raises(Displaced, match=r"rescued-2-tweets\.db; restart with that file"):
        post(store, "refused")
    assert not Path(f"{path}-wal").exists()
    store.close()
    assert texts_of(path.with_name("rescued-2-tweets.db")) == BEFORE


def test_a_file_that_is_lost_again_after_it_came_back_is_rescued_again(path: Path, store: SqliteStore) -> None:
    away = path.rename(path.with_name("away.db"))
    with pytest.raises(Displaced):
        store.settle()
    away.rename(path)
    post(store, "three")
    path.unlink()
    with pytest.raises(Displaced, match=r"rescued-2-tweets\.db"):
        post(store, "unknown")
    store.close()
    assert texts_of(path.with_name("rescued-2-tweets.db")) == [*BEFORE, "three", "unknown"]
