"""Every query has its method, and what memory has is answered at once."""

from typing import get_args

import pytest

from tests.support.memory_edge import MemoryEdge
from tests.support.serving import serving
from ttweet.broker import dispatch
from ttweet.broker.dispatch import AT_ONCE, FROM_FILE, KEPT
from ttweet.model.requests import ListTags, OrderedRequest, Timeline, TweetsOfTag
from ttweet.server.config import EdgeSettings


def test_every_query_is_answered_in_one_way() -> None:
    assert not AT_ONCE.keys() & FROM_FILE.keys()
    assert AT_ONCE.keys() | FROM_FILE.keys() == set(get_args(OrderedRequest))


def test_every_query_that_memory_may_answer_can_be_answered_from_the_file_too() -> None:
    assert KEPT.keys() < FROM_FILE.keys()


@pytest.mark.parametrize("request_", [Timeline(20), TweetsOfTag("a", 20), ListTags(20, False)])
async def test_an_answer_that_memory_has_is_not_waited_for(request_: OrderedRequest) -> None:
    async with serving() as here:
        await (await here.call()).ask("u", "one #a")
        session = MemoryEdge(here.backend, here.admission, EdgeSettings()).connect().session
        found = await dispatch.ask(session, request_)
        with pytest.raises(StopIteration) as ended:
            dispatch.ask(session, request_).send(None)
        assert ended.value.value == found
