import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.processes import plain
from tests.support.terminal import TerminalText
from ttweet.cli import tables
from ttweet.cli.tables import BARS, sparkline, styled
from ttweet.model.tweets import TagSummary, Tweet
from ttweet.storage.contract import LogLine

S, MIN, H, D = 1000, 60_000, 3_600_000, 86_400_000
NOW = 1_795_446_500_123


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs something on a terminal of so many columns and returns what it shows."""

    def show(print_: Callable[..., None], *args: object, columns: int = 80, **kwargs: object) -> str:
        terminal = TerminalText()
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", str(columns))
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", terminal)
            print_(*args, **kwargs)
        return terminal.getvalue()

    monkeypatch.delenv("NO_COLOR", raising=False)
    return show


def tweet(text: str, *tags: str, by: str | None = None) -> Tweet:
    return Tweet(7, NOW - 5 * MIN, by, text, tags)


def test_a_sparkline_shows_the_days() -> None:
    assert sparkline([0] * 14) == "▁" * 14
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == BARS
    assert sparkline([0, 1, 1000]) == "▁▂█"
    assert sparkline([]) == ""


@given(st.lists(st.integers(0, 10**9), max_size=20))
def test_a_bar_is_as_high_as_its_day(counts: list[int]) -> None:
    line = sparkline(counts)
    assert len(line) == len(counts)
    for count, bar in zip(counts, line, strict=True):
        assert (bar == BARS[0]) == (count == 0)
        assert (bar == BARS[-1]) == (count == max(counts) != 0 or count * 7 > max(counts) * 6)


def test_a_name_beside_a_long_value_is_one_word(stage: Callable[..., str]) -> None:
    tweets = {"acknowledged": "3", "lines waiting": "1"}
    parts = {"tweets": tweets, "connections": {"now": "1"}, "server": {"started": "2026-12-01 05:12:07"}}
    assert "acknowledged" in plain(stage(tables.print_parts, parts, columns=40))


def test_tags_stand_out_and_those_beside_the_text_follow_it() -> None:
    text = styled(tweet("a #Python day", "Python", "nightly", "web"))
    assert text.plain == "a #Python day  #nightly #web"
    assert [(span.start, span.end) for span in text.spans if span.style == "bold"] == [(2, 9)]


def test_a_tag_that_only_begins_a_longer_one_in_the_text_is_beside_it() -> None:
    text = styled(tweet("see #python and \x1b#PY_3", "python", "py", "py_3"))
    assert text.plain == "see #python and \\x1b#PY_3  #py"
    assert [(span.start, span.end) for span in text.spans if span.style == "bold"] == [(4, 11), (20, 25)]


def test_a_full_width_hash_sign_is_one_too() -> None:
    assert styled(tweet("a ＃寿司 day", "寿司")).plain == "a ＃寿司 day"


def test_an_author_stands_before_the_text() -> None:
    assert styled(tweet("hi", by="matt")).plain == "matt: hi"


def lines_of(seen: str) -> list[str]:
    return [line.rstrip() for line in plain(seen).splitlines()]


def test_a_users_text_is_no_markup_and_controls_no_terminal(stage: Callable[..., str]) -> None:
    nasty = tweet("[red]x[/] :smile: \x1b[31m\u202e\u2028 'a' 1.5")
    seen = plain(stage(tables.print_tweets, [nasty], now=NOW))
    assert seen == "#7  5 min  [red]x[/] :smile: \\x1b[31m\\u202e\\u2028 'a' 1.5\n"


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(stage: Callable[..., str], columns: int) -> None:
    tweets = [tweet("寿司" * 75), tweet("x" * 150), tweet("word " * 30)]
    tags = [TagSummary("寿司" * 75, 10**9, NOW, [1] * 14), TagSummary("x", 1, NOW, [0] * 14)]
    seen = stage(tables.print_tweets, tweets, now=NOW, columns=columns)
    seen += stage(tables.print_tags, tags, now=NOW, columns=columns)
    log = [LogLine(1, 1, 0, "CLIENT", None, text) for text in ("寿司" * 75, "x" * 150, "word " * 30)]
    seen += stage(tables.print_log, log, columns=columns)
    for line in lines_of(seen):
        assert sum(2 if character in "寿司" else 1 for character in line) <= columns


def test_columns_of_wide_characters_align(stage: Callable[..., str]) -> None:
    tags = [TagSummary("寿司", 12_345, NOW - H, [0] * 13 + [5]), TagSummary("python", 2, NOW, [0] * 14)]
    assert lines_of(stage(tables.print_tags, tags, now=NOW)) == [
        "TAG      TWEETS  NEWEST  LAST 14 DAYS",
        "#寿司    12,345     1 h  ▁▁▁▁▁▁▁▁▁▁▁▁▁█",
        "#python       2     now  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁",
    ]


def test_a_long_tag_continues_below_itself_and_leaves_the_others_their_columns(stage: Callable[..., str]) -> None:
    tags = [TagSummary("x" * 50, 1, NOW, [0] * 14), TagSummary("python", 2, NOW, [0] * 14)]
    assert lines_of(stage(tables.print_tags, tags, now=NOW, columns=60)) == [
        "TAG                   TWEETS  NEWEST  LAST 14 DAYS",
        f"#{'x' * 19}       1     now  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁",
        "x" * 20,
        "x" * 11,
        "#python                    2     now  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁",
    ]


def test_a_narrow_terminal_goes_without_sparklines(stage: Callable[..., str]) -> None:
    tags = [TagSummary("python", 2, NOW, [1] * 14)]
    assert lines_of(stage(tables.print_tags, tags, now=NOW, columns=44)) == [
        "TAG      TWEETS  NEWEST",
        "#python       2     now",
    ]


def test_no_color_is_heeded(stage: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    tags = [TagSummary("python", 2, NOW, [1] * 14)]
    assert "\x1b[36m" in stage(tables.print_tags, tags, now=NOW)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[36m" not in stage(tables.print_tags, tags, now=NOW)


def test_the_log_has_a_heading_for_each_session(stage: Callable[..., str]) -> None:
    log = [
        LogLine(1, 1, 0, "SERVER", "GENERAL", "one"),
        LogLine(2, 1, 1000, "SERVER", "ERROR", "two"),
        LogLine(3, 2, 2000, "CLIENT", None, "three " * 30 + "end"),
    ]
    seen = stage(tables.print_log, log)
    headings, texts = [], []
    for line in lines_of(seen):
        if line.startswith("session "):
            headings.append(line.partition(",")[0])
        else:
            texts.append(line[10:])
    assert headings == ["session 1", "session 2"]
    assert texts[:2] == ["SERVER ALERT [GENERAL] one", "SERVER ALERT [ERROR] two"]
    assert texts[2:] == [("three " * 11).rstrip(), ("three " * 11).rstrip(), "three " * 8 + "end"]
    assert "\x1b[31mSERVER ALERT [ERROR] two" in seen
