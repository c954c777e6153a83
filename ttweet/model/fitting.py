"""Long texts made to fit: cut to one tweet, or split into several, at whole words and characters, their tags kept.

A character is what a reader takes for one: a letter with its accents, an emoji with its modifiers, a flag.
"""

import unicodedata
from typing import NamedTuple

from ttweet.model import hashtags
from ttweet.model.tweets import MAX_CHARACTERS, MAX_TAGS, nfc

ELLIPSIS = "\u2026"
_JOINER = "\u200d"


class Part(NamedTuple):
    """A text that fits, and the tags of the whole text that it lacks."""

    text: str
    tags: list[str]


def cut(text: str) -> Part:
    """Return the beginning of a text, which ends in an ellipsis unless it is all."""
    text = nfc(text)
    if len(text) <= MAX_CHARACTERS:
        return Part(text, [])
    return _part(text[: _end(text, MAX_CHARACTERS - 1)].rstrip() + ELLIPSIS, text)


def split(text: str) -> list[Part]:
    """Return a text in parts, in order. The white space between two parts is left out."""
    rest, parts = nfc(text), []
    while len(rest) > MAX_CHARACTERS:
        end = _end(rest, MAX_CHARACTERS)
        parts.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [_part(part, text) for part in [*parts, rest] if part] or [Part("", [])]


def _part(text: str, whole: str) -> Part:
    has = {hashtags.key(tag) for tag in hashtags.extract(text, numeric=True)}
    lacks = {hashtags.key(tag): tag for tag in hashtags.extract(whole, numeric=True)}
    return Part(text, [tag for key, tag in lacks.items() if key not in has][:MAX_TAGS])


def _end(text: str, room: int) -> int:
    """Return where to end so that at most `room` code points stand before: after a word, else after a character."""
    for end in range(room, 0, -1):
        if text[end].isspace() or text[end - 1].isspace():
            return end
    return next((end for end in range(room, 0, -1) if not continues(text, end)), room)


def continues(text: str, place: int) -> bool:
    """Whether the code point at a place belongs to the character before it."""
    before, here = text[place - 1], text[place]
    if unicodedata.category(here).startswith("M") or _JOINER in (before, here) or "\U0001f3fb" <= here <= "\U0001f3ff":
        return True
    flags = len(text[:place]) - len(text[:place].rstrip(_LETTERS_OF_FLAGS))
    return here in _LETTERS_OF_FLAGS and flags % 2 == 1


_LETTERS_OF_FLAGS = "".join(map(chr, range(0x1F1E6, 0x1F200)))
