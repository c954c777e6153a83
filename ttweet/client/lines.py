"""A server's bytes to lines, one for each answer or push. Quick to import."""

from __future__ import annotations

from collections import deque

MAX_ANSWER_BYTES = 1024 * 1024  # of an answer; a page of tweets has 272 KiB at most


class LineBuffer:
    """Lines that have come, and the beginning of the next one."""

    __slots__ = ("_lines", "_rest")

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque()
        self._rest = b""

    def __bool__(self) -> bool:
        return bool(self._lines or self._rest)

    def receive_data(self, data: bytes | bytearray) -> bool:
        """Take what was read. Returns False when nothing is to come of it: the stream has ended, or a line does not."""
        if not data or len(self._rest) > MAX_ANSWER_BYTES:
            return False
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._lines.extend(lines)
        return True

    def next_line(self) -> bytes | None:
        """Return the oldest line without its end, or None before it is whole."""
        return self._lines.popleft() if self._lines else None
