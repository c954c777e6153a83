"""Words: a text to the words that find it. Pure functions.

The same rule serves the texts that are stored, the queries, and the marks of what was found:

1. Case, width, accents and invisible characters make no difference: `fold` removes them.
2. A word is a run of letters, digits and marks. Everything else separates words, `_` included.
3. Each character of a script that is written without spaces, such as Japanese, is a word, and so is each symbol that
   is not ASCII, such as an emoji or `€`. A query for several of them is a query for them in that order.

The result depends on Python's version, since each brings newer Unicode tables. An index says which rule and which
tables made it.
"""

import re
from typing import NamedTuple
from unicodedata import category, normalize

from ttweet.model.characters import Kinds, without_ignorables

RULE = 1
"""The version of the rule by which `words` makes words."""

_ACCENTS = re.compile("[\u0300-\u036f]+")

# Scripts that are written without spaces: Thai and Lao, Myanmar, Khmer, kana and Bopomofo, Han.
_UNSPACED = (
    *(("\u0e00", "\u0eff"), ("\u1000", "\u109f"), ("\u1780", "\u17ff"), ("\u3005", "\u3007"), ("\u3031", "\u312f")),
    *(("\u31a0", "\u31ff"), ("\u3400", "\u9fff"), ("\uf900", "\ufaff")),
    *(("\U0001aff0", "\U0001b16f"), ("\U00020000", "\U0003ffff")),
)  # no pattern, which would take 2 ms to compile

# In the shape of a folded text, ASCII characters stand for themselves and one of these for every other character.
_LETTER, _MARK, _SINGLE, _DIVIDER = "\u00e9", "\u0301", "\u6771", " "
_ASCII_WORD = re.compile("[a-z0-9]+")
_WORD = re.compile(f"[a-z0-9{_LETTER}][a-z0-9{_LETTER}{_MARK}]*|{_SINGLE}{_MARK}*")
_CHUNK = re.compile(r"\S+")
_JAMO = re.compile("[\u1160-\u11ff]")
_PIECE = re.compile(f".{_MARK}*", re.DOTALL)


class Span(NamedTuple):
    """A word, and its place in the text as it was written: `text[start:end]`."""

    word: str
    start: int
    end: int


def fold(text: str) -> str:
    """Return a text without the differences that no search should make: of case, width and accents."""
    if text.isascii():
        return text.lower()
    plain = normalize("NFKC", without_ignorables(text)).casefold()
    return normalize("NFKC", _ACCENTS.sub("", normalize("NFD", plain)))


def words(text: str) -> list[str]:
    """Return the words of a text in their order, repeats kept."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    folded = fold(text)
    return [folded[start:end] for start, end in _places(folded)]


def whole(name: str) -> str:
    """Return a tag's key or an author's name as one word."""
    return "".join(fold(name).split())


def spans(text: str) -> list[Span]:
    """Return the words of a text with their places in it, in their order.

    A character that is several words, such as U+337F, has the same place for each of them.
    """
    return [
        Span(word, chunk.start() + start, chunk.start() + end)
        for chunk in _CHUNK.finditer(text)
        for word, start, end in _spans_of_chunk(chunk[0])
    ]


def _spans_of_chunk(chunk: str) -> list[Span]:
    """Fold a text without spaces piece by piece, so that each folded character leads back to its piece."""
    pieces = [found.span() for found in _PIECE.finditer(_JOINING.shape(chunk))]
    folded = [fold(chunk[start:end]) for start, end in pieces]
    origin = [piece for piece, part in zip(pieces, folded, strict=True) for _ in part]
    text = "".join(folded)
    return [Span(text[start:end], origin[start][0], origin[end - 1][1]) for start, end in _places(text)]


def _places(folded: str) -> list[tuple[int, int]]:
    return [found.span() for found in _WORD.finditer(_KINDS.shape(folded))]


def _kind(character: str) -> str:
    """Return the character that stands for this one in a shape."""
    if character.isascii():
        return character
    general_category = category(character)
    if general_category[0] == "M":
        return _MARK
    if general_category in ("So", "Sm", "Sc"):
        return _SINGLE
    if general_category[0] not in "LN":
        return _DIVIDER
    return _SINGLE if any(first <= character <= last for first, last in _UNSPACED) else _LETTER


_KINDS = Kinds(_kind)


def _joining(character: str) -> str:
    """Return _MARK for a character that folding may combine with the one before it, or reorder, or remove.

    Before every other character, folding both sides of a text gives the same as folding the whole. See Unicode
    Standard Annex 15, section 9: only marks, vowels and final consonants of Hangul combine.
    """
    if character.isascii():
        return character
    first = normalize("NFKD", without_ignorables(character))[:1]
    return _MARK if not first or category(first)[0] == "M" or _JAMO.match(first) else _LETTER


_JOINING = Kinds(_joining)
