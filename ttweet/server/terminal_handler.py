"""The server's own messages on its terminal."""

import logging
import os
import select
from contextlib import suppress
from typing import Any

from ttweet.model.reports import escape


class TerminalHandler(logging.Handler):
    """Shows log messages as far as the terminal takes them at once.

    They come from the event loop too, which must not wait for a terminal that stands still; what it does not take then
    is lost.
    """

    def __init__(self, fd: int) -> None:
        super().__init__()
        self._fd = fd
        self.setFormatter(EscapingFormatter("ttweet: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """See logging.Handler."""
        rest = f"{self.format(record)}\n".encode(errors="backslashreplace")
        with suppress(OSError):
            while rest and select.select([], [self._fd], [], 0)[1]:
                rest = rest[os.write(self._fd, rest[: select.PIPE_BUF]) :]


class EscapingFormatter(logging.Formatter):
    """Escapes the message and each line of a traceback: SQLite, for one, repeats the names that are in a file."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """See logging.Formatter."""
        return escape(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        """See logging.Formatter."""
        return "\n".join([escape(line) for line in super().formatException(ei).split("\n")])
