"""Real runs: a server, a follower on the first terminal, and commands on the second."""

import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from server_process import ServerProcess

FOLLOW = "ttweet follow --after 0"  # so that it misses no tweet, however late it starts
COMMANDS = (
    'ttweet post "Lunch in ten minutes #team"',
    "ttweet run --tag ci -- make test",
    "echo Door open | ttweet post --tag lab -",
    "ttweet find door",
)
COLUMNS = 42
_MAKEFILE = "test:\n\t@sleep 1; echo 214 passed\n"


@dataclass(frozen=True, slots=True)
class RecordedLine:
    """A line on one of the terminals, with its escape sequences, and the number of the command that brought it."""

    pane: int
    step: int
    text: str


def record(commands: Sequence[str] = COMMANDS) -> list[RecordedLine]:
    """Run the commands in order, and return the lines of both terminals in the order in which they appeared."""
    with tempfile.TemporaryDirectory() as name, _serving(Path(name)) as environment:
        (Path(name) / "Makefile").write_text(_MAKEFILE)
        lines = [RecordedLine(0, 0, f"$ {FOLLOW}")]
        with on_terminal(FOLLOW, Path(name), environment) as follower:
            for step, command in enumerate(commands, 1):
                lines.append(RecordedLine(1, step, f"$ {command}"))
                with on_terminal(command, Path(name), environment) as output:
                    lines += [RecordedLine(1, step, text) for text in output]
                if re.search("ttweet (post|run)", command):
                    lines.append(RecordedLine(0, step, next(follower)))
    return lines


@contextmanager
def _serving(folder: Path) -> Iterator[dict[str, str]]:
    """Run a server in the folder, and yield the environment of programs that use it."""
    bin_ = folder / "bin"
    bin_.mkdir()
    program = bin_ / "ttweet"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ttweet "$@"\n')
    program.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TTWEET_")}
    environment |= {"PATH": f"{bin_}:{os.environ['PATH']}", "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
    environment |= {"PYTHONPATH": str(Path(__file__).parents[2]), "MAKEFLAGS": "--no-print-directory"}
    command = [str(program), "serve", "0", "--no-report-file", "--quiet"]
    with ServerProcess.serving(command, folder, environment) as server:
        yield environment | {"TTWEET_SERVER": f"127.0.0.1:{server.port}"}


@contextmanager
def on_terminal(command: str, folder: Path, environment: dict[str, str]) -> Iterator[Iterator[str]]:
    """Run a command on a terminal of its own and yield its lines as they appear. At the end its processes are ended."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        ["sh", "-c", command],
        cwd=folder,
        env=environment,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    )
    os.close(follower)
    try:
        yield _lines(leader)
    finally:
        with suppress(ProcessLookupError):  # all of it has ended
            os.killpg(process.pid, signal.SIGTERM)  # the shell and what it has started
        process.wait()
        os.close(leader)


def _lines(leader: int) -> Iterator[str]:
    """Yield what a terminal shows, line by line, until its programs have closed it."""
    rest = ""
    while True:
        try:
            rest += os.read(leader, 65536).decode()
        except OSError:  # EIO: the other end is closed
            break
        *lines, rest = rest.split("\r\n")
        yield from lines
