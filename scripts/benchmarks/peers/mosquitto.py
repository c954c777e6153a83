"""Mosquitto. Its PUBACK promises nothing about the disk: among durable uploads it is for reference only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers.peer import Peer, find_program, version_of
from benchmarks.stage import BenchStage, PeerServer, free_port

_SETTINGS = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
set_tcp_nodelay true
log_type error
"""
_SBIN = Path("/usr/sbin")


@contextmanager
def serve(stage: BenchStage) -> Iterator[PeerServer]:
    """Run Mosquitto without persistence."""
    directory = stage.folder("mosquitto")
    port = free_port()
    settings = directory / "mosquitto.conf"
    settings.write_text(_SETTINGS.format(port=port))
    program = find_program("mosquitto", _SBIN) or "mosquitto"
    with stage.server([program, "-c", settings], port=port, directory=directory) as server:
        yield server


PEER = Peer(
    name="mosquitto",
    title="Mosquitto",
    about="QoS 1, no persistence: **not durable**, for reference",
    install="apt install mosquitto",
    version=lambda: version_of(find_program("mosquitto", _SBIN), "-h"),
    serve=serve,
)
