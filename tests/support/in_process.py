"""Commands without a process for each: what there are many cases of, and what a process would add nothing to.

Processes are needed for signals, terminals, closed streams, and what a command starts, replaces or inherits.
"""

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from tests.support.processes import environment
from ttweet import __main__
from ttweet.cli import main, shell


def page(*arguments: str, columns: int = 80) -> str:
    """Return the output of a command that exits with 0, in a pipe whose reader's terminal has so many columns."""
    done = run(*arguments, variables={"COLUMNS": str(columns)})
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def complains(*arguments: str, variables: Mapping[str, str] | None = None) -> tuple[int, str]:
    """The exit code of a command and what it says on stderr, where nothing is to come on stdout."""
    done = run(*arguments, variables=variables)
    assert done.stdout == ""
    return done.returncode, done.stderr.removesuffix("\n")


def run(
    *arguments: str | bytes, stdin: bytes = b"", cwd: Path | None = None, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in no terminal, as `processes.run` does. Output that is not UTF-8 fails the test."""
    return run_here(*arguments, stdin=stdin, cwd=cwd, env=environment(variables))


def run_here(
    *arguments: str | bytes, stdin: bytes = b"", cwd: Path | None = None, env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """The same with this environment and no other."""
    with (
        pytest.MonkeyPatch.context() as patch,
        TemporaryFile() as read,
        TemporaryFile() as out,
        TemporaryFile() as err,
    ):
        read.write(stdin)
        read.seek(0)
        streams = [io.TextIOWrapper(file, encoding="utf-8") for file in (read, out, err)]
        for name, stream in zip(("stdin", "stdout", "stderr"), streams, strict=True):
            patch.setattr(sys, name, stream)
        for name in os.environ.keys() - env.keys():
            patch.delenv(name)
        for name, value in env.items():  # and not a dict of ours: processes that it starts look at the real one
            patch.setenv(name, value)
        patch.chdir(cwd or Path.cwd())
        words = [os.fsdecode(argument) for argument in arguments]
        begin = main._main if words[:1] == ["serve"] else __main__._main  # which would let this process outlive hangups
        code = shell.run(begin, words)
        for stream in streams[1:]:
            stream.flush()  # as the interpreter does in the end
        return subprocess.CompletedProcess(arguments, code, _written(out), _written(err))


def _written(file: io.BufferedRandom) -> str:
    file.seek(0)
    return file.read().decode()
