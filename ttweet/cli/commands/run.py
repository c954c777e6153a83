"""The command `run`: run a command and post how it ended."""

import errno
import shlex
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import PurePath
from typing import Annotated

from cyclopts import Parameter

from ttweet.cli import child_process, shell, spawn
from ttweet.cli.options import As, BesideTags, Ca, WithSpool
from ttweet.cli.source import open_client
from ttweet.client.sync_client import Client
from ttweet.model import durations

MAX_NAME = 100  # characters of a command's name in a tweet, which must not become too long
UNKNOWN = 125  # as timeout(1) has it: the wrapper failed, and whether the command did is not known
NOT_EXECUTABLE = 126  # as a shell has it
NOT_FOUND = 127

Command = Annotated[str, Parameter(name="COMMAND", help="The command to run, with its arguments, after --.")]
Tags = Annotated[BesideTags, Parameter(help="Add a tag to the tweet; repeatable.")]
Server = Annotated[str | None, Parameter(metavar="HOST:PORT", help="The server to post to.")]

Open = Callable[[str | None], Client]


def run(
    *command: Command,
    tag: Tags = None,
    as_name: As = None,
    spool: WithSpool = False,
    server: Server = None,
    ca: Ca = None,
) -> int:
    """Run a command, post how it ended, and end as it did."""
    if not command:
        raise shell.UsageError("missing command; run: ttweet run -- COMMAND")
    open_as = partial(open_client, server, ca=ca)
    open_as(as_name).check()  # an invalid option fails now, and not after a long command
    begun = time.monotonic()
    outcome = _carried_out(command)
    text = _summary(command[0], outcome, time.monotonic() - begun)
    try:
        _post(open_as, text, tag or [], as_name, spool=spool)
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


def _summary(command: str, outcome: int | None, seconds: float) -> str:
    name = PurePath(command).name.encode(errors="replace").decode()[:MAX_NAME] or "''"
    return f"{_told(outcome)} {name} {durations.short(seconds)}"


def _told(outcome: int | None) -> str:
    if outcome is None:
        return "unknown"
    return f"failed ({outcome})" if outcome else "ok"
