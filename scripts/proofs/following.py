"""kill -9 again and again under followers that come back with their last id: what each has seen is what is stored."""

from __future__ import annotations

import json
import random
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from server_process import LIMIT_S, Broken, ServerProcess

from proofs.checker import check
from proofs.figure import Result
from proofs.findings import Findings
from proofs.history import History
from proofs.load import clients, wait_for_acknowledged
from proofs.simple_tags import fold
from proofs.stage import Stage
from proofs.talk import ANSWER_S, answer, frame

FOLLOWED = ((), ("PROOF",), ("crash", "Straße"), ("寿司",), ("3251", "proof", "cs"))
MAX_ACKNOWLEDGED = 400  # uploads in the life of a server; it dies within them, and as often at once


@dataclass(slots=True)
class Cursor:
    """What one follower follows and has seen, over all its connections."""

    tags: tuple[str, ...]
    ids: list[int]
    resumed: int = 0


class Listener(threading.Thread):
    """Follows for the life of one server; `caught_up` is set when it has all that was there when it came."""

    def __init__(self, cursor: Cursor, port: int) -> None:
        super().__init__(name=f"follower of {cursor.tags}", daemon=True)
        self._cursor = cursor
        self._port = port
        self.caught_up = threading.Event()

    def run(self) -> None:
        """Follow after the last id, until the server is gone."""
        try:
            with socket.create_connection(("127.0.0.1", self._port), ANSWER_S) as sock, sock.makefile("rb") as lines:
                after = self._cursor.ids[-1] if self._cursor.ids else 0
                sock.sendall(frame("s", {"tags": self._cursor.tags, "after": after}))
                answer(lines)
                sock.settimeout(None)
                self._listen(lines)
        except OSError:
            return  # the server was killed

    def _listen(self, lines: Iterator[bytes]) -> None:
        self._cursor.resumed += 1
        for line in lines:
            if not line.endswith(b"\n"):
                return
            operation, data = json.loads(line)
            if operation == "m":
                self._cursor.ids.append(data["id"])
            elif operation == "e":
                self.caught_up.set()


def prove(stage: Stage, *, kills: int, seed: int) -> Result:
    """Kill so many servers under load, then let every follower catch up and compare."""
    chance, history = random.Random(seed), History()
    cursors = [Cursor(tags, []) for tags in FOLLOWED]
    with clients(history, chance) as target:
        for _ in range(kills):
            with stage.server() as server, _following(server, cursors):
                target.set(server.port)
                wait_for_acknowledged(history, chance.randrange(MAX_ACKNOWLEDGED))
                server.kill()
            target.set(None)
        target.set(None, stopped=True)
    with stage.server() as server, _following(server, cursors) as followers:
        complete = all(follower.caught_up.wait(LIMIT_S) for follower in followers)
        code = server.stop()
    findings = check(history, stage.db, sample=stage.sample, ended=True)
    _compare(cursors, stage.db, findings)
    return Result(findings, ("lost", "dup", "order"), history, _beside(kills, cursors), passed=code == 0 and complete)


@contextmanager
def _following(server: ServerProcess, cursors: list[Cursor]) -> Iterator[list[Listener]]:
    """Followers of this server; they end with it, before the block is left."""
    followers = [Listener(cursor, server.port) for cursor in cursors]
    for follower in followers:
        follower.start()
    yield followers
    for follower in followers:
        follower.join(LIMIT_S)
        if follower.is_alive():
            raise Broken(f"the {follower.name} still waits, though its server has gone")


def _compare(cursors: list[Cursor], db: Path, findings: Findings) -> None:
    with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True)) as connection:
        deleted = {id_ for (id_,) in connection.execute("SELECT id FROM tweets WHERE author = ''")}
        for cursor in cursors:
            stored = _stored(connection, cursor.tags)
            seen = [id_ for id_ in cursor.ids if id_ not in deleted]
            if len(set(seen)) < len(seen):
                findings.add("dup", f"the follower of {cursor.tags} saw some ids twice")
            if missing := sorted(set(stored) - set(seen)):
                findings.add("lost", f"the follower of {cursor.tags} missed {missing[:5]} and {len(missing)} in all")
            elif seen != stored:
                findings.add("order", f"the follower of {cursor.tags} saw others than are stored, or in another order")


def _stored(connection: sqlite3.Connection, tags: tuple[str, ...]) -> list[int]:
    if not tags:
        return [id_ for (id_,) in connection.execute("SELECT id FROM tweets WHERE author IS NOT '' ORDER BY id")]
    marks = ",".join("?" * len(tags))
    sql = f"SELECT DISTINCT tweet FROM tweet_tags JOIN tags ON tags.id = tag WHERE key IN ({marks}) ORDER BY tweet"
    return [id_ for (id_,) in connection.execute(sql, [fold(tag) for tag in tags])]


def _beside(kills: int, cursors: list[Cursor]) -> str:
    seen = sum(len(cursor.ids) for cursor in cursors)
    resumed = sum(cursor.resumed for cursor in cursors)
    return f"kills={kills} followers={len(cursors)} resumed={resumed} seen={seen}"
