"""Turns: one task at a time, the clients one after another."""

import trio
import trio.testing

from tests.support.guard import GUARD_S
from ttweet.broker.turns import Turns


class Room:
    """Tasks of clients that want a turn; `had` has those that had one, in order."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.turns = Turns()
        self.had: list[str] = []
        self.may_end = trio.Event()
        self._nursery = nursery

    async def enter(self, *names: str) -> None:
        """Have a task of the client that the first letter names wait for a turn, for each name in order."""
        for name in names:
            self._nursery.start_soon(self.have, name)
            await trio.testing.wait_all_tasks_blocked()

    async def have(self, name: str) -> None:
        async with self.turns.turn(name[0]):
            self.had.append(name)
            await self.may_end.wait()


async def test_clients_have_turns_one_after_another_and_the_tasks_of_each_in_order() -> None:
    with trio.fail_after(GUARD_S):
        async with trio.open_nursery() as nursery:
            room = Room(nursery)
            await room.enter("a1", "a2", "a3", "b1", "c1", "b2")
            assert room.had == ["a1"]
            room.may_end.set()
    assert room.had == ["a1", "a2", "b1", "c1", "a3", "b2"]


async def test_a_turn_passes_over_a_client_whose_tasks_are_cancelled() -> None:
    with trio.fail_after(GUARD_S):
        async with trio.open_nursery() as nursery, trio.open_nursery() as leaving:
            room = Room(nursery)
            await room.enter("a1")
            leaving.start_soon(room.have, "b1")
            await trio.testing.wait_all_tasks_blocked()
            await room.enter("c1")
            leaving.cancel_scope.cancel()
            room.may_end.set()  # before the cancelled task runs
    assert room.had == ["a1", "c1"]


async def test_a_turn_that_fails_ends_and_nothing_is_kept() -> None:
    with trio.fail_after(GUARD_S):
        async with trio.open_nursery() as nursery:
            room = Room(nursery)
            room.may_end.set()
            try:
                async with room.turns.turn("a"):
                    raise ValueError
            except ValueError:
                await room.enter("b1")
    assert room.had == ["b1"]
    assert (room.turns._is_taken, room.turns._waiting) == (False, {})
