"""Redis, with an append-only file that is synced before each answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.peers.peer import Peer, find_program, version_of
from benchmarks.stage import BenchStage, PeerServer, free_port

# Rewrites of the file would only slow it down; ttweet's own checkpoints stay on.
_SETTINGS = """\
bind 127.0.0.1
protected-mode no
port {port}
appendonly yes
appendfsync always
auto-aof-rewrite-percentage 0
save ""
"""


@contextmanager
def serve(stage: BenchStage) -> Iterator[PeerServer]:
    """Run Redis with an empty file."""
    directory = stage.folder("redis")
    port = free_port()
    settings = directory / "redis.conf"
    settings.write_text(_SETTINGS.format(port=port))
    program = find_program("redis-server") or "redis-server"
    with stage.server([program, settings], port=port, directory=directory) as server:
        yield server


PEER = Peer(
    name="redis",
    title="Redis",
    about="`appendonly yes`, `appendfsync always`, no snapshots, no rewrites of the file",
    install="apt install redis-server",
    version=lambda: version_of(find_program("redis-server"), "--version"),
    serve=serve,
)
