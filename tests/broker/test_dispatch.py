"""Every query has its method."""

from typing import get_args

from ttweet.broker.dispatch import AT_ONCE, FROM_FILE, KEPT
from ttweet.model.requests import OrderedRequest


def test_every_query_is_answered_in_one_way() -> None:
    assert not AT_ONCE.keys() & FROM_FILE.keys()
    assert AT_ONCE.keys() | FROM_FILE.keys() == set(get_args(OrderedRequest))


def test_what_memory_may_answer_the_file_can_answer_too() -> None:
    assert KEPT.keys() < FROM_FILE.keys()
