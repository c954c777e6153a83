"""Commands without a process for each: what there are many cases of, and what a process would add nothing to."""

import io
import os
import subprocess
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout

import pytest

from tests.support.processes import environment
from ttweet.cli import main


def page(*arguments: str, columns: int = 80) -> str:
    """What a command that exits with 0 prints into a pipe whose reader's terminal has so many columns."""
    done = run_here(*arguments, env=environment({"COLUMNS": str(columns)}))
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def complains(*arguments: str, variables: Mapping[str, str] | None = None) -> tuple[int, str]:
    """The exit code of a command and what it says on stderr, where nothing is to come on stdout."""
    done = run_here(*arguments, env=environment(variables))
    assert done.stdout == ""
    return done.returncode, done.stderr.removesuffix("\n")


def run_here(*arguments: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, as in pipes, with this environment and no other."""
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(io.StringIO()) as stdout,
        redirect_stderr(io.StringIO()) as stderr,
    ):
        for name in os.environ.keys() - env.keys():
            patch.delenv(name)
        for name, value in env.items():  # and not a dict of ours: processes that it starts look at the real one
            patch.setenv(name, value)
        code = main.main(arguments)
    return subprocess.CompletedProcess(arguments, code, stdout.getvalue(), stderr.getvalue())
