"""The exact shapes: command lines that need no parser, and so start in less than half the time.

A shape is the name of a command, its arguments, and some of its options, each given once. An argument or a value that
is empty or begins with a hyphen fits no shape. The parser gets what fits none, and calls the same functions. Quick to
import.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Settings = dict[str, str | bool]

MAX_WORDS = 20  # of a query in an exact shape; a longer one is for the parser
OF_AUTHOR = ("TTWEET_TAG", "TTWEET_AS")  # variables of `post`

JSON = {"--json": "json", "-j": "json"}
QUIET = {"--quiet": "quiet", "-q": "quiet"}
SERVER = {"--server": "server", "-s": "server"}
SHAPES = {
    # command: (numbers of arguments, flags, options with a value)
    "post": (range(1, 2), QUIET, SERVER),
    "last": (range(2), JSON, SERVER),
    "tags": (range(2), JSON | {"--numbers": "numbers"}, SERVER),
    "find": (range(MAX_WORDS + 1), JSON | {"--count": "count"}, SERVER),
}


def command(name: str, rest: list[str]) -> Callable[[], int] | None:
    """Return what carries out a command of an exact shape, or None."""
    if name not in SHAPES:
        return None
    numbers, flags, values = SHAPES[name]
    words: list[str] = []
    settings: Settings = {}
    waiting = iter(rest)
    for word in waiting:
        option = flags.get(word) or values.get(word)
        if option is None and _is_plain(word):
            words.append(word)
            continue
        value = next(waiting, "") if word in values else ""
        if option is None or option in settings or (word in values and not _is_plain(value)):
            return None
        settings[option] = value or True
    return _bound(name, words, settings) if len(words) in numbers else None


def _is_plain(word: str) -> bool:
    """Return whether a word is an argument in every position, and more than spaces."""
    return not (word.startswith("-") or word.isspace() or word == "")


def _bound(name: str, words: list[str], settings: Settings) -> Callable[[], int]:
    action = getattr(__import__(f"ttweet.cli.actions.{name}", fromlist=[name]), name)  # importlib takes a millisecond
    if name == "post" and any(os.environ.get(variable) for variable in OF_AUTHOR):
        return lambda: action(*words, **settings, **_of_author())
    return lambda: action(*words, **settings)


def _of_author() -> dict[str, str | tuple[str, ...] | None]:
    from ttweet.cli.author import given_name, given_tags

    return {"tags": tuple(given_tags(None)), "as_name": given_name(None)}
