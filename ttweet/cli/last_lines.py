"""The last lines of what a command writes, as a terminal would show them: without colours and overwritten text."""

import re
from collections import defaultdict, deque

MAX_LINE_BYTES = 4 * 1024  # kept of a line; a tweet shows 150 characters, which have at most 600

_UNSEEN = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours and moves of the cursor (ECMA-48)
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles and links
    r"|\x1b[ -/]*[0-~]"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


class LastLines:
    """The last lines that are not empty, of one or several streams, in the order in which the lines ended."""

    def __init__(self, number: int) -> None:
        self._lines: deque[bytes] = deque(maxlen=number)
        self._begun: defaultdict[int, bytes] = defaultdict(bytes)

    def take(self, stream: int, data: bytes) -> None:
        """Take what came from a stream, which may end within a line."""
        *lines, begun = (self._begun[stream] + data).split(b"\n")
        self._lines += [_kept(line) for line in lines if line.strip()]
        self._begun[stream] = _kept(begun)

    def texts(self) -> list[str]:
        """Return the lines, with those that have begun."""
        begun = [line for line in self._begun.values() if line.strip()]
        kept = [*self._lines, *begun][-(self._lines.maxlen or 0) :]
        return [text for text in map(_shown, kept) if text]


def _kept(line: bytes) -> bytes:
    """Return the beginning of what is not overwritten; a carriage return at the end has overwritten nothing yet."""
    body = line.rstrip(b"\r")
    return (body[body.rfind(b"\r") + 1 :] + line[len(body) :])[:MAX_LINE_BYTES]


def _shown(line: bytes) -> str:
    return " ".join(_UNSEEN.sub("", line.decode(errors="replace")).split())
