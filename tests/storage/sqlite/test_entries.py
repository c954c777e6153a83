"""Entries that are applied inside a caller's transaction: several batches in one, with other rows of the caller."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.sqlite_files import NOW, opened, sql
from tests.support.stored import tweets_after
from ttweet.model.reports import message_deleted, message_received
from ttweet.model.tweets import Deletion, Tweet, draft
from ttweet.storage.contract import NOT_SEARCHED
from ttweet.storage.sqlite import tag_index
from ttweet.storage.sqlite.entries import EntryWriter
from ttweet.storage.sqlite.reader import SqliteReader

TABLES = ("tweets", "deletions", "tags", "tweet_tags", "tag_index", "keys", "log", "mine")


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a file that another program has a table in."""
    with opened(path) as store:
        store.append([draft("1 #a", key="one")], [message_received("1 #a")], at=NOW)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE mine (entry INTEGER)")
        yield connection


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    return {table: sql(path, f"SELECT * FROM {table}") for table in TABLES}


def apply_two_batches(connection: sqlite3.Connection, entries: EntryWriter) -> list[object]:
    """Apply two batches and a deletion, with a row that says how far this other log has been applied."""
    first = entries.append(
        [draft("2 #a #b", key="two"), draft("again", key="one")], [message_received("2 #a #b")], session=1, at=NOW
    )
    second = entries.append([draft("3 #b"), draft("again", key="two")], [], session=1, at=NOW + 1)
    deletion = entries.delete(
        Tweet(3, NOW + 1, None, "3 #b", ("b",)), message_deleted(3, "ann"), session=1, at=NOW + 2, traces=NOT_SEARCHED
    )
    connection.execute("INSERT INTO mine (entry) VALUES (17)")
    return [*first, *second, deletion]


OUTCOMES = [
    Tweet(2, NOW, None, "2 #a #b", ("a", "b")),
    Tweet(1, NOW, None, "1 #a", ("a",)),
    Tweet(3, NOW + 1, None, "3 #b", ("b",)),
    Tweet(2, NOW, None, "2 #a #b", ("a", "b")),
    Deletion(4, NOW + 2, 3),
]


@pytest.mark.parametrize("chunk", [1, 2, 1000])
def test_batches_that_are_rolled_back_leave_nothing_and_come_out_alike_when_they_are_applied_again(
    path: Path, connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(tag_index, "CHUNK_TWEETS", chunk)
    entries = EntryWriter(connection, log_limit=100_000, find=True)
    before = content(path), entries.newest, entries.last_line, entries.is_indexed
    connection.execute("BEGIN IMMEDIATE")
    assert apply_two_batches(connection, entries) == OUTCOMES
    connection.execute("ROLLBACK")
    entries.forget()
    assert (content(path), entries.newest, entries.last_line, entries.is_indexed) == before
    connection.execute("BEGIN IMMEDIATE")
    assert apply_two_batches(connection, entries) == OUTCOMES
    connection.execute("COMMIT")
    entries.keep()
    assert (entries.newest, entries.last_line) == (4, before[2] + 2)


@pytest.mark.parametrize("chunk", [1, 2, 1000])
def test_batches_of_one_transaction_are_indexed_once(
    path: Path, connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(tag_index, "CHUNK_TWEETS", chunk)
    entries = EntryWriter(connection, log_limit=100_000, find=True)
    for _ in range(2):
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(3):
            entries.append([draft("#a"), draft("#a #b")], [], session=1, at=NOW)
        connection.execute("COMMIT")
        entries.keep()
    with closing(SqliteReader(path)) as reader:
        listed = {tag.tag: tag.count for tag in reader.list_tags(limit=9, now=NOW).tags}
        assert listed == {"a": 13, "b": 6}
        assert [one.id for one in tweets_after(reader, 0, 99, keys=["b"])] == [3, 5, 7, 9, 11, 13]
    connection.execute("BEGIN IMMEDIATE")
    entries.index()
    connection.execute("COMMIT")
    entries.keep()
    assert entries.is_indexed
    assert sql(path, "SELECT spelling, count FROM tags ORDER BY spelling") == [("a", 13), ("b", 6)]
