"""Start a program as execvp(3) would, but in a process of its own.

`subprocess` differs from execvp in three ways that show in a wrapper: it closes the descriptors that the caller opened
for the program, does not hand a script without `#!` to the shell, and continues along PATH after such a script.
"""

import errno
import os
from collections.abc import Mapping, Sequence

from ttweet import system
from ttweet.cli.settings import from_file

SHELL = "/bin/sh"
NO_PROCESS = (errno.EAGAIN, errno.ENOMEM)
"""The errors that are the machine's and not the program's: there is no room for another process."""
MAKE_ROOM = "raise the limits (ulimit -u, -v), or close other programs"

_NOT_HERE = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE, errno.ENODEV, errno.ETIMEDOUT)
"""After these glibc looks in PATH's next folder."""

_IGNORED_BY_PYTHON = system.signals("SIGPIPE", "SIGXFSZ")


def spawn(
    command: Sequence[str], environment: Mapping[str, str] | None = None, streams: Mapping[int, int] | None = None
) -> int:
    """Start a command and return its process id. Raises OSError as execvp sets errno.

    `streams` has the descriptors that become its stdin (0), stdout (1) or stderr (2).
    """
    denied: OSError | None = None
    failed = OSError(errno.ENOENT, os.strerror(errno.ENOENT))
    inherited = environment or os.environ
    variables = {name: inherited[name] for name in inherited if name and name not in from_file}  # "=x" has no name
    redirections = [(os.POSIX_SPAWN_DUP2, source, stream) for stream, source in (streams or {}).items()]
    for path in _places(command[0]):
        try:
            return _start(path, command, variables, redirections)
        except OSError as exc:
            if exc.errno == errno.EACCES:
                denied = exc
            elif exc.errno not in _NOT_HERE:
                raise
            failed = exc
    raise denied or failed


def _places(name: str) -> list[str]:
    """Where a program of this name may be. An empty folder in PATH is the working folder."""
    if "/" in name:
        return [name]
    return [f"{folder}/{name}" if folder else name for folder in os.get_exec_path()] if name else []


def _start(
    path: str, command: Sequence[str], variables: dict[str, str], redirections: Sequence[tuple[int, ...]]
) -> int:
    def start(program: str, arguments: list[str]) -> int:
        return os.posix_spawn(program, arguments, variables, file_actions=redirections, setsigdef=_IGNORED_BY_PYTHON)

    try:
        return start(path, list(command))
    except OSError as exc:
        if exc.errno != errno.ENOEXEC:
            raise
    return start(SHELL, [SHELL, path, *command[1:]])
