"""Input on stdin: UTF-8, without the byte order mark of some programs."""

import codecs
import io
import os
import sys
from contextlib import suppress
from typing import Any

from ttweet.cli import shell
from ttweet.client.waiting import READ, ready
from ttweet.model.remedies import IS_UTF_16

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MARKS = (codecs.BOM_UTF8, *UTF_16)


def reader() -> io.BufferedReader:
    """Return the bytes of stdin. Raises UsageError when it is closed, and as Stdin does."""
    return io.BufferedReader(Stdin())


class Stdin(io.RawIOBase):
    """Stdin without a byte order mark; a signal ends a wait for it at once, whether or not the descriptor blocks.

    Reads raise UsageError for UTF-16, and OSError that names stdin.
    """

    def __init__(self) -> None:
        if sys.stdin is None:
            raise shell.UsageError("stdin is closed; there is nothing to read")
        self._fd = sys.stdin.fileno()
        self._begun = False

    def fileno(self) -> int:
        """See io.IOBase."""
        return self._fd

    def readable(self) -> bool:
        """See io.IOBase."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """See io.RawIOBase."""
        if self._begun:
            return self._wait_and_read(buffer)
        self._begun = True
        buffer = memoryview(buffer)  # a part of a bytearray would be a copy
        count = self._wait_and_read(buffer)
        while _may_grow(bytes(buffer[:count])) and (more := self._wait_and_read(buffer[count:])):
            count += more
        first = bytes(buffer[:count])
        if first.startswith(UTF_16):
            raise shell.UsageError(f"stdin {IS_UTF_16}")
        if not first.startswith(codecs.BOM_UTF8):
            return count
        rest = first.removeprefix(codecs.BOM_UTF8)
        buffer[: len(rest)] = rest
        return len(rest) or self._wait_and_read(buffer)

    def _wait_and_read(self, buffer: Any) -> int:
        try:
            while hasattr(os, "readv"):
                ready({self._fd: READ})
                with suppress(BlockingIOError):
                    return os.readv(self._fd, [buffer])
            return self._read(buffer)
        except OSError as exc:
            raise OSError(exc.errno, exc.strerror, "stdin") from exc

    def _read(self, buffer: Any) -> int:
        """Read as Windows does, which waits for no pipe but by reading from it."""
        data = os.read(self._fd, len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _may_grow(first: bytes) -> bool:
    """Whether these are some of the bytes of a mark; for others nothing is waited for."""
    return any(mark.startswith(first) and first != mark for mark in _MARKS if first)
