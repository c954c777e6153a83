"""A client of a siege, which asks for one thing after another."""

from __future__ import annotations

import socket
from typing import Any

from proofs.expensive import compact
from proofs.talk import ANSWER_S, answer


class Caller:
    """A client of the framed protocol; `came_from` is the address of this machine that it comes from."""

    def __init__(self, port: int, token: str | None = None, came_from: str = "127.0.0.1") -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), ANSWER_S, (came_from, 0))
        self._answers = self._sock.makefile("rb")
        if token is not None:
            self._sock.sendall(compact("a", token))
            answer(self._answers)

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *_: object) -> None:
        self._answers.close()
        self._sock.close()

    def send(self, operation: str, data: object, times: int = 1) -> None:
        """Send a request, so many times, and read no answer."""
        self._sock.sendall(compact(operation, data) * times)

    def send_all(self, frames: bytes, number: int) -> None:
        """Send so many requests at once, and read their answers."""
        self._sock.sendall(frames)
        for _ in range(number):
            answer(self._answers)

    def ask(self, operation: str, data: object) -> str:
        """`ok`, or the code of the error."""
        kind, said = self.answer(operation, data)
        return kind if kind == "ok" else said["code"]

    def answer(self, operation: str, data: object) -> tuple[str, dict[str, Any]]:
        """The whole answer, behind what is pushed. Raises OSError when the server went away."""
        self.send(operation, data)
        while True:
            kind, said = answer(self._answers)
            if kind in ("ok", "err"):
                return kind, said
