"""Calls go from node to node, also when the time for a call is shorter than that for a node, and to two at once."""

import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any

import pytest
import trio

from tests.support.etcd import HEADER, Answer, gateway, of, status
from tests.support.guard import GUARD_S
from ttweet.cluster import node_connection, nodes
from ttweet.cluster.address import Node
from ttweet.cluster.messages import RANGE, STATUS, RangeResponse
from ttweet.cluster.node_connection import CONNECT_S
from ttweet.cluster.nodes import Caller, HedgedCaller, Nodes, UnansweredError


def _answer(path: str, _: Any) -> Answer:
    return status("3.4.23") if path == STATUS else (200, HEADER)


@contextmanager
def unreachable() -> Iterator[Node]:
    """A node to which connections are neither accepted nor refused, as behind a cut cable."""
    with ExitStack() as sockets:
        listener = sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):  # more than it has room for
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield Node(*listener.getsockname())


async def test_after_a_call_that_reached_no_node_the_next_call_takes_the_next_node() -> None:
    with unreachable() as cut_off, gateway(_answer) as other:
        caller = Caller(Nodes(of(cut_off, other)))
        with pytest.raises(UnansweredError):
            await caller.call(RANGE, {}, RangeResponse, within_s=0.05)
        await caller.call(RANGE, {}, RangeResponse, within_s=CONNECT_S)
        caller.drop()


async def test_after_a_call_without_an_answer_the_next_call_takes_the_next_node() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, gateway(_answer) as other:
        caller = Caller(Nodes(of(Node(*silent.getsockname()), other)))
        with pytest.raises(UnansweredError):
            await caller.call(RANGE, {}, RangeResponse, within_s=0.05)
        await caller.call(RANGE, {}, RangeResponse, within_s=GUARD_S)
        caller.drop()
        silent.settimeout(0)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask a second node soon, and wait for the first as long as a test may take."""
    monkeypatch.setattr(nodes, "HEDGE_S", 0.01)
    monkeypatch.setattr(node_connection, "ANSWER_S", GUARD_S)


@asynccontextmanager
async def hedged(*etcd: Node) -> AsyncIterator[HedgedCaller]:
    """A caller that is running."""
    caller = HedgedCaller(Nodes(of(*etcd)))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(caller.run)
        yield caller
        nursery.cancel_scope.cancel()


async def test_a_second_node_answers_while_the_first_is_silent(patient: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, gateway(_answer) as other:
        async with hedged(Node(*silent.getsockname()), other) as caller:
            for _ in range(2):
                await caller.call(RANGE, {}, RangeResponse, within_s=GUARD_S)


async def test_a_call_that_is_answered_at_once_starts_no_task() -> None:
    class Spawned(trio.abc.Instrument):
        count = 0

        def task_spawned(self, task: trio.lowlevel.Task) -> None:
            self.count += 1

    with gateway(_answer) as node:
        async with hedged(node) as caller:
            await caller.call(RANGE, {}, RangeResponse, within_s=GUARD_S)  # connects
            spawned = Spawned()
            trio.lowlevel.add_instrument(spawned)
            await caller.call(RANGE, {}, RangeResponse, within_s=GUARD_S)
            trio.lowlevel.remove_instrument(spawned)
    assert spawned.count == 0


async def test_the_answer_of_a_slow_node_counts_although_a_second_one_was_asked(patient: None) -> None:
    second_is_asked, is_over = threading.Event(), threading.Event()
    asked: list[str] = []

    def slow(path: str, request: Any) -> Answer:
        asked.append(path)
        assert path == STATUS or second_is_asked.wait(GUARD_S)
        return _answer(path, request)

    def silent(path: str, request: Any) -> Answer:
        second_is_asked.set()
        is_over.wait(GUARD_S)
        return _answer(path, request)

    with gateway(slow) as first, gateway(silent) as second:
        async with hedged(first, second) as caller:
            for _ in range(2):
                await caller.call(RANGE, {}, RangeResponse, within_s=GUARD_S)
            assert asked == [STATUS, RANGE, RANGE], "on one connection"
        is_over.set()
