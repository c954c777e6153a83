"""Signals at the worst moment: after the last instruction of Python and before the system call that blocks."""

import ctypes
import operator
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace

import pytest

_C = ctypes.CDLL(None)


class LastMoment:
    """poll, right before whose system call a signal comes, once for each object.

    `map` calls one function of C after the other, so the interpreter does not get to see the signal in between.
    """

    def __init__(self, number: signal.Signals) -> None:
        self._poll = select.poll()
        self.register = self._poll.register
        self._before = [partial(_C["raise"], number)]

    def poll(self, timeout_ms: float | None) -> list[tuple[int, int]]:
        calls = [*self._before, partial(self._poll.poll, timeout_ms)]
        self._before = []
        *_, found = map(operator.call, calls)
        assert isinstance(found, list)
        return found


@contextmanager
def signal_before_each_wait(monkeypatch: pytest.MonkeyPatch, number: signal.Signals = signal.SIGINT) -> Iterator[None]:
    """Let a signal come to this process at the last moment before each wait begins."""
    worst = SimpleNamespace(poll=lambda: LastMoment(number), POLLIN=select.POLLIN, POLLOUT=select.POLLOUT)
    with monkeypatch.context() as patch:
        patch.setattr("ttweet.client.waiting.select", worst)
        yield
