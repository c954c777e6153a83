"""Interactive shells on a terminal, in which the tab key completes a command and an option of ttweet."""

import os
import pty
import re
import select
import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.support.processes import LIMIT_S, environment

INTERACTIVE = {"bash": ["bash", "-i"], "zsh": ["zsh", "-i"], "fish": ["fish"]}
TYPED = b"ttweet ta\t--numb\t\r"
DONE = re.compile(r"got ([^|]*)\|")
READS_KEYS = b"\x1b[?2004h"  # what all three write when their prompt is there: pasting in brackets


def needed(name: str) -> str:
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed here")
    return name


def program_folder(within: Path) -> Path:
    """Return a new folder with a `ttweet` that prints the arguments it was given."""
    folder = within / "bin"
    folder.mkdir()
    program = folder / "ttweet"
    program.write_text('#!/bin/sh\necho "got $*|"\n')
    program.chmod(0o755)
    return folder


def variables(home: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a user with this home; `~` in an added value stands for it."""
    ours = ("ZDOTDIR", "XDG_", "ZSH", "BASH")
    kept = {name: value for name, value in environment().items() if not name.startswith(ours)}
    return {**kept, "HOME": str(home), "TERM": "xterm"} | {
        name: value.replace("~", str(home)) for name, value in extra.items()
    }


def typed_in(name: str, env: Mapping[str, str], bin_folder: Path, keys: bytes = TYPED) -> str:
    """Return the arguments that a new shell gives to ttweet when these keys are typed."""
    path = f"{bin_folder}:{env['PATH']}"
    process, terminal = pty.fork()
    if process == 0:
        os.execvpe(name, INTERACTIVE[name], {**env, "PATH": path})
    try:
        read_until(terminal, lambda seen: READS_KEYS in seen)
        os.write(terminal, keys)
        seen = read_until(terminal, lambda seen: DONE.search(seen.decode(errors="replace")) is not None)
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(terminal)
    found = DONE.search(seen.decode(errors="replace"))
    assert found
    return " ".join(found[1].split())


def read_until(terminal: int, enough: Callable[[bytes], bool]) -> bytes:
    seen = b""
    while not enough(seen):
        readable, _, _ = select.select([terminal], [], [], LIMIT_S)
        assert readable, seen
        seen += os.read(terminal, 4096)
    return seen
