"""ttweet itself, with its report log and its Sample.txt, as anybody would start it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from server_process import Broken, ServerProcess

from benchmarks.peers.peer import Peer, find_program, version_of
from benchmarks.stage import BenchError, BenchStage, PeerServer, pinned

MAX_CLIENTS = 6000  # the part `idle` opens 5,000


def program() -> Path:
    """The `ttweet` of the environment that runs the benchmark."""
    return Path(sys.executable).with_name("ttweet")


def command(database: Path) -> list[str | Path]:
    """The command line of the server that is measured."""
    return [program(), "serve", "0", "--db", database, "--max-clients", str(MAX_CLIENTS), "--quiet"]


@contextmanager
def serve(
    stage: BenchStage, database: Path | None = None, *, under: tuple[str | Path, ...] = ()
) -> Iterator[PeerServer]:
    """Serve a new database, or the one given; `under` is put before the command, such as strace and its options."""
    directory = stage.folder("ttweet")
    argv = [*under, *command(database or directory / "tweets.db")]
    with ExitStack() as stack:
        try:
            with pinned(stage.cores.server):
                server = stack.enter_context(ServerProcess.serving(argv, directory, os.environ, last=signal.SIGTERM))
        except Broken as exc:
            raise BenchError(str(exc)) from exc
        yield PeerServer(server.port, directory, server.process)


PEER = Peer(
    name="ttweet",
    title="ttweet",
    about="`ttweet serve` with its report log and its Sample.txt",
    install="scripts/setup",
    version=lambda: version_of(find_program(str(program())), "--version"),
    serve=serve,
)
