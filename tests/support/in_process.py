"""Commands without a process for each: what there are many cases of, and what a process would add nothing to."""

import io
import os
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout

import pytest

from tests.support.processes import environment
from ttweet.cli import main as cli


def page(*arguments: str, columns: int = 80) -> str:
    """What a command that exits with 0 prints into a pipe whose reader's terminal has so many columns."""
    code, stdout, stderr = _done(arguments, {"COLUMNS": str(columns)})
    assert (code, stderr) == (0, "")
    return stdout


def complains(*arguments: str, variables: Mapping[str, str] | None = None) -> tuple[int, str]:
    """The exit code of a command and what it says on stderr, where nothing is to come on stdout."""
    code, stdout, stderr = _done(arguments, variables)
    assert stdout == ""
    return code, stderr.removesuffix("\n")


def _done(arguments: tuple[str, ...], variables: Mapping[str, str] | None) -> tuple[int, str, str]:
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(io.StringIO()) as stdout,
        redirect_stderr(io.StringIO()) as stderr,
    ):
        patch.setattr(os, "environ", environment(variables))
        code = cli.main(arguments)
    return code, stdout.getvalue(), stderr.getvalue()
