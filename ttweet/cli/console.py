"""rich's console with the size from `terminal`: rich itself takes COLUMNS=0 literally and prints nothing."""

from typing import Any, TextIO

from rich.console import Console, ConsoleDimensions

from ttweet.cli import shell, terminal


class TerminalConsole(Console):
    """A console that colours text only where the stream's reader wants it."""

    def __init__(self, stream: TextIO | None, **options: Any) -> None:
        columns, lines = terminal.size()  # given, or rich would look at the environment
        defaults = {"no_color": not shell.has_colour(stream), "highlight": False}
        super().__init__(file=stream, width=columns, height=lines, **defaults | options)

    @property  # type: ignore[misc]  # it is never set
    def size(self) -> ConsoleDimensions:
        """The size at this moment: a window may change its own."""
        return ConsoleDimensions(*terminal.size())
