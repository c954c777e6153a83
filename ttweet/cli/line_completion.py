"""`--complete LINE`: the tags or names that the last word of a command line may become, for the scripts of shells.

They come within a deadline or not at all, so that the tab key never hangs. Quick to import.
"""

from __future__ import annotations

import os
import re
import shlex
import threading
from contextlib import suppress
from itertools import pairwise

from ttweet import system
from ttweet.cli import candidates, settings, shell
from ttweet.model.errors import TtweetError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ttweet.cli.source import Source

    Ask = Callable[[Source], list[str]]

DEADLINE_S = 0.18  # from the start of the process to the answer; it ends within 0.2 s
MAX_OFFERED = 50  # words, the most used first: a shell asks before it lists a hundred

OF_TAGS = ("follow", "last", "tags", "wait")
OF_QUERIES = ("find", "list", "ls", "search")
COMMANDS = (*OF_TAGS, *OF_QUERIES, "post", "run")
"""The commands with arguments or options that tags or names complete."""

FLAGS = frozenset({"--force", "--json", "-j", "--numbers", "--plot", "--retry", "--until-now"})
"""Options without a value, of the commands whose arguments are completed. After another option comes its value."""

OPTIONS = {"--by": candidates.names, "--tag": candidates.tags, "-t": candidates.tags}
MARKS = {"tag:": candidates.tags, "by:": candidates.names, "from:": candidates.names}
SOURCES = {"--server": "server", "-s": "server", "--db": "db", "--ca": "ca"}


def complete(line: str) -> int:
    """Print the words that complete a command line which ends at the cursor, one a line."""
    deadline = threading.Timer(DEADLINE_S - system.age_s(), os._exit, [shell.DONE])
    deadline.daemon = True
    deadline.start()
    found: list[str] = []
    with suppress(TtweetError, shell.UsageError, OSError):
        found = offered(line)
    deadline.cancel()
    for word in found[:MAX_OFFERED]:
        shell.write(word)
    return shell.DONE


def offered(line: str) -> list[str]:
    """Return the words that the last word of a line may become. Raises as open_source does."""
    words = _words(line)
    if words and words[0].partition("=")[0] == "--profile":
        words = settings.choose_profile(words)
    ask, mark = _wanted(words)
    if ask is None:
        return []
    typed = words[-1].removeprefix(mark).casefold()
    return [mark + word for word in _ask(ask, words) if word.casefold().startswith(typed)]


def _words(line: str) -> list[str]:
    """Return the words behind the program's name; behind a space the last one is empty. None in open quotes."""
    try:
        words = shlex.split(line)[1:]
    except ValueError:
        return []
    return [*words, ""] if line[-1:].isspace() else words


def _wanted(words: list[str]) -> tuple[Ask | None, str]:
    """Return the query whose answers complete the last word, and the part of the word that stays before them."""
    if len(words) < 2 or words[0] not in COMMANDS:
        return None, ""
    command, previous, word = words[0], words[-2], words[-1]
    if previous in OPTIONS and len(words) > 2:
        return OPTIONS[previous], ""
    has_none = command in OF_QUERIES and re.fullmatch("--count|-[^-].+", previous)  # -flaky excludes a word
    is_value = previous.startswith("-") and previous not in FLAGS and not has_none
    if command in OF_TAGS and not is_value:
        return (None if word.startswith("-") else candidates.tags), "#" * word.startswith("#")
    if previous == "--find" or (command in OF_QUERIES and not is_value):
        mark = next((mark for mark in MARKS if word.removeprefix("-").startswith(mark)), "")
        return MARKS.get(mark), "-" * word.startswith("-") + mark
    return None, ""


def _ask(ask: Ask, words: list[str]) -> list[str]:
    from pathlib import Path

    from ttweet.cli.source import open_source

    settings.apply(words)
    given = {SOURCES[option]: value for option, value in pairwise(words[:-1]) if option in SOURCES}
    if "server" in given:
        settings.keep_to_server(given["server"])
    with open_source(Path(given["db"]) if "db" in given else None, given.get("server"), given.get("ca")) as source:
        return ask(source)
