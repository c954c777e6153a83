"""kill -9 in the middle of uploads, with real processes: every acknowledged tweet is there once, with its id.

And what was not acknowledged is there once or not at all, and once when it is asked again with its key.
"""

import random
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.processes import LIMIT_S, Server, running_server
from ttweet.client.sync_client import Client
from ttweet.model.errors import ConnectError
from ttweet.protocol.frames import encode

UPLOADERS = 4
ROUNDS = 3


class Uploader(threading.Thread):
    """Uploads until the server is gone; knows what it has sent and which ids were acknowledged."""

    def __init__(self, server: Server, name: str, counted: threading.Semaphore) -> None:
        super().__init__(name=name)
        self.server = server
        self.counted = counted
        self.sent: list[str] = []
        self.acknowledged: dict[str, int] = {}

    def texts(self) -> Iterator[str]:
        number = 0
        while True:
            number += 1
            self.sent.append(f"{self.name} {number} #crash")
            yield self.sent[-1]

    def keys(self) -> Iterator[str]:
        while True:
            yield self.sent[-1]

    def run(self) -> None:
        with Client("127.0.0.1", self.server.port) as client:
            try:
                for place, stored in enumerate(client.post_many(self.texts(), keys=self.keys())):
                    assert not isinstance(stored, Exception)
                    self.acknowledged[self.sent[place]] = stored.id
                    self.counted.release()
            except ConnectError:
                pass  # killed: how much was answered stands in `acknowledged`


def uploaded_until_killed(server: Server, names: list[str], acknowledgements: int) -> list[Uploader]:
    """Let uploaders run until so many uploads were acknowledged, then kill the server under them."""
    counted = threading.Semaphore(0)
    uploaders = [Uploader(server, name, counted) for name in names]
    for uploader in uploaders:
        uploader.start()
    for _ in range(acknowledgements):
        assert counted.acquire(timeout=LIMIT_S)
    server.process.kill()
    for uploader in uploaders:
        uploader.join(LIMIT_S)
        assert not uploader.is_alive()
    return uploaders


def stored_ids(db: Path) -> dict[str, list[int]]:
    """Each stored text and its ids, read by SQLite alone."""
    ids: dict[str, list[int]] = {}
    with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True)) as connection:
        for id_, text in connection.execute("SELECT id, text FROM tweets ORDER BY id"):
            ids.setdefault(text, []).append(id_)
    return ids


def check(db: Path, uploaders: list[Uploader]) -> None:
    ids = stored_ids(db)
    for uploader in uploaders:
        for text, id_ in uploader.acknowledged.items():
            assert ids[text] == [id_], "acknowledged: there, once, with its id"
        stored = [text for text in uploader.sent if text in ids]
        assert stored == uploader.sent[: len(stored)], "of one client's uploads no earlier one is missing"
        assert [ids[text] for text in stored] == sorted(ids[text] for text in stored)
    assert all(len(same) == 1 for same in ids.values())


def test_after_kill_9_every_acknowledged_tweet_is_there_once(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    uploaders: list[Uploader] = []
    for round_ in range(ROUNDS):
        with running_server(tmp_path) as server:
            names = [f"{round_}-{number}" for number in range(UPLOADERS)]
            uploaders += uploaded_until_killed(server, names, chance.randrange(1, 2000))
        check(server.db, uploaders)
    with running_server(tmp_path) as server:
        check(server.db, uploaders)
        ask_again(server, uploaders)
        assert server.stop() == 0
    check_counts(server.db, uploaders)


def ask_again(server: Server, uploaders: list[Uploader]) -> None:
    """Send everything once more with its key, acknowledged or not."""
    before = stored_ids(server.db)
    with Client("127.0.0.1", server.port) as client:
        for uploader in uploaders:
            for text, stored in zip(uploader.sent, client.post_many(uploader.sent, keys=uploader.sent), strict=True):
                assert not isinstance(stored, Exception)
                assert before.get(text, [stored.id]) == [stored.id]


def check_counts(db: Path, uploaders: list[Uploader]) -> None:
    """All that was ever sent is there once, and the count of its tag agrees."""
    sent = [text for uploader in uploaders for text in uploader.sent]
    ids = stored_ids(db)
    assert sorted(ids) == sorted(sent)
    assert all(len(same) == 1 for same in ids.values())
    with closing(sqlite3.connect(db)) as connection:
        assert connection.execute("SELECT count FROM tags WHERE key = 'crash'").fetchone() == (len(sent),)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT how FROM sessions").fetchall() == [("crashed",)] * ROUNDS + [("stopped",)]


@pytest.mark.parametrize("frames_sent", [1, 40])
def test_a_post_that_was_never_answered_is_there_once_or_not_at_all(frames_sent: int, tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        client = Client("127.0.0.1", server.port)
        client.ping()
        client._idle[0].send(b"".join([encode("u", f"{number}") for number in range(frames_sent)]))
        server.process.kill()
        server.process.wait(LIMIT_S)
        client.close()
    with running_server(tmp_path) as server:
        ids = stored_ids(server.db)
    assert list(ids) == [str(number) for number in range(len(ids))]
    assert list(ids.values()) == [[number + 1] for number in range(len(ids))]


def test_a_stop_in_the_middle_of_uploads_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    counted = threading.Semaphore(0)
    with running_server(tmp_path) as server:
        uploaders = [Uploader(server, str(number), counted) for number in range(UPLOADERS)]
        for uploader in uploaders:
            uploader.start()
        for _ in range(500):
            assert counted.acquire(timeout=LIMIT_S)
        assert server.stop() == 0
        for uploader in uploaders:
            uploader.join(LIMIT_S)
    check(server.db, uploaders)
