"""What every client of a proof needs: where the server is, and a plain way to ask it and to read its answers."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

ANSWER_S = 15.0  # to wait for an answer: what docs/protocol.md asks of a client


@dataclass(slots=True)
class Target:
    """Where the server is now, None while there is none."""

    port: int | None = None
    stopped: bool = False
    changed: threading.Condition = field(default_factory=threading.Condition)

    def move(self, port: int | None) -> None:
        """Tell all clients where the next server is, or that there is none for now."""
        with self.changed:
            self.port = port
            self.changed.notify_all()

    def stop(self) -> None:
        """Tell all clients that the work is over."""
        with self.changed:
            self.port, self.stopped = None, True
            self.changed.notify_all()

    def wait(self, *, after: int | None) -> int | None:
        """The port of a server other than the one before, once there is one; None when the work is over."""
        with self.changed:
            self.changed.wait_for(lambda: self.stopped or (self.port is not None and self.port != after))
            return None if self.stopped else self.port


class Visitor(threading.Thread):
    """A client that goes from one server to the next, as each dies, until its target is stopped."""

    def __init__(self, name: str, target: Target) -> None:
        super().__init__(name=name, daemon=True)
        self._target = target
        self.failure: BaseException | None = None

    def visit(self, port: int) -> None:
        """What it does with one server. An OSError means that the server is gone."""
        raise NotImplementedError

    def run(self) -> None:
        """Visit one server after the other."""
        port: int | None = None
        try:
            while (port := self._target.wait(after=port)) is not None:
                with suppress(OSError):  # the server is gone, which is what we are here for
                    self.visit(port)
        except BaseException as exc:
            self.failure = exc
            raise


def end_with_reset(sock: socket.socket) -> None:
    """Have the connection end with a reset when it is closed."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def frame(operation: str, data: object) -> bytes:
    """One request."""
    return json.dumps([operation, data]).encode() + b"\n"


def answer(answers: Iterator[bytes]) -> tuple[str, Any]:
    """The next answer: `ok` or `err`, and its data. Raises OSError when the server went away."""
    line = next(answers, b"")
    if not line.endswith(b"\n"):
        raise ConnectionError("the server went away")
    kind, data = json.loads(line)
    return kind, data
