"""Clients that go from one server to the next: where it is now, and a thread that visits each."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field


@dataclass(slots=True)
class Target:
    """Where the server is now, None while there is none."""

    port: int | None = None
    http_port: int = 0
    """Where it listens for HTTP, if it does."""
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
        """Talk to one server. An OSError means that the server is gone."""
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
