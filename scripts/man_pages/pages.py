"""A manual page from a help page: its sections in the order and with the titles of man-pages(7)."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from docs_tables.options import default
from rich.text import Text

from man_pages import roff
from ttweet.cli.main import COMMANDS, GROUPS, make_app
from ttweet.cli.manual.page import HelpPage

PROGRAM_FLAGS = ("--help", "--version", "--install-completion")  # of the parser itself, so no arguments of the app

_TERM = re.compile(r" *(\S+(?: \S+)*?)(?:  +(.*))?$")  # of a row in a list, with the begin of its description
_ROW_INDENT = 5  # columns; a line that begins there or later continues a row, as a code of one digit stands at 4


def program_page(page: HelpPage) -> str:
    """Return ttweet(1): the commands by group, and the options that stand without one."""
    app = make_app()
    commands = [roff.section(f"{title} commands", *_rows(app, names)) for title, names in GROUPS.items()]
    options = _arguments(app, *_rows(app, PROGRAM_FLAGS))
    return _page(page, "ttweet", [*commands, *options], [f"ttweet-{name}" for name in COMMANDS])


def command_page(name: str) -> str:
    """Return the page of one command."""
    (group,) = [names for names in GROUPS.values() if name in names]
    others = [f"ttweet-{other}" for other in group if other != name]
    return _page(COMMANDS[name][1], f"ttweet-{name}", _arguments(make_app()[name]), ["ttweet", *others])


def _page(page: HelpPage, title: str, arguments: list[str], related: list[str]) -> str:
    summary = _plain(page.summary).partition("\n")[0].removesuffix(".")
    sections = [
        roff.head(title),
        roff.section("Name", f"{roff.literal(title)} \\- {roff.prose(summary)}"),
        roff.section("Synopsis", roff.synopsis(_plain(page.usage))),
        roff.section("Description", *roff.paragraphs(_plain(page.details))),
        *arguments,
        *_blocks(page.examples),
        roff.section("Exit status", *_list(page.exit_codes)),
        roff.section("Environment", *_list(page.environment)),
        roff.section("See also", roff.references(related)),
    ]
    return "".join(sections)


def _rows(app: Any, names: Iterable[str]) -> Iterator[str]:
    """Yield a row for each command, or flag that is one, with its first line."""
    for name in names:
        yield roff.item(roff.bold(name), _plain(app[name].help).partition("\n")[0])


def _arguments(app: Any, *flags: str) -> list[str]:
    """Return the sections of the arguments and of the options, the flags among them."""
    shown = [argument for argument in app.assemble_argument_collection() if argument.parameter.help]
    arguments = [_argument(one) for one in shown if not _is_option(one)]
    options = [_argument(one) for one in shown if _is_option(one)]
    return [roff.section("Arguments", *arguments), roff.section("Options", *options, *flags)]


def _is_option(argument: Any) -> bool:
    return str(argument.names[0]).startswith("-")


def _argument(argument: Any) -> str:
    value = argument.parameter.metavar
    shown = f" {roff.italic(value)}" if value and _is_option(argument) else ""
    spelled = ", ".join([roff.bold(name) + shown for name in argument.names])
    given = default(argument)
    return roff.item(spelled, _plain(argument.parameter.help) + (f" The default is {given}." if given else ""))


def _blocks(text: str) -> Iterator[str]:
    """Yield a section for each block of preformatted text, whose first line is its title."""
    for block in _plain(text).split("\n\n"):
        title, *lines = block.splitlines()
        yield roff.section(title, roff.block([line.removeprefix("  ") for line in lines]))


def _list(text: str) -> list[str]:
    """Return the items of a list in two columns. The description of a long term begins below it."""
    items: list[tuple[str, str]] = []
    for line in _plain(text).splitlines():
        if len(line) - len(line.lstrip()) >= _ROW_INDENT or (found := _TERM.match(line)) is None:
            term, described = items.pop()
            items.append((term, f"{described} {line.strip()}".strip()))
        else:
            items.append((found[1], found[2] or ""))
    return [roff.item(roff.bold(term), described) for term, described in items]


def _plain(text: str) -> str:
    return Text.from_markup(text).plain
