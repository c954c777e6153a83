"""Puts the benchmark ahead of other programs on the machine, as far as the system allows.

Linux first divides the processor among sessions (autogroups), then among the processes of each by their niceness. Only
both together have an effect on programs of other sessions.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NICENESS = -10  # nine times the share of a program with the usual 0


@contextmanager
def ahead() -> Iterator[bool]:
    """Raise the priority of this process, its session and its children in the block; gives whether that was allowed."""
    own, session = os.getpriority(os.PRIO_PROCESS, 0), _niceness(os.getpid())
    try:
        yield _set(NICENESS, None if session is None else NICENESS)
    finally:
        _set(own, session)


def share(pid: int) -> None:
    """Give a process that has begun a session the priority of our own session."""
    niceness = _niceness(os.getpid())
    with suppress(OSError):
        if niceness is not None:
            _autogroup(pid).write_text(str(niceness))


def _set(own: int, session: int | None) -> bool:
    try:
        os.setpriority(os.PRIO_PROCESS, 0, own)
        if session is not None:
            _autogroup(os.getpid()).write_text(str(session))
    except OSError:
        return False
    return True


def _niceness(pid: int) -> int | None:
    """Return the niceness of the session of a process, or None in a system without autogroups."""
    try:
        words = _autogroup(pid).read_text().split()  # `/autogroup-123 nice 0`
    except OSError:
        return None
    return int(words[-1]) if words else None  # a process can be in no autogroup: the file is empty then


def _autogroup(pid: int) -> Path:
    return Path(f"/proc/{pid}/autogroup")
