import io
import os
import struct
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from fcntl import ioctl
from typing import IO

import pytest

from ttweet.cli import terminal


@pytest.fixture
def of_size() -> Iterator[Callable[[int, int], IO[str]]]:
    """Makes a terminal that says it has so many columns and lines."""
    with ExitStack() as stack:

        def of_size(columns: int, lines: int) -> IO[str]:
            master, slave = os.openpty()
            stack.callback(os.close, master)
            ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            return stack.enter_context(os.fdopen(slave, "w"))

        yield of_size


@pytest.mark.parametrize(("own", "counts"), [((0, 0), (80, 24)), ((120, 40), (120, 40)), ((1, 1), (1, 1))])
@pytest.mark.parametrize(
    ("said", "columns"),
    [
        ("1", 1),
        ("80", 80),
        ("1000", 1000),
        ("1001", 1000),
        ("99999999999999999999", 1000),
        ("9" * 5000, 1000),
        *[(unknown, None) for unknown in ("", "0", "000", "-5", "+5", "1.5", "1_0", " 80", "wide", "²", "٣")],
    ],
)
def test_a_size_in_the_environment_counts_if_it_is_a_number(
    own: tuple[int, int],
    counts: tuple[int, int],
    said: str,
    columns: int | None,
    of_size: Callable[[int, int], IO[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:  # pytest itself looks at COLUMNS when the test has ended
        patch.delenv("LINES", raising=False)
        patch.setattr(sys, "stdout", io.StringIO())  # as a pipe
        patch.setattr(sys, "stderr", of_size(*own))
        patch.setenv("COLUMNS", said)
        assert terminal.size() == (columns or counts[0], counts[1])
        patch.setenv("LINES", said)
        assert terminal.size() == (columns or counts[0], columns or counts[1])


def test_without_any_terminal_there_are_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.delenv("COLUMNS", raising=False)
        patch.delenv("LINES", raising=False)
        patch.setattr(sys, "stdin", None)
        patch.setattr(sys, "stdout", io.StringIO())
        patch.setattr(sys, "stderr", None)
        assert terminal.size() == (80, 24)


@pytest.mark.parametrize(
    ("said", "left"), [("0", None), ("-1", None), ("²", None), ("60", "60"), ("99999999999", "1000"), (None, None)]
)
def test_an_invalid_size_in_the_environment_is_removed_and_a_huge_one_cut(
    said: str | None, left: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        for variable in ("COLUMNS", "LINES"):
            patch.setenv(variable, said or "")
        terminal.clean_environment()
        assert (os.environ.get("COLUMNS"), os.environ.get("LINES")) == (left, left)
