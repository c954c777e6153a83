"""Every query has its method."""

from typing import get_args

from ttweet.broker.dispatch import METHODS
from ttweet.model.requests import Query


def test_every_query_has_a_method() -> None:
    assert set(METHODS) == set(get_args(Query))
