"""A resolver of names that does what a test says, in the process of the test."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.processes import LIMIT_S


class Resolver:
    """getaddrinfo that answers for names what a test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fault: Exception | None = None
        self.found: list[tuple[int, tuple[str, int]]] = []
        self._real = socket.getaddrinfo
        self._goes_on = threading.Event()
        self._goes_on.set()
        monkeypatch.setattr(socket, "getaddrinfo", self)

    @contextmanager
    def silent(self) -> Iterator[None]:
        self._goes_on.clear()
        yield
        self._goes_on.set()

    def __call__(self, host: Any, port: Any, **options: Any) -> Any:
        if options["flags"]:
            return self._real(host, port, **options)
        assert self._goes_on.wait(LIMIT_S)
        if self.fault:
            raise self.fault
        return [(family, socket.SOCK_STREAM, 0, "", address) for family, address in self.found]
