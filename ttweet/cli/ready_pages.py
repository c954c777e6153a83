"""Short help pages, ready to be written: the parser takes five times as long to make one. Quick to import.

`scripts/docs-tables` writes them, as the parser shows them on a terminal with colours.
"""

from __future__ import annotations

import os
import sys

from ttweet.cli import shell, terminal

FOLDER = f"{os.path.dirname(__file__)}/manual/pages"  # noqa: PTH120  # pathlib takes a third of the time
COLUMNS = 80  # of a page at most: longer lines are hard to read
STYLES = ("\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[36m")
OF_RICH = ("FORCE_COLOR", "TTY_COMPATIBLE")  # variables with which the parser's pages look different
PROGRAM = "ttweet"


def page(arguments: list[str]) -> str | None:
    """Return the page that a command line asks for, or None if it has to be made."""
    match arguments:
        case [] | ["help" | "--help" | "-h"]:
            name = PROGRAM
        case ["help", name] | [name, "--help" | "-h"]:
            pass
        case _:
            return None
    if not name.isalpha() or terminal.size().columns < COLUMNS or any(map(os.environ.get, OF_RICH)):
        return None
    coloured = shell.has_colour(sys.stdout)
    return None if shell.on_terminal(sys.stdout) and not coloured else _read(name, coloured=coloured)


def _read(name: str, *, coloured: bool) -> str | None:
    try:
        with open(f"{FOLDER}/{name}.txt", encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        return None
    for style in () if coloured else STYLES:
        text = text.replace(style, "")
    return text
