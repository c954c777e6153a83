"""The kinds of values in what a server sends: each is returned as it is, or ValueError is raised.

A server may be any program, so a client takes no value on trust: neither its kind nor its size. Quick to import: the
classic commands use it.
"""

from __future__ import annotations

from ttweet.model.limits import LATEST_MS, MAX_ID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_STRING_CHARACTERS = 1000  # of any string that a client accepts; a tweet has 600 bytes
MAX_TAGS_OF_TWEET = 107  # tags of a tweet that a client accepts: 75 in a text of 150 characters, and 32 more


def integer(value: Any, highest: int = MAX_ID, lowest: int = 0) -> int:
    """Return a whole number within bounds, which belong to it."""
    if type(value) is not int or not lowest <= value <= highest:
        raise ValueError("not an integer in range")
    return value


def at(value: Any) -> int:
    """Return a time, in milliseconds since 1970 UTC."""
    return integer(value, LATEST_MS)


def flag(value: Any) -> bool:
    """Return true or false."""
    if type(value) is not bool:
        raise ValueError("not a boolean")
    return value


def string(value: Any) -> str:
    """Return a string that can be encoded as UTF-8, without NUL."""
    if type(value) is not str or len(value) > MAX_STRING_CHARACTERS or "\0" in value:
        raise ValueError("not a string in range")
    value.encode()  # UnicodeEncodeError, a ValueError, for a lone surrogate
    return value


def string_or_none(value: Any) -> str | None:
    """Return a string, or None."""
    return None if value is None else string(value)


def array(value: Any, longest: int) -> list[Any]:
    """Return an array of at most so many elements, which are not checked."""
    if type(value) is not list or len(value) > longest:
        raise ValueError("not an array in range")
    return value


def mapping(value: Any, largest: int) -> dict[str, Any]:
    """Return an object of at most so many fields, whose values are not checked."""
    if type(value) is not dict or len(value) > largest:
        raise ValueError("not an object in range")
    for name in value:
        string(name)
    return value


def tags(value: Any) -> list[str]:
    """Return the tags of a tweet."""
    return [string(tag) for tag in array(value, MAX_TAGS_OF_TWEET)]
