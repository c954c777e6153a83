"""Text broken into the rows of a terminal: at spaces, and within a word only if it is longer than a row."""

import re
from collections.abc import Iterator
from itertools import pairwise

from ttweet.model.columns import width_of
from ttweet.model.fitting import continues

_STYLE = re.compile(r"(\x1b\[[0-9;]*m)")
_WORD = re.compile(r"( *)([^ ]+)")


def wrapped(text: str, columns: int) -> str:
    """Return a text in rows of at most so many columns. It may have styles, which take none."""
    return "\n".join([row for line in text.split("\n") for row in _rows(line, columns)])


def _rows(line: str, columns: int) -> Iterator[str]:
    row = ""
    for space, word in _WORD.findall(line):
        if _width(row + space + word) <= columns:
            row += space + word
        elif _width(word) <= columns:
            yield row
            row = word
        else:
            *whole, row = _filled(row + space, word, columns)
            yield from whole
    yield row


def _filled(row: str, word: str, columns: int) -> Iterator[str]:
    """Yield full rows, the first of which begins with what is there already, and the rest."""
    for unit in _units(word):
        if row and _width(row + unit) > columns:
            yield row.rstrip(" ")
            row = ""
        row += unit
    yield row


def _units(word: str) -> Iterator[str]:
    """Yield the styles of a word, and its characters as a reader takes them."""
    for part in _STYLE.split(word):
        if _STYLE.match(part):
            yield part
            continue
        ends = [place for place in range(1, len(part)) if not continues(part, place)]
        yield from [part[start:end] for start, end in pairwise([0, *ends, len(part)])]


def _width(text: str) -> int:
    return width_of(_STYLE.sub("", text))
