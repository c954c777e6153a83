"""How `--help` looks: a manual page, not boxes. On a narrow terminal a description stands below its option."""

from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from cyclopts.help import HelpEntry, HelpPanel
    from rich.console import Console, ConsoleOptions

NARROW = 64  # columns; below it two columns would be two strips
INDENT = 2  # of an option
HANG = 6  # of a description below its option
LABEL = "cyan"


class Manual:
    """A formatter for cyclopts' help: synopsis, text, then commands and options in two columns."""

    def render_usage(self, console: "Console", options: "ConsoleOptions", usage: object) -> None:
        """The synopsis."""
        synopsis = Text.assemble(("Usage: ", "bold"), Text.from_markup(str(usage).rstrip()))
        _print_wrapped(console, options, synopsis)

    def render_description(self, console: "Console", options: "ConsoleOptions", description: object) -> None:
        """What the command does."""
        console.print()
        _print_wrapped(console, options, _text(description))

    def __call__(self, console: "Console", options: "ConsoleOptions", panel: "HelpPanel") -> None:
        """Commands, arguments or options."""
        if not panel.entries:
            return
        console.print()
        console.print(Text(str(panel.title), style="bold"))
        labels = [_label(entry) for entry in panel.entries]
        column = HANG if options.max_width < NARROW else INDENT + max(map(len, labels)) + 2
        for label, entry in zip(labels, panel.entries, strict=True):
            _print_entry(console, options, label, _description(entry), column)


def _print_entry(console: "Console", options: "ConsoleOptions", label: str, description: Text, column: int) -> None:
    """An option and what it does, which begins at the column: beside the option if that leaves room, else below."""
    head = Text.assemble(" " * INDENT, (label, LABEL))
    if len(head) + 2 <= column:
        head.pad_right(column - len(head))
    else:
        console.print(head)
        head = Text(" " * column)
    for line in description.wrap(console, options.max_width - column):
        line.rstrip()
        console.print(head + line)
        head = Text(" " * column)


def _print_wrapped(console: "Console", options: "ConsoleOptions", text: Text) -> None:
    for line in text.wrap(console, options.max_width):
        line.rstrip()
        console.print(line)


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
    """The text that cyclopts has wrapped up, without the line ends at its end."""
    text = getattr(described, "primary_renderable", described)
    text = text.copy() if isinstance(text, Text) else Text(str(text or ""))
    text.rstrip()
    return text
