"""The command `run`: run a command and post how it ended."""

import errno
import os
import shlex
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import PurePath
from typing import Annotated

from cyclopts import Parameter

from ttweet import system
from ttweet.cli import child_process, shell, spawn
from ttweet.cli.author import given_name, given_tags
from ttweet.cli.last_lines import LastLines
from ttweet.cli.open_client import OpenAs, open_client
from ttweet.cli.options import (
    RARE,
    SERVER,
    As,
    BesideTags,
    Ca,
    WithSpool,
    refuse_conflict,
    seconds,
    whole,
)
from ttweet.client.waiting import READ, ready
from ttweet.model import durations

MAX_NAME = 100  # characters of a command's name in a tweet, which must not become too long
MAX_TAIL = 20  # lines of output in tweets: more belong in a file
UNKNOWN = 125  # as timeout(1) has it: the wrapper failed, and whether the command did is not known
NOT_EXECUTABLE = 126  # as a shell has it
NOT_FOUND = 127
_NOT_RUNNING = (errno.ESRCH, errno.EINVAL, errno.ENOENT)
"""The errors of waiting for a process that is not there; the last two are of a number that a thread has."""

Command = Annotated[str, Parameter(name="COMMAND", help="The command to run, with its arguments, after --.")]
Tags = Annotated[BesideTags, Parameter(help="Add a tag to the tweet; repeatable.")]
LongerThan = Annotated[
    str | None, Parameter(name="--longer-than", metavar="TIME", help="Post only a run longer than TIME: 60s, 10m, 2h.")
]
OnFailure = Annotated[bool, Parameter(name="--on-failure", negative="", help="Post only a failed run.")]
Pid = Annotated[
    int | None,
    whole(1, 2**31 - 1),
    Parameter(name="--pid", metavar="PID", help="Wait for the process with this number; run no command."),
]
Tail = Annotated[
    int | None,
    whole(1, MAX_TAIL),
    Parameter(name="--tail", metavar="N", help="Post the last N lines of its output too, a tweet each."),
]
Server = Annotated[str | None, SERVER, Parameter(help="The server to post to.")]


def run(
    *command: Command,
    tag: Tags = None,
    longer_than: LongerThan = None,
    on_failure: OnFailure = False,
    pid: Pid = None,
    tail: Tail = None,
    as_name: Annotated[As, RARE] = None,
    spool: WithSpool = False,
    server: Server = None,
    ca: Annotated[Ca, RARE] = None,
) -> int:
    """Run a command, post how it ended, and end as it did."""
    refuse_conflict({"COMMAND": command or None, "--pid": pid})
    refuse_conflict({"--on-failure": on_failure, "--pid": pid})
    refuse_conflict({"--tail": tail, "--pid": pid})
    if not command and pid is None:
        raise shell.UsageError("missing command; run: ttweet run -- COMMAND")
    least_s = seconds(longer_than, "--longer-than") or 0.0
    tags, as_name = given_tags(tag), given_name(as_name)
    open_as = partial(open_client, server, ca=ca)
    open_as(as_name).check()  # an invalid option fails now, and not after a long command
    lines = None if tail is None else LastLines(tail)
    outcome, text, took_s = _watched(command, lines) if pid is None else (0, *_ended(pid))
    if took_s < least_s or (on_failure and outcome == 0):
        return UNKNOWN if outcome is None else outcome
    for part in (text, *map(_cut, lines.texts() if lines else [])):
        if not _tried(partial(_post, open_as, part, tags, as_name, spool=spool), part, spool=spool):
            break
    return UNKNOWN if outcome is None else outcome


def _tried(post: Callable[[], None], text: str, *, spool: bool) -> bool:
    """Post a text; an error is said, and must not cost the exit code, as the tweet is a side matter."""
    try:
        post()
    except KeyboardInterrupt:
        shell.complain(f"interrupted{'' if spool else '; whether it was posted is unknown'}: '{text}'")
    except Exception as error:  # noqa: BLE001  # see above
        shell.complain(f"not posted: '{text}'; {shell.sentence(error)}")
    else:
        return True
    return False


def _cut(line: str) -> str:
    from ttweet.model import fitting  # most runs post no line

    return fitting.cut(line).text


def _post(open_as: OpenAs, text: str, tags: list[str], name: str | None, *, spool: bool) -> None:
    if not spool:
        with open_as(name) as client:
            stored = client.post(text, tags=tags, scan=False)
        if shell.on_terminal(sys.stderr):
            shell.hint(f"posted #{stored.id}: '{text}'")
        return
    from ttweet.cli import spooling

    try:
        spooling.post(open_as, text, by=name, tags=tags, scan=False)
    except spooling.KeptError as error:
        shell.complain(f"{error.text}: '{text}'")


def _watched(command: tuple[str, ...], lines: LastLines | None) -> tuple[int | None, str, float]:
    """Run a command; return its exit code, what is posted about it, and its time in seconds."""
    begun = time.monotonic()
    outcome = _carried_out(command, lines)
    took_s = time.monotonic() - begun
    return outcome, f"{_told(outcome)} {_shown(PurePath(command[0]).name)} {durations.short(took_s)}", took_s


def _carried_out(command: tuple[str, ...], lines: LastLines | None) -> int | None:
    """Return the exit code as a shell would have it; None when it is unknown.

    The signals of Ctrl-C and the quit key reach the command too, which decides about them.
    """
    try:
        return child_process.run(
            command, output=lines.take if lines else None, deaf=system.signals("SIGINT", "SIGQUIT")
        ).code
    except OSError as exc:
        shell.complain(_not_started(command[0], exc))
        if exc.errno in spawn.NO_PROCESS:
            return UNKNOWN
        return NOT_FOUND if exc.errno == errno.ENOENT else NOT_EXECUTABLE


def _not_started(program: str, exc: OSError) -> str:
    """Return what is wrong with a command that did not start, and what to check."""
    name = shlex.quote(program)
    if exc.errno == errno.ENOENT:
        return f"{name}: command not found; check {'the path' if '/' in program else 'its spelling, and PATH'}"
    if exc.errno == errno.ENOTSUP:
        return f"{name}: {exc.strerror}"
    if exc.errno in spawn.NO_PROCESS:
        return f"{name}: {exc.strerror}; {spawn.MAKE_ROOM}"
    return f"{name}: {exc.strerror}; name a program that you may execute"


def _ended(process: int) -> tuple[str, float]:
    """Wait for the end of a process; return what is posted about it, and its age in seconds. Raises UsageError."""
    try:
        descriptor = system.open_process(process)
    except OSError as exc:
        if exc.errno in _NOT_RUNNING:
            raise shell.UsageError(f"no process {process} is running; see: ps -e") from exc
        raise OSError(exc.errno, exc.strerror, f"process {process}") from exc
    try:
        name, begun = system.name_and_start(process)
        ready({descriptor: READ})
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
