"""Servers whose words are looked at: on their terminal, and what they have written of their sessions."""

import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.support.processes import LIMIT_S, TTWEET, Server, environment


def sessions(db: Path) -> list[str]:
    """How each session ended."""
    with closing(sqlite3.connect(db)) as connection:
        return [how for (how,) in connection.execute("SELECT how FROM sessions ORDER BY id")]


def logged(db: Path) -> list[str]:
    """The texts of the report log, all sessions."""
    with closing(sqlite3.connect(db)) as connection:
        return [text for (text,) in connection.execute("SELECT text FROM log ORDER BY id")]


@dataclass(slots=True)
class Talking(Server):
    """A server that shows what happens; `started` are its first, up to the one that says where it listens."""

    started: list[str] = field(default_factory=list)

    def read_until(self, words: str) -> list[str]:
        """The next lines it shows, up to one that holds these words."""
        assert self.process.stderr is not None
        return read_until(self.process.stderr, words)


def read_until(stderr: IO[bytes], words: str) -> list[str]:
    lines = []
    for line in stderr:
        lines.append(line.decode().rstrip("\n"))
        if words in lines[-1]:
            return lines
    raise AssertionError(f"the server ended without {words!r}, after {lines}")


@contextmanager
def talking_server(*options: str, cwd: Path, limit: str = "", form: str = "classic") -> Iterator[Talking]:
    """A server with a terminal that is a pipe, below a limit that is set in a shell; `form` is its --log-format."""
    serve = [*TTWEET, "serve", "0", "--log-format", form, *options]
    command = ["sh", "-c", f'{limit}\nexec "$@"', "sh", *serve]
    process = subprocess.Popen(command, cwd=cwd, env=environment(), stderr=subprocess.PIPE, start_new_session=True)
    assert process.stderr is not None
    guard = threading.Timer(LIMIT_S, process.kill)
    guard.start()
    try:
        started = read_until(process.stderr, "listening")
        yield Talking(process, int(started[-1].rpartition(":")[2].rstrip("}")), cwd, started=started)
    finally:
        process.terminate()
        process.wait(LIMIT_S)
        guard.cancel()
        process.stderr.close()
