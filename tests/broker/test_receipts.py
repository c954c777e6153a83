"""A change of the file, from being asked for to being told of."""

import pytest
import trio

from tests.support.posters import BUSY
from tests.support.workers import lone_worker
from ttweet.broker.receipts import Change
from ttweet.model.errors import StoreError


async def test_a_change_is_reported_before_its_waiting_task_continues() -> None:
    order: list[str] = []
    change = Change(lambda: order.append("made"), lambda _: order.append("told"))

    async def wait() -> None:
        await change.done()
        order.append("goes on")

    with lone_worker("test") as worker:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await change.run(worker)
    assert order == ["made", "told", "goes on"]


async def test_the_error_of_a_change_is_raised_to_both_of_its_receipts() -> None:
    told: list[object] = []

    def make() -> None:
        raise BUSY

    change = Change(make, told.append)
    with lone_worker("test") as worker, pytest.raises(StoreError, match="locked"):
        await change.run(worker)
    with pytest.raises(StoreError, match="locked"):
        await change.done()
    assert told == []


async def test_a_change_that_fails_before_it_is_made_is_not_made() -> None:
    change = Change(lambda: 1, lambda _: None)
    change.fail(BUSY)
    with pytest.raises(StoreError, match="locked"):
        await change.done()
