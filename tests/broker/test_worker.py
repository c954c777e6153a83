"""A thread of one's own: its calls come back in order, their errors too, and cancelling loses no result.

A lone worker promises the same to its one task.
"""

import threading
import time
from collections.abc import Callable
from functools import partial

import pytest
import trio
import trio.testing

from tests.support.guard import GUARD_S
from tests.support.workers import lone_worker
from ttweet.broker.lone_worker import LoneWorker
from ttweet.broker.worker import MAX_CALLS, Worker

each_kind = pytest.mark.parametrize("kind", [Worker, lone_worker])
Kind = Callable[[str], Worker | LoneWorker]


def thread_named(name: str) -> threading.Thread | None:
    return next((thread for thread in threading.enumerate() if thread.name == name), None)


@each_kind
async def test_a_call_runs_in_the_workers_thread_and_its_result_comes_back(kind: Kind) -> None:
    with kind("one") as worker:
        names = [await worker.run(lambda: threading.current_thread().name) for _ in range(3)]
    assert names == ["one"] * 3


@each_kind
async def test_an_error_of_a_call_is_raised_where_the_call_was_awaited(kind: Kind) -> None:
    with kind("failing") as worker:
        with pytest.raises(ZeroDivisionError):
            await worker.run(lambda: 1 // 0)
        assert await worker.run(lambda: "goes on") == "goes on"


async def test_many_callers_are_served_one_after_another_in_their_order() -> None:
    started: list[int] = []
    results: dict[int, int] = {}
    authenticator = threading.Event()

    def square(number: int) -> int:
        assert authenticator.wait(GUARD_S)
        started.append(number)
        return number * number

    async def ask(number: int) -> None:
        results[number] = await worker.run(partial(square, number))

    with Worker("many") as worker:
        async with trio.open_nursery() as nursery:
            for number in range(3 * MAX_CALLS):
                nursery.start_soon(ask, number)
                await trio.testing.wait_all_tasks_blocked()
            authenticator.set()
    assert started == list(range(3 * MAX_CALLS))
    assert results == {number: number * number for number in started}


@each_kind
async def test_a_call_that_has_begun_is_never_abandoned(kind: Kind) -> None:
    begun, authenticator = trio.Event(), threading.Event()
    token = trio.lowlevel.current_trio_token()

    def write() -> str:
        token.run_sync_soon(begun.set)
        assert authenticator.wait(GUARD_S)
        return "written"

    results: list[str] = []

    async def ask() -> None:
        results.append(await worker.run(write))

    with kind("stubborn") as worker:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await begun.wait()
            nursery.cancel_scope.cancel()
            authenticator.set()
    assert results == ["written"]


@each_kind
async def test_leaving_the_worker_ends_its_thread(kind: Kind) -> None:
    with kind("short-lived") as worker:
        await worker.run(time.time)
        thread = thread_named("short-lived")
    assert thread is not None
    await trio.to_thread.run_sync(partial(thread.join, 10))
    assert thread_named("short-lived") is None


async def test_calls_queued_before_the_end_are_still_made() -> None:
    authenticator = threading.Event()
    results: list[int] = []

    async def ask(number: int) -> None:
        results.append(await worker.run(partial(int, number)))

    async with trio.open_nursery() as nursery:
        with Worker("draining") as worker:
            nursery.start_soon(worker.run, partial(authenticator.wait, GUARD_S))
            await trio.testing.wait_all_tasks_blocked()
            for number in range(5):
                nursery.start_soon(ask, number)
                await trio.testing.wait_all_tasks_blocked()
        authenticator.set()
    assert sorted(results) == list(range(5))


def test_a_thread_whose_trio_has_ended_ends_too() -> None:
    authenticator = threading.Event()

    async def leave_a_call_behind() -> None:
        worker = Worker("left-behind")
        worker.begin(partial(authenticator.wait, GUARD_S))

    trio.run(leave_a_call_behind)
    thread = thread_named("left-behind")
    assert thread is not None
    authenticator.set()
    thread.join(GUARD_S)
    assert not thread.is_alive()


async def test_a_lone_call_that_was_not_awaited_does_not_answer_for_the_next() -> None:
    with lone_worker("forgetful") as worker:
        worker.begin(lambda: "first")
        assert await worker.run(lambda: "second") == "second"
        assert await worker.run(lambda: "third") == "third"


async def test_other_tasks_have_their_turn_even_if_a_lone_call_is_done() -> None:
    done = threading.Event()
    with lone_worker("quick") as worker:
        call = worker.begin(done.set)
        assert done.wait(GUARD_S)
        with trio.testing.assert_checkpoints():
            await call.wait()


async def test_a_lone_workers_thread_ends_after_a_call_that_its_task_has_left() -> None:
    authenticator = threading.Event()
    with lone_worker("left-alone") as worker:
        worker.begin(partial(authenticator.wait, GUARD_S))
        thread = thread_named("left-alone")
    assert thread is not None
    authenticator.set()
    await trio.to_thread.run_sync(partial(thread.join, GUARD_S))
    assert not thread.is_alive()


async def test_a_lone_worker_tells_once_after_each_call_that_it_is_idle() -> None:
    idle, told = [trio.Event()], 0

    def note() -> None:
        nonlocal told
        told += 1
        idle[0].set()

    with trio.fail_after(GUARD_S), LoneWorker("idle", idle_s=0.001, on_idle=note) as worker:
        await idle[0].wait()
        for times in (2, 3):
            idle[0] = trio.Event()
            await worker.run(lambda: None)
            await idle[0].wait()
            assert told == times
