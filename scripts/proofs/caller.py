"""A client that asks for one thing after another, by a plain socket and its own way to read answers."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from typing import Any, Self

ANSWER_S = 15.0  # to wait for an answer: what docs/protocol.md asks of a client


class PlainCaller:
    """A client of the framed protocol; `came_from` is the address of this machine that it comes from.

    Each method raises OSError when the server goes away.
    """

    def __init__(self, port: int, token: str | None = None, came_from: str = "127.0.0.1") -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), ANSWER_S, (came_from, 0))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lines = self.sock.makefile("rb")
        if token is not None:
            self.request("a", token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self.sock.close()

    def send(self, operation: str, data: object, times: int = 1) -> None:
        """Send a request, so many times, and read no answer."""
        self.sock.sendall(frame(operation, data) * times)

    def send_all(self, frames: bytes, number: int) -> None:
        """Send so many requests at once, and read their answers."""
        self.sock.sendall(frames)
        for _ in range(number):
            self.answer()

    def ask(self, operation: str, data: object = "") -> str:
        """`ok`, or the code of the error."""
        kind, said = self.request(operation, data)
        return kind if kind == "ok" else said["code"]

    def request(self, operation: str, data: object = "") -> tuple[str, Any]:
        """Send a request and return its answer."""
        self.send(operation, data)
        return self.answer()

    def answer(self) -> tuple[str, Any]:
        """The next answer, behind what is pushed: `ok` or `err`, and its data."""
        return next((kind, data) for kind, data in self.frames() if kind in ("ok", "err"))

    def frames(self) -> Iterator[tuple[str, Any]]:
        """Whatever comes."""
        for line in self._lines:
            if line.endswith(b"\n"):
                yield tuple(json.loads(line))
        raise ConnectionError("the server went away")


def frame(operation: str, data: object) -> bytes:
    """One request, in as few bytes as it takes."""
    return json.dumps([operation, data], ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def end_with_reset(sock: socket.socket) -> None:
    """Have the connection end with a reset when it is closed."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
