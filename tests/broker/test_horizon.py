"""The wait for ids that another server of a cluster has given already."""

import pytest
import trio
import trio.testing

from ttweet.broker.head import Head
from ttweet.broker.horizon import REACH_S, Horizon
from ttweet.model.errors import Refused
from ttweet.model.tweets import Deletion, Tweet
from ttweet.storage.contract import Arrived, Position


@pytest.fixture
def head() -> Head:
    """The head of a log whose newest id is 3."""
    return Head(Position(None, 3, 0))


async def test_an_id_that_is_here_is_not_waited_for(head: Head) -> None:
    horizon = Horizon(head)
    assert [id_ for id_ in (None, 0, 3, 4) if horizon.lacks(id_)] == [4]
    await horizon.reach(3)
    await horizon.reach(None)


async def test_a_wait_ends_when_the_id_is_published(head: Head) -> None:
    horizon = Horizon(head)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(horizon.reach, 5)
        await trio.testing.wait_all_tasks_blocked()
        head.publish([], [Arrived([Tweet(4, 1, None, "four", ())], None)])
        await trio.testing.wait_all_tasks_blocked()
        assert len(nursery.child_tasks) == 1
        head.publish([], [Arrived([Deletion(5, 1, 4)], None)])
    assert not horizon.lacks(5)


async def test_a_wait_for_an_id_that_does_not_come_ends_with_an_error(
    head: Head, autojump_clock: trio.testing.MockClock
) -> None:
    began = trio.current_time()
    with pytest.raises(Refused, match="it has no 4 yet") as refused:
        await Horizon(head).reach(4)
    assert refused.value.code == "behind"
    assert trio.current_time() - began == pytest.approx(REACH_S)
