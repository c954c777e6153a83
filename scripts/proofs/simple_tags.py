"""The rule of hashtags a second time, one character after another: to compare the fast one with.

Shares no code with ttweet. The rule is explained in ttweet/model/hashtags.py.
"""

from __future__ import annotations

import re
import string
from functools import lru_cache
from unicodedata import category, normalize

SIGNS = "#\uff03"
EXTRAS = "_\u00b7\u05be\u05f3\u05f4\u0f0b\u0f0c\u200c\u200d\u3003\u301c\u309b\u309c\u30a0\u30fb\ua67e\uff5e"
ALNUM = string.ascii_letters + string.digits
IGNORABLE = (
    *((n, n) for n in (0xAD, 0x34F, 0x61C, 0x3164, 0xFEFF, 0xFFA0)),
    *((0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F)),
    *((0xFE00, 0xFE0F), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)),
)
MAX_GROWTH = 48  # bytes that the key of a tag may have more than the tag
_HOST = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z]{2,24}(?::[0-9]{1,5})?")


def bodies(text: str) -> list[str]:
    """The tags of a text as typed, letterless ones included."""
    found, run_at = [], -1
    for place, character in enumerate(text):
        if character not in SIGNS or text[place + 1 : place + 2] in ("", "\ufe0f", "\u20e3"):
            continue
        if place != run_at and not _may_start(text, place):
            continue
        end = place + 1
        while end < len(text) and _is_tag_character(text[end]):
            end += 1
        if text.startswith("://", end):
            run_at = -1
            continue
        run_at = end
        body = text[place + 1 : end]
        if any(category(one)[0] in "LM" or category(one) == "Nd" for one in body):
            found.append(body)
    return found


def fold(body: str) -> str:
    """The key by which a tag is found."""
    folded, before = normalize("NFD", body), ""
    while folded != before:
        before = folded
        visible = "".join(one for one in folded.casefold() if not _is_ignorable(one))
        folded = normalize("NFKC", visible).replace(" ", "")
    key = folded
    while key[-1:] in ("_", "\u00b7", "\u30fb"):
        key = key[:-1]
    return key or folded


@lru_cache(500_000)
def tags(text: str, given: tuple[str, ...] = ()) -> dict[str, str]:
    """Key to spelling of each tag that a tweet carries, in the order of their first use."""
    spelled: dict[str, str] = {}
    for body in [*bodies(text), *given]:
        key = fold(body)
        if key and len(key.encode()) <= len(body.encode()) + MAX_GROWTH:
            spelled.setdefault(key, body)
    return spelled


def _is_tag_character(character: str) -> bool:
    return character in EXTRAS or category(character)[0] in "LM" or category(character) == "Nd"


def _is_ignorable(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in IGNORABLE)


def _may_start(text: str, place: int) -> bool:
    if place == 0:
        return True
    before = text[place - 1]
    if before == "&" or (_is_tag_character(before) and before not in "\ufe0e\ufe0f"):
        return False
    return not _inside_url(text, place)


def _cuts(character: str) -> bool:
    if character.isascii():
        return character.isspace() or character in '<>"{}|\\^`'
    return not _is_tag_character(character) and character != "\uff03"


def _inside_url(text: str, place: int) -> bool:
    first, last = place, place
    while first > 0 and not _cuts(text[first - 1]):
        first -= 1
    while last < len(text) and not _cuts(text[last]):
        last += 1
    tail = _tail(text[first:last])
    return tail is not None and tail < place - first


def _tail(chunk: str) -> int | None:
    """Where the path of a URL begins in a piece of text without spaces."""
    starts = [at for at in range(len(chunk)) if chunk[at] in "/?" and _ends_host(chunk[:at])]
    scheme = re.search(r"[A-Za-z0-9]://[^/?#\uff03]", chunk)
    if scheme and (path := re.search(r"[/?]", chunk[scheme.end() :])):
        starts.append(scheme.end() + path.start())
    slashes = [at for at in starts if at == min(starts)]
    return slashes[0] if slashes else None


def _ends_host(before: str) -> bool:
    """Whether a host name stands at the end, and nothing directly before it that would make it none."""
    if any(character in "/?" for character in before):
        return False
    return any(
        _HOST.fullmatch(before, start) and (start == 0 or before[start - 1] not in ALNUM + ".@#\uff03$_-")
        for start in range(len(before))
    )
