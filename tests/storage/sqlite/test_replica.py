"""The file of a server in a cluster: its rows change with those of the tweets, and no other writer gets at it."""

from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.support.sqlite_files import MANY_BYTES, NOW, opened, post, texts
from tests.support.stored import tweets_of
from ttweet.model.errors import OpenError
from ttweet.model.tweets import draft
from ttweet.storage.contract import KEY_LIFETIME_MS
from ttweet.storage.sqlite import replica as replica_module
from ttweet.storage.sqlite.entries import EntryWriter
from ttweet.storage.sqlite.reader import SqliteReader
from ttweet.storage.sqlite.replica import (
    Progress,
    forget_origins,
    last_number,
    read_progress,
    write_number,
    write_progress,
)
from ttweet.storage.sqlite.writer import SqliteStore

PROGRESS = Progress("log", 7, 3, 2)


def replica(path: Path) -> SqliteStore:
    return SqliteStore.open(path, log_limit=MANY_BYTES, at=NOW, replicated=True)


def apply(entries: EntryWriter, text: str, *, session: int, progress: Progress, number: int) -> None:
    """Apply an entry in the caller's transaction."""
    entries.append([draft(text)], [], session=session, at=NOW)
    write_progress(entries.connection, progress)
    write_number(entries.connection, "a", number, progress.position)


def test_a_new_file_follows_no_log(store: SqliteStore) -> None:
    with store.transaction() as entries:
        assert read_progress(entries.connection) is None
        assert last_number(entries.connection, "a") == 0


def test_one_transaction_has_the_tweets_of_several_entries_and_the_progress(path: Path) -> None:
    with closing(replica(path)) as store, store.transaction() as entries:
        apply(entries, "one", session=store.session, progress=PROGRESS._replace(position=6), number=1)
        apply(entries, "two", session=store.session, progress=PROGRESS, number=2)
    with closing(replica(path)) as store:
        assert texts(store) == ["one", "two"]
        with store.transaction() as entries:
            assert read_progress(entries.connection) == PROGRESS
            assert (last_number(entries.connection, "a"), last_number(entries.connection, "b")) == (2, 0)


def test_a_transaction_that_fails_leaves_the_progress_as_it_was(path: Path) -> None:
    with closing(replica(path)) as store:
        with suppress(ZeroDivisionError), store.transaction() as entries:
            apply(entries, "one", session=store.session, progress=PROGRESS, number=1)
            raise ZeroDivisionError
        with store.transaction() as entries:
            assert read_progress(entries.connection) is None
            assert entries.newest == 0


def test_only_a_server_of_the_cluster_writes_to_its_file(path: Path) -> None:
    with closing(replica(path)) as store, store.transaction() as entries:
        apply(entries, "one", session=store.session, progress=PROGRESS, number=1)
    with pytest.raises(OpenError, match="belongs to a cluster") as refusal:
        SqliteStore.open(path, log_limit=MANY_BYTES, at=NOW)
    assert refusal.value.code == "in_cluster"
    with closing(SqliteReader(path)) as reader:
        assert texts(reader) == ["one"]


def test_the_file_of_a_single_server_may_enter_a_cluster(path: Path) -> None:
    with opened(path) as store:
        post(store, "one")
    with closing(replica(path)) as store:
        assert texts(store) == ["one"]


@pytest.mark.parametrize("restarts", [False, True])
def test_the_entries_alone_decide_which_keys_a_replica_has_left(path: Path, restarts: bool) -> None:
    store = replica(path)
    late = NOW + KEY_LIFETIME_MS
    for key, at in (("k", NOW), ("l", late - 1), ("m", late + 1), ("k", late)):  # the last by a clock that is behind
        [stored] = tweets_of(store.append([draft("text", key=key)], [], at=at))
        if restarts:
            store.close()
            store = replica(path)
    store.close()
    assert stored.id == 4


def test_the_origins_that_appended_last_are_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica_module, "MAX_ORIGINS", 2)
    with closing(replica(path)) as store, store.transaction() as entries:
        for position, origin in enumerate("abca", 1):
            write_number(entries.connection, origin, 7, position)
        forget_origins(entries.connection)
        assert [last_number(entries.connection, origin) for origin in "abc"] == [7, 0, 7]
