"""A way to a node on which answers get lost: the node carries out what it was asked for, and the connection breaks."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ttweet.cluster.address import Node


class Way:
    """Passes bytes to the node and back. While `loses` is set, each answer ends the connection instead."""

    def __init__(self, node: Node) -> None:
        self.loses = False
        self.lost = 0
        self._node = node
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.entrance = Node("127.0.0.1", self._listener.getsockname()[1])
        self._open: list[socket.socket] = []

    def run(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._node)
                self._open += [near, far]
                for one, other, is_answer in ((near, far, False), (far, near, True)):
                    threading.Thread(target=self._pass, args=(one, other, is_answer), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket, is_answer: bool) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                if is_answer and self.loses:
                    self.lost += 1
                    break
                other.sendall(data)
        for each in (one, other):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for each in (self._listener, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@contextmanager
def way_to(node: Node) -> Iterator[Way]:
    """A way to a node, for as long as the context lasts."""
    way = Way(node)
    thread = threading.Thread(target=way.run, daemon=True)
    thread.start()
    try:
        yield way
    finally:
        way.close()
        thread.join()
