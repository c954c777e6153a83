"""Tables of the command line: commands, options and exit codes, from the sources of `--help`."""

import re
from collections.abc import Iterator
from typing import Any

from ttweet.cli import shell
from ttweet.cli.main import GROUPS, make_app

CLASSIC = "-u and -d"  # the forms without a command, whose options are the parser's own

_OPTION = re.compile(r"(?<![\w`-])--[a-z][a-z-]*")


def table(command: str) -> str:
    """Return the table of a command's arguments and options: spelling, meaning, default."""
    app = make_app()
    rows = [_row(argument) for argument in _arguments(app if command == CLASSIC else app[command])]
    return "\n".join(["| argument or option | meaning | default |", "| --- | --- | --- |", *rows])


def commands() -> str:
    """Return the table of all commands by group, each with its summary and a link from README.md to its section."""
    rows = [
        f"| {group} | [`ttweet {name}`](docs/commands.md#ttweet-{name}) | {_marked(page.summary)} |"
        for group, entries in GROUPS.items()
        for name, (_, page) in entries.items()
    ]
    return "\n".join(["| group | command | purpose |", "| --- | --- | --- |", *rows])


def exit_codes() -> str:
    """Return the table of all exit codes."""
    rows = [f"| {code} | {_marked(meaning)} |" for code, meaning in shell.EXIT_CODES.items()]
    return "\n".join(["| code | meaning |", "| --- | --- |", *rows])


def _arguments(app: Any) -> Iterator[Any]:
    yield from [argument for argument in app.assemble_argument_collection() if argument.parameter.help]


def _row(argument: Any) -> str:
    value = argument.parameter.metavar
    named = f" {value}" if value and argument.names[0].startswith("-") else ""
    spelled = ", ".join(_code(name + named) for name in argument.names)
    default = _default(argument)
    return f"| {spelled} | {_marked(argument.parameter.help)} | {_code(default) if default else ''} |"


def _marked(text: str) -> str:
    """The text with its options as code."""
    return _OPTION.sub(lambda option: f"`{option[0]}`", text)


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


def _default(argument: Any) -> str:
    """The default as `--help` shows it, numbers without a comma."""
    default, shown = argument.field_info.default, argument.parameter.show_default
    if callable(shown):
        return str(shown(default)).replace(",", "")
    return "" if default in (None, False, argument.field_info.empty) else str(default)
