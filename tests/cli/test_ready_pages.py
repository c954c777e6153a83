"""A ready help page is the one that the parser would show."""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.in_process import page
from ttweet.cli import main, ready_pages
from ttweet.cli.main import COMMANDS

PAGES = [["--help"], *[[name, "--help"] for name in COMMANDS]]

Shown = Callable[..., tuple[str | None, str]]


class Terminal(io.StringIO):
    """A stream that a person reads."""

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return True


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """Return the ready page of a command line, and the page of the parser, on a stream with these variables."""

    def shown(line: list[str], stream: io.StringIO, **variables: str) -> tuple[str | None, str]:
        for name in ("NO_COLOR", *ready_pages.OF_RICH):
            monkeypatch.delenv(name, raising=False)
        for name, value in ({"TERM": "xterm", "COLUMNS": "80"} | variables).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "stdout", stream)
        ready = ready_pages.page(line)
        main.main(line)
        return ready, stream.getvalue()

    return shown


@pytest.mark.parametrize("columns", ["80", "81", "200"])
@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
@pytest.mark.parametrize("line", PAGES, ids=" ".join)
def test_a_ready_page_is_the_one_of_the_parser(
    line: list[str], stream: type[io.StringIO], columns: str, shown: Shown
) -> None:
    ready, made = shown(line, stream(), COLUMNS=columns)
    assert ready == made


@pytest.mark.parametrize(
    ("stream", "variables"),
    [
        (io.StringIO, {"COLUMNS": "79"}),
        (io.StringIO, {"FORCE_COLOR": "1"}),
        (Terminal, {"NO_COLOR": "1"}),
        (Terminal, {"TERM": "dumb"}),
    ],
)
def test_a_page_that_looks_different_is_made(
    stream: type[io.StringIO], variables: dict[str, str], shown: Shown
) -> None:
    ready, made = shown(["post", "--help"], stream(), **variables)
    assert ready is None
    assert made.startswith(("Usage: ", "\x1b[1mUsage: "))


@pytest.mark.parametrize(
    "line", [["ls", "--help"], ["../post", "--help"], ["post", "x", "--help"], ["help", "nothing"]]
)
def test_other_command_lines_have_no_ready_page(line: list[str]) -> None:
    assert ready_pages.page(line) is None


def test_all_ways_to_a_page_show_the_same() -> None:
    assert page() == page("help") == page("-h") == page("--help")
    assert page("help", "post") == page("post", "-h") == page("post", "--help")


def test_each_command_has_a_page_and_each_page_a_command() -> None:
    found = {path.stem for path in Path(ready_pages.FOLDER).iterdir()}
    assert found == {ready_pages.PROGRAM, *COMMANDS}
