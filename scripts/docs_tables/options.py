"""The command line in the docs, from the sources of `--help`: commands, their manuals, exit codes."""

import re
import textwrap
from typing import Any

from ttweet.cli import shell
from ttweet.cli.main import COMMANDS, GROUPS, make_app
from ttweet.cli.manual.server import ROOT

WIDTH = 118  # columns of a paragraph

_VARIABLE = re.compile(r"^  ([A-Z_]+)\s+(\S.*(?:\n {17}.*)*)", re.MULTILINE)  # a name and its meaning in a help page
_CODE = re.compile(r"(`[^`]*`)")
_NAMES = re.compile(r"(?<![\w-])(--[a-z][a-z-]*|TTWEET_[A-Z_]+)")  # of options and variables


def manual(command: str) -> str:
    """Return what `--help-all` says of a command above its examples: summary, usage, details, arguments and options."""
    page = COMMANDS[command][1]
    usage = [line.strip().replace("\\[", "[") for line in page.usage.splitlines()]
    details = [textwrap.fill(_marked(text), WIDTH, break_on_hyphens=False) for text in page.details.split("\n\n")]
    synopsis = "\n".join([f"    {line}" for line in usage])
    blocks = [_marked(page.summary), synopsis, *details, _options(make_app()[command])]
    return "\n\n".join(blocks)


def classic() -> str:
    """Return the table of the options that stand without a command."""
    return _options(make_app())


def commands() -> str:
    """Return the table of all commands by group, each with a link from README.md to its section."""
    rows = [f"| {group} | {', '.join(map(_linked, entries))} |" for group, entries in GROUPS.items()]
    return "\n".join(["| group | commands |", "| --- | --- |", *rows])


def exit_codes() -> str:
    """Return the table of all exit codes."""
    rows = [f"| {code} | {_marked(meaning)} |" for code, meaning in shell.EXIT_CODES.items()]
    return "\n".join(["| code | meaning |", "| --- | --- |", *rows])


def variables() -> str:
    """Return the table of all environment variables, from the help pages of all commands."""
    meanings: dict[str, str] = {}
    for page in (ROOT, *[page for _, page in COMMANDS.values()]):
        for name, meaning in _VARIABLE.findall(page.environment):
            known = meanings.setdefault(name, " ".join(meaning.split()))
            if known != " ".join(meaning.split()):
                raise ValueError(f"the help pages give {name} two meanings")
    rows = [f"| `{name}` | {_marked(meaning)} |" for name, meaning in meanings.items()]
    return "\n".join(["| variable | meaning |", "| --- | --- |", *rows])


def default(argument: Any) -> str:
    """Return the default of an argument as `--help` shows it, numbers without a comma."""
    value, shown = argument.field_info.default, argument.parameter.show_default
    if callable(shown):
        return str(shown(value)).replace(",", "")
    return "" if value in (None, False, argument.field_info.empty) else str(value)


def _options(app: Any) -> str:
    rows = [_row(argument) for argument in app.assemble_argument_collection() if argument.parameter.help]
    return "\n".join(["| argument or option | meaning | default |", "| --- | --- | --- |", *rows])


def _row(argument: Any) -> str:
    value = argument.parameter.metavar
    named = f" {value}" if value and argument.names[0].startswith("-") else ""
    spelled = ", ".join(_code(name + named) for name in argument.names)
    given = default(argument)
    return f"| {spelled} | {_marked(argument.parameter.help)} | {_code(given) if given else ''} |"


def _linked(name: str) -> str:
    return f"[`{name}`](docs/commands.md#ttweet-{name})"


def _marked(text: str) -> str:
    """The text on one line, with its options and variables as code."""
    parts = _CODE.split(" ".join(text.split()))
    return "".join([part if part.startswith("`") else _NAMES.sub(r"`\1`", part) for part in parts])


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")
