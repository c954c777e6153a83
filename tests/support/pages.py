"""Help pages without a process for each: there are many, and what a process adds is tried with a few."""

import io
from contextlib import redirect_stderr, redirect_stdout

import pytest

from ttweet.cli import main as cli


def page(*arguments: str, columns: int = 80) -> str:
    """What a command that exits with 0 prints into a pipe whose reader's terminal has so many columns."""
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(io.StringIO()) as stdout,
        redirect_stderr(io.StringIO()) as stderr,
    ):
        patch.setenv("COLUMNS", str(columns))
        code = cli.main(arguments)
    assert (code, stderr.getvalue()) == (0, "")
    return stdout.getvalue()
