"""Charts: their scale, and that what stands in them is what was counted."""

import re
from datetime import date, timedelta
from xml.etree import ElementTree

import pytest

from ttweet import plots

TODAY = date(2026, 11, 29)


@pytest.mark.parametrize(
    ("counts", "top"),
    [([0], 4), ([1, 4], 4), ([5], 8), ([9], 12), ([13], 20), ([20], 20), ([21], 40), ([121], 200), ([99_999], 120_000)],
)
def test_the_lines_of_a_chart_are_at_whole_numbers(counts: list[int], top: int) -> None:
    assert plots.top_of(counts) == top
    assert top % 4 == 0


def heights(svg: str) -> list[float]:
    return [float(height) for height in re.findall(r"M[\d.]+ [\d.]+v-([\d.]+)h", svg)]


def test_a_bar_is_as_high_as_its_count() -> None:
    assert heights(plots.chart([2, 0, 4, 1], "x")) == [50, 100, 25]


def test_a_single_tweet_is_seen_beside_thousands() -> None:
    assert heights(plots.chart([1, 9_000], "x"))[0] == 3


def test_a_single_tweet_is_no_peak_of_a_small_chart() -> None:
    assert heights(plots.spark([0] * 13 + [1])) == [plots.SPARK_HEIGHT / 4]


def test_todays_bar_has_a_colour_of_its_own() -> None:
    for svg in (plots.spark([3, 2, 1]), plots.chart([3, 2, 1], "x"), plots.picture([("#a", [3, 2, 1])], TODAY)):
        today = re.findall(r'<path class="today" d="([^"]*)"/>', svg)
        assert len(today) == 1
        assert today[0].count("M") == 1


def test_a_picture_is_xml_whatever_its_title() -> None:
    title = '#a"<b>&'
    root = ElementTree.fromstring(plots.picture([(title, [0] * 13 + [7])], TODAY))
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == [title, "8", "6", "4", "2", "0", "16 Nov", "29 Nov"]


def test_a_picture_has_a_chart_for_each_tag_on_one_scale() -> None:
    root = ElementTree.fromstring(plots.picture([("#a", [8, 4]), ("#b", [0, 2])], TODAY))
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    scale = ["8", "6", "4", "2", "0"]
    assert texts == ["#a", *scale, "#b", *scale, plots.day_label(TODAY - timedelta(1)), plots.day_label(TODAY)]
