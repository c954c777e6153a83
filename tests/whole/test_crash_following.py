"""kill -9 under load, with real processes, and followers that resume by their last id: each sees the log, once."""

import json
import socket
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from tests.support.processes import LIMIT_S, running_server
from ttweet.protocol.frames import encode

ROUNDS = 4
UPLOADS = 400  # seen by a follower before the server is killed
TAGS = [[], ["a"], ["a", "b"]]


class CountingFollower(threading.Thread):
    """Follows after its last id until the connection breaks; counts what it sees."""

    def __init__(self, port: int, tags: list[str], seen: list[int], counted: threading.Semaphore) -> None:
        super().__init__()
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S)
        self.seen = seen
        self.counted = counted
        self.caught_up = threading.Event()
        self.connection.sendall(encode("s", {"tags": tags, "after": seen[-1] if seen else 0}))

    def run(self) -> None:
        try:
            with self.connection, self.connection.makefile("rb") as lines:
                for line in lines:
                    if line.endswith(b"\n"):
                        self.take(*json.loads(line))
        except ConnectionError:
            pass  # killed

    def take(self, kind: str, data: dict[str, int]) -> None:
        if kind == "m":
            self.seen.append(data["id"])
            self.counted.release()
        elif kind == "e":
            self.caught_up.set()


def post_until_killed(port: int) -> None:
    """Upload as fast as the server answers, tagged a, b, both and not at all in turn."""
    texts = ["one #a", "two #b", "three #a #b", "four"]
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as connection:
            lines = connection.makefile("rb")
            while True:
                connection.sendall(b"".join([encode("u", text) for text in texts]))
                if not all(lines.readline() for _ in texts):
                    return
    except ConnectionError:
        pass  # killed


def stored(db: Path, tags: list[str]) -> list[int]:
    """The ids that a follower of these tags is to see, by SQLite alone."""
    sql = "SELECT id FROM tweets ORDER BY id"
    if tags:
        keys = ", ".join([f"'{tag}'" for tag in tags])
        sql = f"SELECT DISTINCT tweet FROM tweet_tags JOIN tags ON tags.id = tag WHERE key IN ({keys}) ORDER BY tweet"
    with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True)) as connection:
        return [id_ for (id_,) in connection.execute(sql)]


def test_followers_that_resume_see_what_is_stored_in_order_and_none_twice(tmp_path: Path) -> None:
    seen: list[list[int]] = [[] for _ in TAGS]
    for _ in range(ROUNDS):
        with running_server(tmp_path) as server:
            counted = [threading.Semaphore(0) for _ in TAGS]
            followers = [CountingFollower(server.port, *those) for those in zip(TAGS, seen, counted, strict=True)]
            posters = [threading.Thread(target=post_until_killed, args=(server.port,)) for _ in range(2)]
            for thread in [*followers, *posters]:
                thread.start()
            for _ in range(UPLOADS):
                assert counted[1].acquire(timeout=LIMIT_S)
            server.process.kill()
            for thread in [*followers, *posters]:
                thread.join(LIMIT_S)
                assert not thread.is_alive()
    with running_server(tmp_path) as server:
        followers = [CountingFollower(server.port, *those) for those in zip(TAGS, seen, counted, strict=True)]
        for follower in followers:
            follower.start()
            assert follower.caught_up.wait(LIMIT_S)
        assert server.stop() == 0
        for follower in followers:
            follower.join(LIMIT_S)
        for tags, ids in zip(TAGS, seen, strict=True):
            assert ids == stored(server.db, tags)
