"""Where report lines are copied to: what a destination is, and the server's own terminal."""

import logging
import os
import select
from typing import Protocol

from ttweet.files import NotOursError
from ttweet.model import remedies

log = logging.getLogger(__name__)


class Destination(Protocol):
    """Where report lines are copied to. `details` says whether the columns of an error stand behind its line."""

    name: str
    details: bool

    def begin(self, cursor: int, *, reopen: bool = False) -> int:
        """Get ready to write and return the id of the line after which to continue.

        `cursor` is the id of the last line that was written. With `reopen` a file that was renamed keeps what it has,
        and the lines after it go to a new one. Raises OSError: NotOursError for what must be left alone.
        """
        ...

    def write(self, lines: bytes) -> None:
        """Append whole lines. Raises OSError."""
        ...

    def close(self) -> None:
        """Close it; never raises."""
        ...


class StderrDestination:
    """The server's standard error. Once it is closed, nothing more is written there."""

    name = "standard error"
    details = True

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._gone = False

    def begin(self, cursor: int, *, reopen: bool = False) -> int:  # noqa: ARG002 a terminal stays where it is
        """See Destination."""
        return cursor

    def write(self, lines: bytes) -> None:
        """See Destination."""
        try:
            if not self._gone:
                write_all(self._fd, lines)
        except OSError:
            self._gone = True

    def close(self) -> None:
        """See Destination: it is not ours to close."""


def write_alone(line: str, destination: Destination) -> None:
    """Write the one line of a server that does not start: what cannot be written now is not written later either."""
    try:
        destination.begin(0)
        destination.write(f"{line}\n".encode())
    except BlockingIOError:
        pass  # the file is a running server's
    except OSError as exc:
        log.warning("cannot write %s: %s", destination.name, reason(exc))
    destination.close()


def write_all(fd: int, data: bytes) -> None:
    """Write bytes to a descriptor, waiting as long as necessary. Raises OSError."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(fd, rest) :]
        except BlockingIOError:  # a program on the same terminal has made it non-blocking
            select.select([], [fd], [])


def reason(exc: OSError) -> str:
    """Why nothing can be written, for an operator."""
    if isinstance(exc, BlockingIOError):
        return "another process has locked it"
    if isinstance(exc, NotOursError):
        return f"{exc.strerror}; choose another report file, or none"
    return remedies.reason(exc)
