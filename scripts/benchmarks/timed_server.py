"""Run ttweet and note each long turn of its event loop: `python timed_server.py FILE PROGRAM ARGUMENTS...`.

A turn is what all tasks do between two waits for sockets: no other client is served meanwhile. FILE gets a line for
each turn of LEAST_S or more: seconds since 1970, and the loop's processor time, which a busy machine does not stretch.
"""

from __future__ import annotations

import runpy
import sys
import time
from typing import Any, TextIO

import trio

LEAST_S = 0.0005


class TurnTimer(trio.abc.Instrument):
    """Times the turns of one event loop."""

    def __init__(self, lines: TextIO) -> None:
        self._lines = lines
        self._began_s = 0.0

    def after_io_wait(self, timeout: float) -> None:  # noqa: ARG002 - as trio calls it
        """Begin to measure."""
        self._began_s = time.thread_time()

    def before_io_wait(self, timeout: float) -> None:  # noqa: ARG002 - as trio calls it
        """Note how long the turn was."""
        took_s = time.thread_time() - self._began_s
        if took_s >= LEAST_S:
            self._lines.write(f"{time.time():.6f} {took_s:.6f}\n")


def main() -> None:
    """Run the program that the second argument names, with the arguments after it."""
    path, *sys.argv = sys.argv[1:]
    run = trio.run
    with open(path, "w", buffering=1) as lines:

        def timed(*args: Any, **options: Any) -> Any:
            return run(*args, instruments=[TurnTimer(lines)], **options)

        trio.run = timed  # type: ignore[assignment]
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
