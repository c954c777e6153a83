"""A lock that clients get in turn, however often each of them asks.

With an ordinary lock, a client that asks two hundred times keeps all others waiting. Knows nothing of what it guards.
"""

from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

import trio


class Turns:
    """A lock whose next holder is a task of the client that has waited longest since its last turn."""

    def __init__(self) -> None:
        self._is_taken = False
        self._waiting: dict[Hashable, trio.lowlevel.ParkingLot] = {}  # by client, the next first

    @asynccontextmanager
    async def turn(self, client: Hashable) -> AsyncIterator[None]:
        """Wait for a turn of a client, and have it within the context. The client's own tasks wait in order."""
        if self._is_taken:
            line = self._waiting.setdefault(client, trio.lowlevel.ParkingLot())
            await line.park()  # the task that ends its turn hands it to this one
        self._is_taken = True
        try:
            yield
        finally:
            self._hand_on()

    def _hand_on(self) -> None:
        while self._waiting:
            client = next(iter(self._waiting))
            line = self._waiting.pop(client)
            if line.unpark():  # none is left in the line of a client whose tasks were cancelled
                if line:
                    self._waiting[client] = line  # behind the others
                return
        self._is_taken = False
