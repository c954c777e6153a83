"""A tweet before it is stored, and the rules for its text, tags and key. `records` has what is stored.

Knows no bytes on a wire, no SQL and no trio.
"""

import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from itertools import islice
from types import MappingProxyType
from typing import NamedTuple

from ttweet.model import budget, hashtags
from ttweet.model.characters import with_letters, without_ignorables
from ttweet.model.errors import Refused
from ttweet.model.records import HISTORY_DAYS as HISTORY_DAYS
from ttweet.model.records import Count as Count
from ttweet.model.records import Deletion as Deletion
from ttweet.model.records import Entry as Entry
from ttweet.model.records import Found as Found
from ttweet.model.records import Page as Page
from ttweet.model.records import TagPage as TagPage
from ttweet.model.records import TagSummary as TagSummary
from ttweet.model.records import Tombstone as Tombstone
from ttweet.model.records import Tweet as Tweet
from ttweet.model.records import as_json as as_json
from ttweet.model.records import shown as shown

MAX_CHARACTERS = 150  # code points of a text in NFC, as in the first ttweet
MAX_TEXT_BYTES = 600  # UTF-8 bytes of a text, 4 for each character; checked before decoding and normalizing
MAX_TAGS = 32  # tags given in addition to those in the text, which are 75 at most
TAG_WEIGHT = 128  # bytes that a tag counts in addition to its key: its row and its link
LINK_WEIGHT = 12  # of these for the link: all that a tag counts when another tweet of a batch has it too
KNOWN_TAGS = 1024  # spellings of tags whose search keys are remembered, of queries and of tweets: 1 MiB each at most
MAX_NAME_CHARACTERS = 32  # of an author: a name and a place fit, a sentence does not
MAX_NAME_BYTES = 128  # UTF-8 bytes of a name, 4 for each character; checked before normalizing
MAX_KEY_CHARACTERS = 128  # of an idempotency key: a UUID has 36, a SHA-512 in hexadecimal 128


NO_TAGS: Mapping[str, str] = MappingProxyType({})


class Draft(NamedTuple):
    """A checked tweet on its way to the store: nothing that could fail there is left in it.

    `tags` maps each tag's search key to the spelling its author chose, in the order of the text.
    """

    text: str
    tags: Mapping[str, str] = NO_TAGS
    by: str | None = None
    key: str | None = None


def draft(
    text: str, *, tags: Iterable[str] = (), scan: bool = True, key: str | None = None, by: str | None = None
) -> Draft:
    """Check a text and its tags and make the draft that the store takes without a further look.

    `tags` are tag bodies beside those in the text, or instead of them when `scan` is false.
    Raises Refused with `too_long`, `bad_text`, `bad_tag` or `bad_key`.
    """
    text = checked_text(text)
    bodies = hashtags.extract(text, numeric=True) if scan else []
    if tags:
        bodies += checked_tags(tags, text)
    return Draft(text, _distinct(bodies) if bodies else NO_TAGS, by, None if key is None else checked_key(key))


def refuse_impossible(text: str, *, tags: Iterable[str] = (), key: str | None = None, by: str | None = None) -> None:
    """Raise Refused for what no server takes. Characters that this Python does not know may be letters to a server."""
    checked_text(text)
    if tags:
        checked_tags(tags, text, queried_tag)
    if key is not None:
        checked_key(key)
    if by is not None:
        checked_name(by, with_letters)


def nfc(text: str) -> str:
    """Return a text in Unicode's normal form C, by the tables of this Python."""
    return unicodedata.normalize("NFC", text)


def weight_of(tags: Collection[str]) -> int:
    """Return the cost of tags in the store, in bytes: their given search keys, and TAG_WEIGHT for each tag."""
    return TAG_WEIGHT * len(tags) + len("".join(tags).encode()) if tags else 0


class TagWeight:
    """The cost of several tweets' tags in the store: a repeated tag costs LINK_WEIGHT alone."""

    __slots__ = ("_keys", "total")

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self.total = 0

    def add(self, tags: Collection[str]) -> None:
        """Add the tags of a tweet, or of several, by their search keys."""
        self.total += LINK_WEIGHT * len(tags)
        if new := {*tags} - self._keys:
            self._keys |= new
            self.total += weight_of(new) - LINK_WEIGHT * len(new)


def checked_text(text: str, form: Callable[[str], str] = nfc) -> str:
    """Return the normal form of a text that may be a tweet; it may be empty or have spaces only.

    Raises Refused: `bad_text` for NUL and lone surrogates, `too_long`.
    """
    if not text.isascii():
        if position := _surrogate(text):
            raise Refused("bad_text", f"invalid text: a lone surrogate at position {position}; use valid UTF-8")
        budget.refuse_beyond(MAX_TEXT_BYTES, text, code="too_long", max_characters=MAX_CHARACTERS)
        text = form(text)
    if "\0" in text:
        raise Refused("bad_text", f"invalid text: a NUL character at position {text.index(chr(0)) + 1}; remove it")
    if len(text) > MAX_CHARACTERS:
        raise Refused("too_long", f"too long: {len(text)} characters; use at most {MAX_CHARACTERS}")
    return text


def checked_name(name: str, known_as: Callable[[str], str] = str) -> str:
    """Return the normal form of an author's name: 1 to 32 visible letters and digits. Raises Refused `bad_name`.

    `known_as`: see name_form.
    """
    name = name_form(name, nfc, known_as)
    if without_ignorables(name) != name:
        raise Refused("bad_name", f"invalid name {name!a}: it has an invisible character; remove it")
    return name


def name_form(name: str, form: Callable[[str], str], known_as: Callable[[str], str] = str) -> str:
    """Return the normal form of a possible name: 1 to 32 letters and digits. Raises Refused `bad_name`.

    `known_as` returns the name to check in its place.
    """
    budget.refuse_beyond(MAX_NAME_BYTES, name, code="bad_name", max_characters=MAX_NAME_CHARACTERS)
    name = form(name)
    judged = known_as(name)
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS or not all(one.isalpha() or one.isdecimal() for one in judged):
        raise Refused("bad_name", f"invalid name {name[:40]!a}: use 1 to {MAX_NAME_CHARACTERS} letters and digits")
    return name


@lru_cache(KNOWN_TAGS)
def search_key(tag: str) -> str:
    """Return the search key of a tag in any spelling, with or without hash sign. Raises Refused `bad_tag`."""
    return hashtags.key(queried_tag(tag))


def queried_tag(tag: str) -> str:
    """Return a tag of a query as typed. Unknown characters are accepted: a newer Python may have stored them."""
    return _checked_body(tag, hashtags.may_be_body)


def checked_tag(tag: str) -> str:
    """Return a tag of a new tweet as typed, without a hash sign before it. Raises Refused `bad_tag`."""
    return _checked_body(tag, hashtags.is_body)


def _checked_body(tag: str, is_body: Callable[[str], bool]) -> str:
    body = tag[1:] if tag.startswith(("#", "＃")) else tag
    if len(body) <= MAX_CHARACTERS and hashtags.outgrows(body):
        raise Refused(
            "bad_tag",
            f"invalid tag {_short(tag)}: it grows by over {hashtags.MAX_GROWTH} bytes when normalized; shorten it",
        )
    if len(body) > MAX_CHARACTERS or not is_body(body):
        raise Refused("bad_tag", f"invalid tag {_short(tag)}: use 1 to {MAX_CHARACTERS} letters, digits and _")
    return body


def tag_list(tags: Iterable[str]) -> list[str]:
    """Return the tags that a program gives beside a text. Raises Refused `bad_tag` for a string, which is no list."""
    if isinstance(tags, str):
        raise Refused("bad_tag", f"invalid tags {_short(tags)}: use a list of strings")
    return list(islice(tags, MAX_TAGS + 1))  # one more than any tweet has tells that there are too many


def checked_tags(tags: Iterable[str], text: str, checked: Callable[[str], str] = checked_tag) -> list[str]:
    """Return the bodies of tags given beside a text, each as `checked` returns it. Raises Refused `bad_tag`."""
    given = list(islice(tags, MAX_TAGS + 1))
    if len(given) > MAX_TAGS:
        raise Refused("bad_tag", f"too many tags: use at most {MAX_TAGS} beside the text")
    if not text:
        raise Refused("bad_tag", "invalid tags: an empty message cannot have tags")
    return [checked(tag) for tag in given]


def checked_key(key: str) -> str:
    """Return an idempotency key of 1 to 128 characters, without NUL. Raises Refused `bad_key`."""
    if not 1 <= len(key) <= MAX_KEY_CHARACTERS:
        raise Refused("bad_key", f"invalid key of {len(key)} characters: use 1 to {MAX_KEY_CHARACTERS}")
    if "\0" in key or _surrogate(key):
        raise Refused("bad_key", f"invalid key {_short(key)}: it has a NUL character or a lone surrogate; remove it")
    return key


def _surrogate(text: str) -> int:
    """Return the position of the first lone surrogate, counted from 1; 0 without one."""
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        return exc.start + 1
    return 0


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "...")


def _distinct(bodies: list[str]) -> dict[str, str]:
    first: dict[str, str] = {}
    for body in bodies:
        if key := _stored_key(body):
            first.setdefault(key, body)
    return first


@lru_cache(KNOWN_TAGS)
def _stored_key(body: str) -> str:
    """Return the search key of a tag in a text; "" if the tag is not stored: nothing could find it, or it outgrows."""
    return "" if hashtags.outgrows(body) else hashtags.key(body)
