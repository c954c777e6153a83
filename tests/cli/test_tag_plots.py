"""Charts of `tags --plot`: what a search had no time to count is reported, and each terminal shows the bars."""

import io
import sys
from typing import TYPE_CHECKING, cast

import pytest

from ttweet.cli import shell
from ttweet.cli.commands.tag_plots import show_plots
from ttweet.model.tweets import Count

if TYPE_CHECKING:
    from ttweet.cli.source import Source


class Counting:
    """A source that counts the same for each day."""

    def __init__(self, counted: Count) -> None:
        self._counted = counted

    def count(self, asked: str, *, before: int | None) -> Count:
        return self._counted


def show(counted: Count) -> None:
    source = cast("Source", Counting(counted))
    assert show_plots(source, ["ci"], days=2, svg=None, force=False, json=False) == shell.DONE


def test_a_day_that_could_not_be_counted_to_the_end_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    show(Count(1_234, searched_to=5))
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    for line in said:
        assert line.startswith("ttweet: the time for counting #ci on 20")
        assert line.endswith(" was up: there are more than 1,234")


@pytest.mark.parametrize(("encoding", "bar"), [("utf-8", "█"), ("latin-1", "#")])
def test_a_terminal_without_the_characters_of_bars_gets_ascii(
    encoding: str, bar: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", shown)
    show(Count(3))
    shown.seek(0)
    assert bar in shown.read()
