"""Times that pass, as they are written and read."""

import pytest

from ttweet.model import durations
from ttweet.model.durations import ago

S, MIN, H, D = 1000, 60_000, 3_600_000, 86_400_000
NOW = 1_795_446_500_123


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (0, "now"),
        (-5 * H, "now"),
        (999, "now"),
        (S, "1 s"),
        (59 * S, "59 s"),
        (MIN, "1 min"),
        (59 * MIN, "59 min"),
        (H, "1 h"),
        (23 * H, "23 h"),
        (D, "1 d"),
        (6 * D, "6 d"),
        (7 * D, "1 wk"),
        (51 * 7 * D, "51 wk"),
        (52 * 7 * D, "1 yr"),
        (30 * 52 * 7 * D, "30 yr"),
    ],
)
def test_an_age_has_one_unit(age: int, words: str) -> None:
    assert ago(NOW - age, NOW) == words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0s"), (9.4, "9.4s"), (9.6, "10s"), (59.4, "59s"), (59.6, "1m00s"), (252, "4m12s"), (7500, "2h05m")],
)
def test_a_time_is_short(seconds: float, text: str) -> None:
    assert durations.short(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.5, "0.5 s"), (90, "90 s"), (120, "2 min"), (3_600, "1 h"), (5_400, "90 min"), (7_776_000, "90 d")],
)
def test_an_exact_time_has_one_unit(seconds: float, text: str) -> None:
    assert durations.exact(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (2.5, "2.5 s"), (61, "1 min 1 s"), (7_500, "2 h 5 min"), (93_784, "1 d 2 h"), (86_405, "1 d 5 s")],
)
def test_a_time_is_shown_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert durations.two_units(seconds) == text
