"""Mosquitto. Its PUBACK promises nothing about the disk: among durable uploads it is for reference only."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from benchmarks.peers.peer import Peer, configured, find_program, version_of
from benchmarks.stage import BenchStage, PeerServer

_SETTINGS = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
set_tcp_nodelay true
log_type error
"""
_SBIN = Path("/usr/sbin")


def serve(stage: BenchStage) -> AbstractContextManager[PeerServer]:
    """Run Mosquitto without persistence."""
    return configured(stage, find_program("mosquitto", _SBIN) or "mosquitto", _SETTINGS, "-c")


PEER = Peer(
    name="mosquitto",
    title="Mosquitto",
    about="QoS 1, no persistence: **not durable**, for reference",
    install="apt install mosquitto",
    version=lambda: version_of(find_program("mosquitto", _SBIN), "-h"),
    serve=serve,
)
