"""The wait of a client after `slow_down`."""

import pytest

from ttweet.client.retry import RetryBudget
from ttweet.defaults import RETRY_BUDGET_S
from ttweet.model.errors import Refused, SlowDown
from ttweet.protocol import replies


def refused(wait_s: int) -> SlowDown:
    return SlowDown("too many requests", wait_s)


def test_each_pause_is_as_long_as_the_server_asks_and_reported() -> None:
    told: list[int] = []
    budget = RetryBudget(tell=told.append)
    assert [budget.pause_s(refused(wait_s)) for wait_s in (1, 7)] == told == [1, 7]


def test_a_server_that_says_zero_is_not_asked_again_at_once() -> None:
    assert [RetryBudget().pause_s(refused(wait_s)) for wait_s in (0, -5)] == [1, 1]


def test_it_ends_with_the_refusal_and_lasts_longer_after_progress() -> None:
    budget = RetryBudget()
    budget.pause_s(refused(int(RETRY_BUDGET_S)))
    with pytest.raises(SlowDown):
        budget.pause_s(refused(1))
    budget.renew()
    assert budget.pause_s(refused(1)) == 1


def test_a_client_that_has_none_gets_the_refusal_at_once() -> None:
    with pytest.raises(SlowDown):
        RetryBudget(0).pause_s(refused(1))


@pytest.mark.parametrize("wait", [None, "7", 1.5, True])
def test_a_refusal_without_whole_seconds_is_one_like_any_other(wait: object) -> None:
    told = replies.refusal({"code": "slow_down", "text": "wait", "wait": wait})
    assert type(told) is Refused
    assert type(replies.refusal({"code": "slow_down", "text": "wait"})) is Refused
    assert replies.refusal({"code": "full", "text": "x", "wait": 7}).code == "full"
