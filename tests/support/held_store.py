"""A store in memory whose commits can be held, as a slow disk or another process's lock holds them."""

import threading
from collections.abc import Sequence

import trio
import trio.testing

from tests.support.guard import GUARD_S
from tests.support.memory_store import MemoryStore
from ttweet.model.tweets import Draft, Tombstone, Tweet
from ttweet.storage.contract import Line


class HeldStore(MemoryStore):
    """Make it inside trio, so that a test can wait until a commit is being held."""

    def __init__(self) -> None:
        super().__init__()
        self._gate = threading.Event()
        self._gate.set()
        self._settling_gate = threading.Event()
        self._settling_gate.set()
        self._token = trio.lowlevel.current_trio_token()
        self._entered = trio.Event()
        self._has_settled = trio.Event()

    def hold(self) -> None:
        """Let no further commit through."""
        self._gate.clear()
        self._entered = trio.Event()

    def release(self) -> None:
        """Let all commits through."""
        self._gate.set()

    async def wait_held(self) -> None:
        """Wait until the writer stands in a commit that is held, and every task has gone as far as it can."""
        await self._entered.wait()
        await trio.testing.wait_all_tasks_blocked()

    async def wait_settled(self) -> None:
        """Wait until the store has settled since this was called last."""
        await self._has_settled.wait()
        self._has_settled = trio.Event()

    def hold_settling(self) -> None:
        """Let the store not settle until `release_settling`."""
        self._settling_gate.clear()

    def release_settling(self) -> None:
        """Let the store settle."""
        self._settling_gate.set()

    def settle(self) -> None:
        assert self._settling_gate.wait(GUARD_S), "a test has kept the store from settling and not released it"
        try:
            super().settle()
        finally:
            self._token.run_sync_soon(lambda: self._has_settled.set())

    def append(self, drafts: Sequence[Draft], lines: Sequence[Line], *, at: int) -> list[Tweet | Tombstone]:
        if not self._gate.is_set():
            self._token.run_sync_soon(self._entered.set)
            assert self._gate.wait(GUARD_S), "a test has held the store and not released it"
        return super().append(drafts, lines, at=at)
