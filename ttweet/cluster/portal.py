"""A trio loop in a thread of its own, for callers in other threads, which block."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self, TypeVar, TypeVarTuple

import trio

from ttweet.model.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

log = logging.getLogger(__name__)

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Portal:
    """Runs a task until it is left; `call` runs another beside it. A context manager."""

    def __init__(self, name: str, main: Callable[[], Awaitable[None]]) -> None:
        self._main = main
        self._began = threading.Event()
        self._scope = trio.CancelScope()
        self._token: trio.lowlevel.TrioToken | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._began.wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        assert self._token is not None
        with suppress(trio.RunFinishedError):  # it has failed, and the log says why
            self._token.run_sync_soon(self._scope.cancel)
        self._thread.join()

    def call(self, function: Callable[[*Ts], Awaitable[T]], *arguments: *Ts) -> T:
        """Run an async function in the loop, return its result or raise its error. Raises StoreError `internal`."""
        try:
            return trio.from_thread.run(function, *arguments, trio_token=self._token)
        except (trio.RunFinishedError, trio.Cancelled) as exc:
            raise StoreError("internal", "the connection with the cluster has ended") from exc

    def _run(self) -> None:
        try:
            trio.run(self._main_until_left)
        except Exception:  # a thread has no caller
            log.exception("the connection with the cluster has failed")

    async def _main_until_left(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        self._began.set()
        with self._scope:
            await self._main()
