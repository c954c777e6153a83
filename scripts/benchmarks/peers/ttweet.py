"""ttweet itself, with its report log and its Sample.txt, with default options."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from server_process import Broken, ServerProcess

from benchmarks import priority
from benchmarks.peers.peer import BEFORE, Peer, find_program, version_of
from benchmarks.stage import BenchError, BenchStage, PeerServer, pinned

MAX_CLIENTS = 6000  # the part `idle` opens 5,000


def program(checkout: Path | None = None) -> Path:
    """The `ttweet` of the environment that runs the benchmark, or of another checkout."""
    return Path(sys.executable).with_name("ttweet") if checkout is None else checkout / ".venv" / "bin" / "ttweet"


@contextmanager
def serve(
    stage: BenchStage,
    database: Path | None = None,
    *,
    under: tuple[str | Path, ...] = (),
    options: tuple[str | Path, ...] = (),
    checkout: Path | None = None,
    http: bool = False,
) -> Iterator[PeerServer]:
    """Serve a new database, or the one given; with `http` by HTTP as well.

    `under` is put before the command, such as strace and its options; `options` are added to those of `ttweet serve`.
    """
    directory = stage.folder("ttweet")
    argv = [*under, program(checkout), "serve", "0", "--db", database or directory / "tweets.db"]
    argv += ["--max-clients", str(MAX_CLIENTS), "--quiet", *options, *(("--http", "0") if http else ())]
    with ExitStack() as stack:
        try:
            with pinned(stage.cores.server):
                server = stack.enter_context(ServerProcess.serving(argv, directory, os.environ, last=signal.SIGTERM))
            http_port = server.http_port if http else 0
        except Broken as exc:
            raise BenchError(str(exc)) from exc
        priority.share(server.process.pid)
        yield PeerServer(server.port, directory, server.process, http_port)


PEER = Peer(
    name="ttweet",
    title="ttweet",
    about="`ttweet serve` with its report log and its Sample.txt",
    install="scripts/setup",
    version=lambda: version_of(find_program(str(program())), "--version"),
    serve=serve,
)


def baseline(checkout: Path) -> Peer:
    """Return the ttweet of another checkout, in its own environment, as a peer."""
    return replace(
        PEER,
        name=f"ttweet{BEFORE}",
        about=f"`ttweet serve` of {checkout.name}",
        install=f"{checkout}/scripts/setup",
        version=lambda: version_of(find_program(str(program(checkout))), "--version"),
        serve=partial(serve, checkout=checkout),
    )
