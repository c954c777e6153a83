"""How many columns and lines a terminal has, whatever COLUMNS and LINES say. Quick to import: without rich."""

import os
import sys
from contextlib import suppress

PLAIN = 20  # columns; below it lines are neither wrapped nor aligned: the terminal breaks them
MAX_SIDE = 1_000  # columns or lines of a terminal, whatever COLUMNS and LINES say
UNKNOWN = os.terminal_size((80, 24))


def size() -> os.terminal_size:
    """Columns and lines, both above 0: of the environment, else of the terminal, else 80 and 24."""
    own = _own_size()
    columns = _said("COLUMNS") or own.columns or UNKNOWN.columns
    lines = _said("LINES") or own.lines or UNKNOWN.lines
    return os.terminal_size((min(columns, MAX_SIDE), min(lines, MAX_SIDE)))


def clean_environment() -> None:
    """Correct COLUMNS and LINES for a library that reads them itself: GNU readline hangs with a huge one."""
    for variable in ("COLUMNS", "LINES"):
        if said := min(_said(variable), MAX_SIDE):
            os.environ[variable] = str(said)
        else:
            os.environ.pop(variable, None)


def _said(variable: str) -> int:
    """Return a whole number of the environment; 0, which means unknown, for anything else."""
    text = os.environ.get(variable, "")
    if not (text.isascii() and text.isdigit()):
        return 0
    return int(text) if len(text) < 10 else MAX_SIDE


def _own_size() -> os.terminal_size:
    """Return the size of the first of the three streams that is a terminal; a new pseudo-terminal has 0 and 0."""
    for stream in (sys.stdout, sys.stderr, sys.stdin):
        with suppress(AttributeError, ValueError, OSError):  # closed, replaced by a test, or no terminal
            return os.get_terminal_size(stream.fileno())
    return UNKNOWN
