"""ttweet itself, with its report log and its Sample.txt, as anybody would start it."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers.peer import Peer, find_program, version_of
from benchmarks.stage import Server, Stage, free_port

MAX_CLIENTS = 6000  # the part `idle` opens 5,000


def program() -> Path:
    """The `ttweet` of the environment that runs the benchmark."""
    return Path(sys.executable).with_name("ttweet")


def command(port: int, database: Path) -> list[str | Path]:
    """The command line of the server that is measured."""
    return [program(), "serve", str(port), "--db", database, "--max-clients", str(MAX_CLIENTS), "--quiet"]


@contextmanager
def serve(stage: Stage, database: Path | None = None, *, under: tuple[str | Path, ...] = ()) -> Iterator[Server]:
    """Serve a new database, or the one given; `under` is put before the command, such as strace and its options."""
    directory = stage.folder("ttweet")
    port = free_port()
    argv = [*under, *command(port, database or directory / "tweets.db")]
    with stage.server(argv, port=port, directory=directory, ready=answers) as server:
        yield server


def answers(port: int) -> bool:
    """Whether the server on this port answers a ping."""
    try:
        request(port, "p", "")
    except (OSError, ValueError):
        return False
    return True


def request(port: int, operation: str, data: object) -> object:
    """One request on a connection of its own; the data of its answer. Raises OSError or ValueError without an `ok`."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(json.dumps([operation, data]).encode() + b"\n")
        with connection.makefile("rb") as lines:
            word, answer = json.loads(lines.readline())
    if word != "ok":
        raise ValueError(f"{operation}: {answer}")
    return answer


PEER = Peer(
    name="ttweet",
    title="ttweet",
    about="`ttweet serve` with its report log and its Sample.txt",
    install="scripts/setup",
    version=lambda: version_of(find_program(str(program())), "--version"),
    serve=serve,
)
