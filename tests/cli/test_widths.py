"""Whatever COLUMNS says, and however narrow a terminal is, nothing of an output is lost."""

import sys
from collections import Counter
from collections.abc import Callable

import pytest

from tests.support.processes import plain, run_on_terminal
from tests.support.terminal import Terminal as Shown
from tests.support.terminal import TerminalText
from ttweet.cli import main, tables
from ttweet.cli.main import COMMANDS
from ttweet.cli.progress import progress
from ttweet.cli.tables import BARS
from ttweet.cli.terminal import PLAIN
from ttweet.model.tweets import TagSummary, Tweet
from ttweet.security.tokens import Token
from ttweet.storage.contract import LogLine

NOW = 1_795_446_500_123
WIDTHS = range(201)  # 0 is unknown
ODD = ["-1", "0", "", "wide", "²", "1.5", "99999999999999999999", "9" * 5000]
TWEETS = [
    Tweet(7, NOW - 5000, "bob", "a plain text of some words #Python", ("Python", "nightly")),
    Tweet(123_456, NOW, None, "寿司" * 30, ()),
    Tweet(123_457, NOW, "ann", "x" * 150, ()),
]
TAGS = [TagSummary("Python", 12_345, NOW, [1] * 14), TagSummary("寿司" * 40, 1, 0, [0] * 14)]
LOG = [LogLine(1, 1, 0, "SERVER", "GENERAL", "some words"), LogLine(2, 2, NOW, "CLIENT", None, "寿司" * 40 + "x" * 90)]
PARTS = {"clients": {"connected": "12", "of other machines": "3"}, "file": {"size": "1,024.0 MiB", "path": "/a" * 50}}


def token(name: str, rights: frozenset[str]) -> Token:
    return Token(1, name, "", rights, NOW - 10**9)


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs something that writes to a terminal of so many columns and returns what it shows."""

    def show(columns: int | str, write: Callable[..., object], *args: object, **kwargs: object) -> str:
        with monkeypatch.context() as patch:  # pytest itself looks at COLUMNS when the test has ended
            stream = TerminalText()
            patch.setenv("TERM", "xterm")
            patch.setenv("COLUMNS", str(columns))
            patch.setattr(sys, "stdout", stream)
            patch.setattr(sys, "stderr", stream)
            write(*args, **kwargs)
        return plain(stream.getvalue())

    return show


@pytest.mark.no_cover  # each page is drawn thirty times
@pytest.mark.parametrize("page", ["", *COMMANDS, "--install-completion"])
def test_a_page_has_all_its_words_at_every_width(page: str, show: Callable[..., str]) -> None:
    arguments = [*page.split(), "--help-all"]
    words = show(200, main.main, arguments).split()
    assert len(words) > 50
    for columns in [*range(0, 201, 9), 1, PLAIN - 1, PLAIN, PLAIN + 1]:
        assert show(columns, main.main, arguments).split() == words, columns


@pytest.mark.parametrize(
    ("write", "what"),
    [
        (tables.print_tweets, (TWEETS,)),
        (tables.print_tags, (TAGS,)),
        (tables.print_tokens, ([token("alice", frozenset({"read", "post"})), token("b" * 32, frozenset({"admin"}))],)),
        (tables.print_log, (LOG,)),
        (tables.print_parts, (PARTS,)),
        (tables.print_tweet, (TWEETS[0],)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_table_has_all_its_characters_at_every_width(
    write: Callable[..., None], what: tuple[object, ...], show: Callable[..., str]
) -> None:
    options = {} if write in (tables.print_log, tables.print_parts, tables.print_tweet) else {"now": NOW}
    wide = content(show(10**6, write, *what, **options))
    for columns in WIDTHS:
        assert content(show(columns, write, *what, **options)) == wide, columns


def content(seen: str) -> "Counter[str]":
    """Return the shown text without spaces and without the bars of LAST 14 DAYS, which a narrow terminal omits."""
    return Counter("".join(seen.replace("LAST 14 DAYS", "").split())) - Counter(dict.fromkeys(BARS, 10**6))


@pytest.mark.parametrize("columns", [1, 8, PLAIN - 1])
def test_a_table_on_a_terminal_that_is_too_narrow_is_plain_lines(columns: int, show: Callable[..., str]) -> None:
    tags = [TagSummary("Python", 12_345, NOW, [1] * 14)]
    assert show(columns, tables.print_tags, tags, now=NOW) == "TAG  TWEETS  NEWEST\n#Python  12,345  now\n"
    assert show(columns, tables.print_tweets, TWEETS[:1], now=NOW) == (
        "#7  5 s  bob: a plain text of some words #Python  #nightly\n"
    )


@pytest.mark.parametrize("columns", ODD)
def test_an_invalid_width_gives_that_of_the_terminal(columns: str, show: Callable[..., str]) -> None:
    usual = {number: show(number, main.main, ["--help"]) for number in (80, 1000)}
    assert show(columns, main.main, ["--help"]) == usual[1000 if columns.startswith("9") else 80]


@pytest.mark.parametrize("lines", ["", "0", "1", "-1", "10000000000"])
def test_a_progress_line_has_all_its_words_at_every_width(
    lines: str, show: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def count() -> None:
        with monkeypatch.context() as patch:
            patch.setenv("LINES", lines)
            with progress() as tell:
                tell(10, 10, "12,345 tweets")

    for columns in WIDTHS:
        assert "12,345tweets" in "".join(show(columns, count).split()), columns


@pytest.mark.parametrize("columns", [0, 1, 7, PLAIN])
def test_an_error_is_one_line_at_every_width(columns: int, show: Callable[..., str]) -> None:
    assert show(columns, main.main, ["tgas"]) == "ttweet: unknown command 'tgas'; did you mean ttweet tags?\n"


@pytest.mark.parametrize("columns", [0, 1, 7, 40])
def test_a_page_is_whole_on_a_real_terminal(columns: int) -> None:
    code, seen = run_on_terminal("--help", columns=columns)
    shown = Shown(columns or 80)
    shown.feed(plain(seen))
    assert code == 0
    words = "A tiny self-hosted Twitter for shells: short messages with #hashtags."
    assert "".join(words.split()) in "".join("".join(shown.lines).split())
