from datetime import date

import pytest

from ttweet.cli.plot_text import ASCII, UNICODE, draw

TODAY = date(2026, 11, 30)


def test_a_chart_has_a_scale_and_bars_of_eighths() -> None:
    assert [*draw([("#ci", [0, 1, 5, 8])], TODAY, 80, UNICODE)] == [
        "#ci",
        " 8 ┤               ████",
        "   │               ████",
        " 6 ┤               ████",
        "   │          ████ ████",
        " 4 ┤          ████ ████",
        "   │          ████ ████",
        " 2 ┤          ████ ████",
        "   │     ████ ████ ████",
        " 0 └────────────────────",
        "    27 Nov        30 Nov",
    ]


def test_several_charts_have_one_scale() -> None:
    lines = [*draw([("#a", [8, 4]), ("#b", [0, 1])], TODAY, 10, ASCII)]
    assert lines[:6] == ["#a", " 8 +##", "   |##", " 4 +## ##", "   |## ##", " 0 +------"]
    assert lines[6:12] == ["#b", " 8 +", "   |", " 4 +", "   |   ##", " 0 +------"]


def test_a_single_tweet_beside_thousands_is_seen() -> None:
    assert [*draw([("#a", [1, 9_000])], TODAY, 80, UNICODE)][-3].count("▁") == 4


@pytest.mark.parametrize("width", range(1, 130))
def test_a_chart_is_as_wide_as_there_is_room(width: int) -> None:
    lines = [*draw([("", [1] * 30)], TODAY, width, UNICODE)]
    if width > 20:
        assert width - 33 < max(map(len, lines)) <= width
    assert lines[-1].endswith("30 Nov")
