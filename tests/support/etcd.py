"""etcd for tests: real nodes that start fast, and an end of the gateway that says what a test wants."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from ttweet.cluster.address import ClusterAddress, Node

FAST = ("--heartbeat-interval", "20", "--election-timeout", "200")  # ms: a tenth of what etcd takes by itself
MISSING = "etcd is not installed, so the replicated log is tested in memory alone; apt install etcd-server"

HEADER = {"header": {"cluster_id": "1", "member_id": "2", "revision": "3"}}

Answer = tuple[int, Any]
"""The status of an answer, and its JSON; as bytes, the lines of a watch, after which nothing more comes."""

Answers = Callable[[str, Any], Answer]
"""Answers a path and the JSON of a request."""


def status(version: str) -> Answer:
    """The state of a node with a leader."""
    return 200, {**HEADER, "version": version, "leader": "2"}


@contextmanager
def gateway(answers: Answers) -> Iterator[Node]:
    """A node that gives these answers."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = msgspec.json.decode(self.rfile.read(int(self.headers["Content-Length"])))
            code, answer = answers(self.path, request)
            self.send_response(code)
            if isinstance(answer, bytes):
                self.stream(answer)
                return
            data = msgspec.json.encode(answer)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def stream(self, lines: bytes) -> None:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(lines), lines))
            self.rfile.read(1)  # until the other end closes the connection
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that goes away is none of the test's affair."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Node("127.0.0.1", server.server_port)
        finally:
            server.shutdown()
            thread.join()


def of(*nodes: Node) -> ClusterAddress:
    """The address of a cluster that these nodes keep."""
    return ClusterAddress(nodes, "team")
