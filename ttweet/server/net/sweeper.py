"""One timer for the deadlines of all clients, and turns of the event loop for whatever concerns them all."""

from collections.abc import Callable, Collection
from typing import Protocol, TypeVar

import trio

SWEEP_INTERVAL_S = 0.5  # between checks of all deadlines: a deadline is met this much late at most
TURN_CLIENTS = 8  # clients closed or checked before other tasks run, about 1 ms: a thousand may be due


class Timed(Protocol):
    """A client that has a deadline."""

    @property
    def deadline(self) -> float:
        """When, by trio's clock, `expire` is due."""
        ...

    def expire(self) -> None:
        """Close, or move the deadline."""
        ...


C = TypeVar("C")
T = TypeVar("T", bound=Timed)


async def sweep(clients: Collection[T]) -> None:
    """Expire the clients whose deadline has passed, until cancelled. `clients` are those connected at the time."""

    def expire(client: T) -> None:
        if client.deadline < now:  # still: others had their turns meanwhile
            client.expire()

    while True:
        await trio.sleep(SWEEP_INTERVAL_S)
        now = trio.current_time()
        await for_each([one for one in clients if one.deadline < now], clients, expire)


async def for_each(chosen: list[C], clients: Collection[C], act: Callable[[C], None]) -> None:
    """Do something with all of the chosen clients that are still there, and leave other tasks their turns."""
    for number, client in enumerate(chosen, 1):
        if client in clients:
            act(client)
        if number % TURN_CLIENTS == 0:
            await trio.lowlevel.checkpoint()
