"""A server keeps an index of words without `--no-find`, and erases the words of deleted tweets from its file."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import trio

from tests.support.guard import GUARD_S
from tests.support.processes import running_server
from ttweet.client.sync_client import Client


async def until(holds: Callable[[], bool]) -> None:
    with trio.fail_after(GUARD_S):
        while not holds():  # noqa: ASYNC110  # another process makes it so
            await trio.sleep(0.01)


def indexed_up_to(db: Path) -> int:
    """How far the index is; 0 without one."""
    with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True)) as connection:
        if not connection.execute("SELECT * FROM sqlite_schema WHERE name = 'word_index'").fetchall():
            return 0
        up_to: int = connection.execute("SELECT coalesce(max(up_to), 0) FROM word_index").fetchone()[0]
        return up_to


def raw(db: Path) -> bytes:
    log = Path(f"{db}-wal")
    return db.read_bytes() + (log.read_bytes() if log.exists() else b"")


async def test_a_running_server_indexes_words_and_erases_those_of_deleted_tweets(tmp_path: Path) -> None:
    with running_server(tmp_path) as server, Client("127.0.0.1", server.port) as client:
        client.post("one")
        tweet = client.post("Zanzibar")
        await until(lambda: indexed_up_to(server.db) == 2)
        assert b"zanzibar" in raw(server.db)
        client.delete(tweet.id)
        await until(lambda: b"anzibar" not in raw(server.db))


async def test_a_server_with_no_find_drops_the_index_of_an_earlier_one_and_still_finds(tmp_path: Path) -> None:
    with running_server(tmp_path) as server, Client("127.0.0.1", server.port) as client:
        client.post("Zanzibar")
        await until(lambda: indexed_up_to(server.db) == 1)
    with running_server(tmp_path, "--no-find") as server, Client("127.0.0.1", server.port) as client:
        await until(lambda: indexed_up_to(server.db) == 0)
        client.post("again Zanzibar")
        assert [tweet.text for tweet in client.find("zanzibar").tweets] == ["again Zanzibar", "Zanzibar"]
