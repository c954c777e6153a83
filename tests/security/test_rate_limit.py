"""Token buckets: no client gets more than the rate, and a client that waits as asked is served."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttweet.security import rate_limit
from ttweet.security.rate_limit import Rate, RateLimiter

RATES = st.builds(Rate, st.integers(1, 1000), st.sampled_from(sorted(rate_limit.UNITS)), st.integers(1, 50))
PAUSES = st.lists(st.floats(0, 30), min_size=1, max_size=200)


@given(RATES, PAUSES)
def test_no_more_pass_in_any_span_of_time_than_the_burst_and_the_rate(rate: Rate, pauses: list[float]) -> None:
    limiter, now, passed = RateLimiter(rate), 0.0, []
    for pause in pauses:
        now += pause
        if limiter.take("a", now) == 0:
            passed.append(now)
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            assert last - first + 1 <= rate.burst + (passed[last] - passed[first]) * rate.per_s + 1e-3
    assert limiter.refused == len(pauses) - len(passed)


@given(RATES, PAUSES)
def test_a_client_that_waits_as_asked_is_admitted(rate: Rate, pauses: list[float]) -> None:
    limiter, now = RateLimiter(rate), 0.0
    for pause in pauses:
        now += pause
        if wait_s := limiter.take("a", now):
            now += wait_s
            assert limiter.take("a", now) == 0


@given(RATES, st.integers(1, 100))
def test_requests_behind_a_refused_one_are_refused_too(rate: Rate, behind: int) -> None:
    limiter = RateLimiter(rate)
    while (wait_s := limiter.take("a", 0)) == 0:
        pass
    assert all(limiter.take("a", wait_s * number / (behind + 1)) for number in range(1, behind + 1))
    assert limiter.take("a", wait_s) == 0


@given(RATES, st.floats(0, 1e6))
def test_a_bucket_never_holds_more_than_its_burst(rate: Rate, pause: float) -> None:
    limiter = RateLimiter(rate)
    limiter.take("a", 0)
    assert [limiter.take("a", pause + 1e6) for _ in range(rate.burst + 1)].count(0) == rate.burst


@given(RATES, st.lists(st.tuples(st.floats(0, 30), st.integers(1, 60)), min_size=1, max_size=200))
def test_a_request_that_counts_as_several_takes_as_many_or_a_whole_bucket(
    rate: Rate, asked: list[tuple[float, int]]
) -> None:
    limiter, now, taken = RateLimiter(rate), 0.0, 0
    for pause, cost in asked:
        now += pause
        if wait_s := limiter.take("a", now, cost):
            now += wait_s
            assert limiter.take("a", now, cost) == 0
        taken += min(cost, rate.burst)
        assert taken <= rate.burst + now * rate.per_s + 1e-3


def test_each_client_has_a_bucket_of_its_own() -> None:
    limiter = RateLimiter(Rate(1, "h", burst=1))
    assert [limiter.take(key, 0) for key in "abab"] == [0, 0, 3600, 3600]
    assert limiter.take("a", 1800.5) == 1800


def test_no_more_clients_are_remembered_than_there_is_room_for_and_the_idle_ones_go_first() -> None:
    limiter = RateLimiter(Rate(1, "h", burst=1), max_buckets=3)
    for key in "abcad":
        limiter.take(key, 0)
    assert len(limiter) == 3
    assert limiter.take("a", 0) > 0
    assert limiter.take("b", 0) == 0


@pytest.mark.parametrize(("text", "per_s"), [("20/s", 20), ("100/min", 100 / 60), ("1/h", 1 / 3600)])
def test_a_rate_is_written_as_it_is_read(text: str, per_s: float) -> None:
    rate = rate_limit.parse(text, 5)
    assert (str(rate), rate.per_s, rate.burst) == (text, per_s, 5)


@pytest.mark.parametrize("text", ["", "20", "0/s", "-1/s", "1.5/s", "20/d", "20/s ", "1234567/s", "２/s"])
def test_an_invalid_rate_is_refused_with_a_valid_one(text: str) -> None:
    with pytest.raises(ValueError, match="20/s"):
        rate_limit.parse(text, 5)
