"""A line on a terminal's stderr that tells how far a command is; in a pipe nothing, and no rich.

Knows no tweets and no files.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ttweet.cli import shell

BAR_COLUMNS = 16
WHOLE = 60  # columns of a line with a bar; below them there are words only
REDRAW_INTERVAL_S = 0.1  # between updates of a progress bar: one takes 20 us

Show = Callable[[int, int | None, str], object]


@contextmanager
def progress(*, wanted: bool = True) -> Iterator[Show]:
    """Yield a function that shows progress: what is done, of how much (None: unknown), and some words on it.

    It shows the bar, the share, the words and the time that is left; the words alone where the terminal is narrow.
    """
    if not (wanted and shell.on_terminal(sys.stderr)):
        yield _show_nothing
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.table import Column

    from ttweet.cli.console import TerminalConsole

    console = TerminalConsole(sys.stderr)
    text = TextColumn("{task.description}", table_column=Column(overflow="fold"))
    bar = (BarColumn(BAR_COLUMNS), TaskProgressColumn(), text, TimeRemainingColumn())
    with Progress(
        *(bar if console.width >= WHOLE else (text,)), console=console, transient=True, redirect_stdout=False
    ) as line:
        task = line.add_task("", total=None)
        looked = 0.0

        def show(done: int, total: int | None, words: str) -> None:
            nonlocal looked
            if (now := time.monotonic()) - looked >= REDRAW_INTERVAL_S or done == total:
                looked = now
                line.update(task, completed=done, total=total, description=words)

        yield show


def _show_nothing(_done: int, _total: int | None, _words: str) -> None:
    """See progress."""


class Pace:
    """How fast something goes, from the moment when this was made."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def rate(self, done: int) -> str:
        """So many a second."""
        return f"{done / (time.monotonic() - self._begun + 0.001):,.0f} a second"

    @property
    def taken(self) -> str:
        """The time until now."""
        return f"{time.monotonic() - self._begun:.1f} s"
