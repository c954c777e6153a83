"""The text of a tweet as HTML: its tags and links can be followed, and characters that would mislead are shown."""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from markupsafe import Markup, escape

from ttweet.model import hashtags
from ttweet.model.reports import HIDDEN

Mark = tuple[int, int]
"""A place of found words: from where, to where."""

_URL = re.compile(r"\bhttps?://[^\s<>\"{}|\\^`]+", re.IGNORECASE)
_AFTER_URL = ".,;:!?'\u2019\u201d*_"  # the end of a sentence, and no part of the address before it
_KEPT = "\t\n\u061c\u200e\u200f\u2066-\u2069"  # Hebrew and Arabic need the marks and isolates of direction
_FLAG = "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f"  # such as that of Scotland
_MISLEADING = re.compile(f"{_FLAG}|[{HIDDEN}](?<![{_KEPT}])")
"""The characters that a terminal does not show, except those that pages need. A flag matches whole, and stays."""


def as_html(text: str, marks: Sequence[Mark] = ()) -> Markup:
    """Return a text as HTML, the places in `marks` marked."""
    parts: list[str] = []
    at = 0
    for start, end, href in sorted(_links(text)):
        if start < at:
            continue  # a tag inside a URL
        parts += [_marked(text, at, start, marks), href, _marked(text, start, end, marks), "</a>"]
        at = end
    return Markup("".join([*parts, _marked(text, at, len(text), marks)]))  # noqa: S704 each part is escaped


def tag_path(tag: str) -> str:
    """Return the path of a tag's page."""
    return f"/tags/{quote(tag, safe='')}"


def author_path(name: str) -> str:
    """Return the path of an author's page."""
    return f"/by/{quote(name, safe='')}"


def _links(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield the links in a text: from where, to where, and how the element starts."""
    for found in _URL.finditer(text):
        url = _without_end(found[0])
        yield found.start(), found.start() + len(url), f'<a href="{escape(url)}" rel="nofollow noreferrer">'
    for start, end in hashtags.places(text, numeric=True):
        yield start - 1, end, f'<a class="tag" href="{tag_path(text[start:end])}">'


def _without_end(url: str) -> str:
    """Return a URL without the punctuation of the sentence around it."""
    url = url.rstrip(_AFTER_URL)
    return url[:-1].rstrip(_AFTER_URL) if url.endswith(")") and "(" not in url else url


def _marked(text: str, start: int, end: int, marks: Sequence[Mark]) -> str:
    parts: list[str] = []
    for first, last in marks:
        first, last = max(first, start), min(last, end)
        if first < last:
            parts += [_shown(text[start:first]), "<mark>", _shown(text[first:last]), "</mark>"]
            start = last
    return "".join([*parts, _shown(text[start:end])])


def _shown(text: str) -> str:
    return _MISLEADING.sub(_visible, str(escape(text)))


def _visible(found: re.Match[str]) -> str:
    is_flag = len(found[0]) > 1
    return found[0] if is_flag else f'<span class="unseen">U+{ord(found[0]):04X}</span>'
