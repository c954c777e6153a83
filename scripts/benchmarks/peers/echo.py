"""The echo server (`echo_server`): one side of the bound of one process with a task for each client."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers.peer import Peer, find_program, version_of
from benchmarks.stage import BenchStage, PeerServer, free_port

_PROGRAM = Path(__file__).with_name("echo_server.py")


@contextmanager
def serve(stage: BenchStage) -> Iterator[PeerServer]:
    """Run the echo server with the Python that runs the benchmark."""
    directory = stage.folder("echo")
    port = free_port()
    with stage.server([sys.executable, "-P", _PROGRAM, str(port)], port=port, directory=directory) as server:
        yield server


PEER = Peer(
    name="echo",
    title="Echo",
    about="one trio task a client that returns each line and stores nothing: the bound of a server with a Python task "
    "for each client",
    install="scripts/setup",
    version=lambda: version_of(find_program(sys.executable), "--version"),
    serve=serve,
)
