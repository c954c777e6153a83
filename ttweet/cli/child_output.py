"""The output of a command on its way through this program, which copies it as it comes."""

from __future__ import annotations

import os
import select

from ttweet.client.waiting import PIPE_BYTES, ready

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

STREAMS = (1, 2)  # stdout and stderr
MAX_PIPE_BYTES = 1024 * 1024  # that a command can leave in a pipe when it ends: the most that Linux lets users set


class Copies:
    """Two pipes for the stdout and the stderr of a command, whose content is written to ours and given to `take`.

    `take` is called with the stream, 1 or 2, and what came. Without it there are no pipes. If ours takes no more, the
    pipe is closed, so that the command gets what it would get without a pipe. Raises OSError.
    """

    def __init__(self, take: Callable[[int, bytes], None] | None) -> None:
        self._take = take
        self.theirs: dict[int, int] = {}
        """The command's streams, and where they lead."""
        self._ours: dict[int, int] = {}

    def __enter__(self) -> Self:
        for stream in STREAMS if self._take else ():
            ours, self.theirs[stream] = os.pipe()
            self._ours[ours] = stream
        return self

    def __exit__(self, *_: object) -> None:
        self.begin()
        for pipe in [*self._ours]:
            self._close(pipe)

    def begin(self) -> None:
        """Leave the ends for writing to the command, which has started."""
        while self.theirs:
            os.close(self.theirs.popitem()[1])

    def until_end(self, process: int | None) -> None:
        """Copy until the descriptor of a process tells its end, and then what is left in the pipes.

        Another process that it has started may still hold them, so their end is waited for only without a descriptor.
        """
        ends = [] if process is None else [process]
        while self._ours or ends:
            found = ready(dict.fromkeys([*self._ours, *ends], select.POLLIN))
            if process in found:
                break
            for pipe in found:
                self._copy(pipe, PIPE_BYTES)
        for pipe in ready(dict.fromkeys(self._ours, select.POLLIN), until=0):
            self._copy(pipe, MAX_PIPE_BYTES)

    def _copy(self, pipe: int, most: int) -> None:
        data = os.read(pipe, most)
        if data and self._take:
            self._take(self._ours[pipe], data)
        if not (data and _written(self._ours[pipe], data)):
            self._close(pipe)

    def _close(self, pipe: int) -> None:
        del self._ours[pipe]
        os.close(pipe)


def _written(descriptor: int, data: bytes) -> bool:
    """Write all of the data, in parts for which a full pipe need not be waited for while a signal comes."""
    try:
        while data:
            ready({descriptor: select.POLLOUT})
            data = data[os.write(descriptor, data[: select.PIPE_BUF]) :]
    except OSError:
        return False
    return True
