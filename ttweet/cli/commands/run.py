"""The command `run`: run a command and post how it ended."""

import errno
import os
import select
import shlex
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import PurePath
from typing import Annotated

from cyclopts import Parameter

from ttweet import system
from ttweet.cli import child_process, shell, spawn
from ttweet.cli.options import (
    SERVER,
    As,
    BesideTags,
    Ca,
    WithSpool,
    given_name,
    given_tags,
    refuse_conflict,
    seconds,
    whole,
)
from ttweet.cli.reach import open_client
from ttweet.client.sync_client import Client
from ttweet.client.waiting import ready
from ttweet.model import durations

MAX_NAME = 100  # characters of a command's name in a tweet, which must not become too long
UNKNOWN = 125  # as timeout(1) has it: the wrapper failed, and whether the command did is not known
NOT_EXECUTABLE = 126  # as a shell has it
NOT_FOUND = 127

Command = Annotated[str, Parameter(name="COMMAND", help="The command to run, with its arguments, after --.")]
Tags = Annotated[BesideTags, Parameter(help="Add a tag to the tweet; repeatable.")]
LongerThan = Annotated[
    str | None, Parameter(name="--longer-than", metavar="TIME", help="Post only if it took longer: 60s, 10m, 2h.")
]
OnFailure = Annotated[bool, Parameter(name="--on-failure", negative="", help="Post only if it failed.")]
Pid = Annotated[
    int | None,
    whole(1, 2**31 - 1),
    Parameter(name="--pid", metavar="PID", help="Wait for the process with this number; run no command."),
]
Server = Annotated[str | None, SERVER, Parameter(help="The server to post to.")]

Open = Callable[[str | None], Client]


def run(
    *command: Command,
    tag: Tags = None,
    longer_than: LongerThan = None,
    on_failure: OnFailure = False,
    pid: Pid = None,
    as_name: As = None,
    spool: WithSpool = False,
    server: Server = None,
    ca: Ca = None,
) -> int:
    """Run a command, post how it ended, and end as it did."""
    refuse_conflict({"COMMAND": command or None, "--pid": pid})
    refuse_conflict({"--on-failure": on_failure, "--pid": pid})
    if not command and pid is None:
        raise shell.UsageError("missing command; run: ttweet run -- COMMAND")
    least_s = seconds(longer_than, "--longer-than") or 0.0
    tags, as_name = given_tags(tag), given_name(as_name)
    open_as = partial(open_client, server, ca=ca)
    open_as(as_name).check()  # an invalid option fails now, and not after a long command
    outcome, text, took_s = _watched(command) if pid is None else (0, *_ended(pid))
    if took_s < least_s or (on_failure and outcome == 0):
        return UNKNOWN if outcome is None else outcome
    try:
        _post(open_as, text, tags, as_name, spool=spool)
    except KeyboardInterrupt:
        shell.complain(f"interrupted{'' if spool else '; whether it was posted is unknown'}: {text}")
    except Exception as error:  # noqa: BLE001  # the tweet is a side matter and must not cost the exit code
        shell.complain(f"{shell.sentence(error)}; not posted: {text}")
    return UNKNOWN if outcome is None else outcome


def _post(open_as: Open, text: str, tags: list[str], name: str | None, *, spool: bool) -> None:
    if not spool:
        with open_as(name) as client:
            stored = client.post(text, tags=tags, scan=False)
        if shell.on_terminal(sys.stderr):
            shell.hint(f"posted #{stored.id}: {text}")
        return
    from ttweet.cli import spooling

    try:
        spooling.post(open_as, text, by=name, tags=tags, scan=False)
    except spooling.KeptError as error:
        shell.complain(f"{error.text}: {text}")


def _watched(command: tuple[str, ...]) -> tuple[int | None, str, float]:
    """Run a command; return its exit code, what is posted about it, and its time in seconds."""
    begun = time.monotonic()
    outcome = _carried_out(command)
    took_s = time.monotonic() - begun
    return outcome, f"{_told(outcome)} {_shown(PurePath(command[0]).name)} {durations.short(took_s)}", took_s


def _carried_out(command: tuple[str, ...]) -> int | None:
    """Return the exit code as a shell would have it; None when it is unknown.

    The signals of Ctrl-C and the quit key reach the command too, which decides about them.
    """
    try:
        return child_process.run(command, deaf=[signal.SIGINT, signal.SIGQUIT]).code
    except OSError as exc:
        shell.complain(f"{shlex.quote(command[0])}: {exc.strerror}")
        if exc.errno in spawn.NO_PROCESS:
            return UNKNOWN
        return NOT_FOUND if exc.errno == errno.ENOENT else NOT_EXECUTABLE


def _ended(process: int) -> tuple[str, float]:
    """Wait for the end of a process; return what is posted about it, and its age in seconds. Raises UsageError."""
    descriptor = system.process_descriptor(process)
    if descriptor is None:
        raise shell.UsageError(f"no process {process} is running; see: ps -e")
    try:
        name, begun = system.name_and_start(process)
        ready({descriptor: select.POLLIN})
    finally:
        os.close(descriptor)
    took_s = time.clock_gettime(time.CLOCK_BOOTTIME) - begun
    return f"ended {_shown(name)} {durations.short(took_s)}", took_s


def _shown(name: str) -> str:
    return name.encode(errors="replace").decode()[:MAX_NAME] or "''"


def _told(outcome: int | None) -> str:
    if outcome is None:
        return "unknown"
    return f"failed ({outcome})" if outcome else "ok"
