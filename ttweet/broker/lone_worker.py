"""A thread of one's own for the blocking calls of a single task, which it wakes by a pipe.

A worker for many tasks comes back by way of trio's queue of calls from other threads. There trio wakes a task of its
own, and that one ours: one turn of the event loop and 18 us more for each call. Knows nothing of what it runs.
"""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import outcome
import trio

T = TypeVar("T")


class LoneCall(Generic[T]):
    """A call that a lone worker was given."""

    __slots__ = ("_bell", "_function", "_result")

    def __init__(self, function: Callable[[], T], bell: int) -> None:
        self._function = function
        self._bell = bell
        self._result: outcome.Outcome[T] | None = None

    def make(self) -> None:
        """Call the function: the worker's thread does."""
        self._result = outcome.capture(self._function)

    async def wait(self) -> T:
        """Return what the function returns, or raise what it raises. Cancelling does not cut this short.

        Other tasks run meanwhile, even if the call is done.
        """
        await self._ring()
        while self._result is None:
            await self._ring()  # the ring was that of an earlier call, which was not awaited
        return self._result.unwrap()

    async def _ring(self) -> None:
        try:
            await trio.lowlevel.wait_readable(self._bell)
        except trio.Cancelled:  # which the next checkpoint raises again; a shield around each wait takes 12 us
            with trio.CancelScope(shield=True):
                await trio.lowlevel.wait_readable(self._bell)
        os.read(self._bell, 1)


class LoneWorker:
    """Makes one call at a time in its thread, for one task. A context manager: leaving it ends the thread.

    A call that was given is never abandoned, so cancelling the task that waits does not interrupt it: what a
    transaction has written is always reported. After each call, once the thread has had no other for `idle_s` seconds,
    `on_idle` is called in trio's thread: a deadline for each wait of the task would take 16 us.
    """

    def __init__(self, name: str, *, idle_s: float, on_idle: Callable[[], None]) -> None:
        self._idle_s = idle_s
        self._on_idle = on_idle
        self._token = trio.lowlevel.current_trio_token()
        self._calls: SimpleQueue[LoneCall[Any] | None] = SimpleQueue()
        self._bell, self._rope = os.pipe()  # the task reads, the thread writes a byte for each call
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._calls.put(None)
        os.close(self._bell)

    def begin(self, function: Callable[[], T]) -> LoneCall[T]:
        """Give the thread a function to call. The task waits for it before it gives the next one."""
        call = LoneCall(function, self._bell)
        self._calls.put(call)
        return call

    async def run(self, function: Callable[[], T]) -> T:
        """Call the function in the thread and return what it returns, or raise what it raises."""
        return await self.begin(function).wait()

    def _work(self) -> None:
        with open(self._rope, "wb", buffering=0) as rope:
            while (call := self._next()) is not None:
                call.make()
                try:
                    rope.write(b"\0")
                except BrokenPipeError:
                    return  # the task has gone

    def _next(self) -> LoneCall[Any] | None:
        try:
            return self._calls.get(timeout=self._idle_s)
        except Empty:
            with suppress(trio.RunFinishedError):
                self._token.run_sync_soon(self._on_idle)
            return self._calls.get()
