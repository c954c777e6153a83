"""The lines of earlier sessions, in a file that only its user can read: a JSON string a line, oldest first."""

import json
import os
from pathlib import Path

from ttweet.cli.state_folder import state_folder
from ttweet.files import make_private, naming, open_own, trusted_path, write_texts

MAX_BYTES = 256 * 1024  # of the newest lines that a session begins with: some thousands


class History:
    """Lines of earlier sessions, oldest first, and a place for those of this one. Raises OSError."""

    def __init__(self, path: Path) -> None:
        make_private(trusted_path(path.parent))
        self._path = path
        self.lines = _read(path)
        self._file = open_own(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def add(self, line: str) -> None:
        """Append a line, unless it repeats the last one."""
        if self.lines[-1:] == [line]:
            return
        self.lines.append(line)
        with naming(self._path):
            os.write(self._file, _entry(line).encode())


def open_history() -> History:
    """Open this user's history. Raises OSError."""
    return History(state_folder("the history of chat") / "chat_history")


def _read(path: Path) -> list[str]:
    """Return the newest lines, and shorten a file that has more than twice as many."""
    file = open_own(path)
    try:
        size = os.fstat(file).st_size
        data = os.pread(file, MAX_BYTES, max(0, size - MAX_BYTES))
    finally:
        os.close(file)
    lines = [line for entry in data.splitlines() if (line := _line(entry)) is not None]
    if size > 2 * MAX_BYTES:
        write_texts(path, map(_entry, lines))
    return lines


def _entry(line: str) -> str:
    return json.dumps(line) + "\n"


def _line(entry: bytes) -> str | None:
    """Return the line of an entry, or None for a part of one and for what no terminal takes."""
    try:
        line: str = json.loads(entry)
        return None if b"\0" in os.fsencode(line) else line
    except (ValueError, TypeError, RecursionError):
        return None
