"""Redis, with an append-only file that is synced before each answer."""

from __future__ import annotations

from contextlib import AbstractContextManager

from benchmarks.peers.peer import Peer, configured, find_program, version_of
from benchmarks.stage import BenchStage, PeerServer

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


def serve(stage: BenchStage) -> AbstractContextManager[PeerServer]:
    """Run Redis with an append-only file."""
    return configured(stage, find_program("redis-server") or "redis-server", _SETTINGS)


PEER = Peer(
    name="redis",
    title="Redis",
    about="`appendonly yes`, `appendfsync always`, no snapshots, no rewrites of the file",
    install="apt install redis-server",
    version=lambda: version_of(find_program("redis-server"), "--version"),
    serve=serve,
)
