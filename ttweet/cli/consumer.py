"""A consumer: a named position in a server's tweets, kept on this machine for `follow --consumer`.

The file has the id of the last tweet that was handled, and the server. The id is written after the tweet is handled, so
a crash in between repeats one tweet and loses none.
"""

import os
import re
from pathlib import Path
from typing import Self

from ttweet import system
from ttweet.cli import shell
from ttweet.cli.state_folder import naming_the_variable, state_folder
from ttweet.files import lock, make_private, naming, open_own, trusted_path

DIGITS = 16  # of the id at the start of the file, which is overwritten in place; the highest id has 16
FILE_BYTES = 4096  # that are read of the file: an id, and a list of servers as on a command line


class Consumer:
    """An open position. `after` is None before the first one is saved. Raises OSError, UsageError."""

    def __init__(self, path: Path, server: str) -> None:
        make_private(trusted_path(path.parent))
        self._path = path
        self._server = server
        self._file = open_own(path)
        try:
            self._lock()
            self.after = self._read()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let another process use the position."""
        os.close(self._file)

    def save(self, after: int) -> None:
        """Make this the position, on the disk when it returns."""
        text = f"{after:0{DIGITS}}" if self.after is not None else f"{after:0{DIGITS}} {self._server}\n"
        with naming(self._path):
            os.pwrite(self._file, text.encode(), 0)
            system.sync_data(self._file)
        self.after = after

    def _lock(self) -> None:
        try:
            with naming(self._path):
                lock(self._file, self._path)
        except BlockingIOError as exc:
            raise shell.UsageError(
                f"consumer {self._path.name!a} is in use: another process follows with it; use another name"
            ) from exc

    def _read(self) -> int | None:
        with naming(self._path):
            text = os.pread(self._file, FILE_BYTES, 0).decode(errors="replace")
        if not text:
            return None
        found = re.fullmatch(rf"([0-9]{{{DIGITS}}}) (.+)\n", text)
        if found is None:
            raise shell.UsageError(f"consumer {self._path.name!a} is damaged; to begin again, remove {self._path}")
        if found[2] != self._server:
            raise shell.UsageError(
                f"consumer {self._path.name!a} belongs to the server {found[2]}; use another name for {self._server}"
            )
        return int(found[1])


def open_consumer(name: str, server: str) -> Consumer:
    """Open the position of this user with this name. Raises OSError, UsageError."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}", name):
        raise shell.UsageError(f"invalid --consumer {shell.quoted(name)}: use 1 to 64 letters, digits, _ and -")
    with naming_the_variable():
        return Consumer(state_folder("the positions of consumers") / "consumers" / name, server)
