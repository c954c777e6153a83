"""Properties of characters that every version of Python knows, and those that only some know.

Each version brings newer Unicode tables: a letter of Python 3.13 is an unassigned code point to 3.11. Every
version must accept the texts of every other. Two facts make that possible: an assigned code point never changes, and
every Python carries the tables of Unicode 3.2 beside its own, so it knows which characters all versions know alike.
"""

import re
from collections.abc import Callable
from itertools import groupby
from unicodedata import category, normalize, ucd_3_2_0, unidata_version

UNICODE = unidata_version
"""The version of this Python's tables, such as "14.0.0"."""

# Property Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties.txt: invisible, and on no keyboard.
_DEFAULT_IGNORABLES = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)

_REMEMBERED_KINDS = 8192  # the characters of all living scripts but rare Han; 1 MB at most, whatever is sent


class Kinds(dict[int, str]):
    """Code point to the character that stands for its kind, as `str.translate` asks: found when first seen, then kept.

    Bounded, as anyone may send all of Unicode; emptied when full, as finding the least used would slow every look-up.
    """

    def __init__(self, kind: Callable[[str], str]) -> None:
        """`kind` returns the character that stands for a character; an ASCII character must stand for itself."""
        super().__init__()
        self._kind = kind

    def __missing__(self, code_point: int) -> str:
        if len(self) >= _REMEMBERED_KINDS:
            self.clear()
        self[code_point] = kind = self._kind(chr(code_point))
        return kind

    def shape(self, text: str) -> str:
        """Return a text of the same length with kinds for characters, so that an index into one is one into both."""
        return text if text.isascii() else text.translate(self)


def is_unassigned(character: str) -> bool:
    """Tell whether this Python does not know the character; a newer one may."""
    return category(character) == "Cn"


def is_settled(text: str) -> bool:
    """Tell whether every version of Python knows all characters of a text, so that all fold it alike."""
    return text.isascii() or all(map(_is_settled, text))


def settled_form(text: str) -> str:
    """Return a text with its settled parts in normal form C; the rest stays as it is.

    A text in the form C of any version of Python is unchanged.
    """
    if text.isascii():
        return text
    runs = [(settled, "".join(run)) for settled, run in groupby(text, _is_settled)]
    return "".join([normalize("NFC", run) if settled else run for settled, run in runs])


def with_letters(text: str) -> str:
    """Return a text with a letter in the place of each unassigned character, which a newer Python may know for one."""
    if text.isascii():
        return text
    return "".join("a" if is_unassigned(character) else character for character in text)


def without_ignorables(text: str) -> str:
    """Return a text without invisible characters; some of them are letters or marks, such as U+3164."""
    return _DEFAULT_IGNORABLES.sub("", text)


def _is_settled(character: str) -> bool:
    return ucd_3_2_0.category(character) != "Cn"
