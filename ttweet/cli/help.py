"""How `--help` looks: a manual page, not boxes. On a narrow terminal a description stands below its option."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rich.console import ConsoleDimensions
from rich.text import Text

from ttweet.cli.console import TerminalConsole
from ttweet.cli.manual.page import ONLY_IN_FULL
from ttweet.cli.ready_pages import COLUMNS
from ttweet.cli.terminal import MAX_SIDE, PLAIN

if TYPE_CHECKING:
    from cyclopts.help import HelpEntry, HelpPanel
    from rich.console import Console, ConsoleOptions

NARROW = 64  # columns; below it two columns would be two strips
INDENT = 2  # of an option
HANG = 6  # of a description below its option
LABEL = "cyan"
SHORTEST = 6  # columns for a label, so that all groups of commands have their texts in one column
LEAST = 12  # columns of text beside a column however wide; it runs over the edge of a narrow terminal then
CONTINUED = 4  # columns that the rest of an example is set in, so that it does not look like another one

_TERM = re.compile(r" +\S+ {2,}")  # of a row in a list of exit codes or variables; its description stands beside it
_WORD = re.compile(r"`[^`]+`\S*|\[default: [^]]+\]|\S+")  # a command and a default stay on one line
_MARGIN = re.compile(r"Usage: | +")


class PageConsole(TerminalConsole):
    """Stdout for a manual page. A closed pipe raises BrokenPipeError, where rich would exit with 1."""

    def __init__(self) -> None:
        super().__init__(None, no_color=None)  # stdout, and FORCE_COLOR counts in a pipe
        self.width = min(self.width, COLUMNS)

    @property  # type: ignore[misc]  # it is never set
    def size(self) -> ConsoleDimensions:
        """The size of a page at this moment."""
        width, height = super().size
        return ConsoleDimensions(min(width, COLUMNS), height)

    def on_broken_pipe(self) -> None:
        """Raise the error that every other command raises."""
        raise BrokenPipeError

    def print(self, *objects: Any, **options: Any) -> None:
        """Print, and hang the lines of cyclopts' text below the options, which has no formatter of its own."""
        if len(objects) == 1 and hasattr(objects[0], "primary_renderable"):
            _print_wrapped(self, self.options, _text(objects[0]))
        else:
            super().print(*objects, **options)


class Manual:
    """A formatter for cyclopts' help: synopsis, text, then commands and options in two columns.

    The groups ONLY_IN_FULL are shown on the full page alone.
    """

    def __init__(self, *, full: bool) -> None:
        self._full = full

    def render_usage(self, console: "Console", options: "ConsoleOptions", usage: object) -> None:
        """Print the synopsis."""
        synopsis = Text.assemble(("Usage: ", "bold"), Text.from_markup(str(usage).rstrip()))
        _print_wrapped(console, options, synopsis)

    def render_description(self, console: "Console", options: "ConsoleOptions", description: object) -> None:
        """Print the description of the command."""
        console.print()
        _print_wrapped(console, options, _text(description))

    def __call__(self, console: "Console", options: "ConsoleOptions", panel: "HelpPanel") -> None:
        """Commands, arguments or options."""
        if not panel.entries or (panel.title in ONLY_IN_FULL and not self._full):
            return
        console.print()
        _print_line(console, Text(str(panel.title), style="bold"))
        labels = [_label(entry) for entry in panel.entries]
        column = HANG if options.max_width < NARROW else INDENT + max(SHORTEST, *map(len, labels)) + 2
        for label, entry in zip(labels, panel.entries, strict=True):
            _print_entry(console, options, label, _description(entry), column)


def _print_entry(console: "Console", options: "ConsoleOptions", label: str, description: Text, column: int) -> None:
    """Print an option and what it does, which begins at the column.

    It stands beside the option if that leaves room, else below.
    """
    head = Text.assemble(" " * INDENT, (label, LABEL))
    if len(head) + 2 <= column:
        head.pad_right(column - len(head))
    else:
        _print_line(console, head)
        head = Text(" " * column)
    for line in _wrapped(options, description, column):
        _print_line(console, head + line)
        head = Text(" " * column)


def _print_wrapped(console: "Console", options: "ConsoleOptions", text: Text) -> None:
    """Print each line of the text; its rest is indented below it."""
    for line in text.split(allow_blank=True):
        if len(line) <= options.max_width:
            _print_line(console, line)
            continue
        head, hang = _hang(line)
        for part in _wrapped(options, line[len(head) :], hang):
            _print_line(console, head + part)
            head = Text(" " * hang)


def _wrapped(options: "ConsoleOptions", text: Text, column: int) -> Iterator[Text]:
    """Yield the text in lines of whole words that fit beside the column.

    It is not wrapped if the terminal is too narrow.
    """
    width = MAX_SIDE if options.max_width < PLAIN else max(options.max_width - column, LEAST)
    for paragraph in text.split(allow_blank=True):
        for line in paragraph.divide(_breaks(paragraph.plain, width)):
            line.rstrip()
            yield line


def _breaks(text: str, width: int) -> Iterator[int]:
    """Where the second and further lines begin, each at a word. A word that is wider than a line stays whole."""
    begin = 0
    for word in _WORD.finditer(text):
        if word.end() - begin > width and word.start() > begin:
            begin = word.start()
            yield begin


def _print_line(console: "Console", line: Text) -> None:
    console.print(line, soft_wrap=True)


def _hang(line: Text) -> tuple[Text, int]:
    """Return the head of a line, and the column of the lines that continue it."""
    if term := _TERM.match(line.plain):
        return line[: term.end()], term.end()
    if margin := _MARGIN.match(line.plain):
        return line[: margin.end()], margin.end() + CONTINUED
    return Text(), 0


def _label(entry: "HelpEntry") -> str:
    """As in a manual: the short form first, then the long one with its value."""
    names = [*entry.positive_shorts, *entry.positive_names] or [entry.positional_label or ""]
    value = f" {entry.metavar}" if entry.metavar and not entry.positional_label else ""
    return ", ".join(names) + value


def _description(entry: "HelpEntry") -> Text:
    text = _text(entry.description)
    if entry.default is not None and entry.default not in ("False", "None"):
        text.append(f" [default: {entry.default}]", style="dim")
    return text


def _text(described: object) -> Text:
    """Return the text that cyclopts has wrapped up, without the line ends at its end."""
    text = getattr(described, "primary_renderable", described)
    text = text.copy() if isinstance(text, Text) else Text(str(text or ""))
    text.rstrip()
    return text
