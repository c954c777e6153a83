"""The language of manual pages, man(7): its escapes and the few macros that the pages need."""

import os
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from textwrap import wrap

from ttweet import __version__

WIDTH = 78  # columns of a line; mandoc's limit is 80, and an escape at the beginning takes two

# As they are typed in a shell; roff would print typographic characters in their place.
_LITERAL = str.maketrans({"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti"})
_MARKED = re.compile(r"(`[^`]+`|(?<![\w-])--?[a-z][a-z-]*|TTWEET_[A-Z_]+)")  # a command, an option or a variable


def head(name: str) -> str:
    """Return the first line of a page of section 1."""
    seconds = os.environ.get("SOURCE_DATE_EPOCH")
    moment = datetime.fromtimestamp(int(seconds), UTC) if seconds else datetime.now(UTC)
    return f'.TH {literal(name.upper())} 1 {moment:%Y-%m-%d} "ttweet {__version__}" "ttweet manual"\n'


def section(title: str, *parts: str) -> str:
    """Return a section, or nothing if it has no parts."""
    return "".join([f".SH {title.upper()}\n", *(f"{part}\n" for part in parts)]) if any(parts) else ""


def paragraphs(text: str) -> Iterator[str]:
    """Yield each paragraph of a text. Empty lines separate them."""
    for number, paragraph in enumerate(text.split("\n\n")):
        yield (".PP\n" if number else "") + prose(paragraph)


def item(term: str, described: str) -> str:
    """Return a row of a list: a term that is formatted already, and its description."""
    return f".TP\n{term}\n{prose(described)}"


def synopsis(usage: str) -> str:
    """Return the command lines of a usage, one a line."""
    return "\n".join([".nf", *(bold(line.strip()) for line in usage.splitlines()), ".fi"])


def block(lines: Iterable[str]) -> str:
    """Return lines that are shown as they are."""
    return "\n".join([".EX", *(_at_line_start(literal(line)) for line in lines), ".EE"])


def references(pages: Iterable[str]) -> str:
    """Return the names of other pages of section 1, with commas between them."""
    return " ,\n".join([f".BR {literal(page)} (1)" for page in pages])


def prose(text: str) -> str:
    """Return a text with its commands, options and variables in bold. Each sentence begins a line."""
    parts = _MARKED.split(" ".join(text.split()))
    marked = [bold(part.strip("`")) if place % 2 else _escaped(part) for place, part in enumerate(parts)]
    sentences = re.sub(r"(?<=[a-z)][.:?]) (?=[A-Z\\])", "\n", "".join(marked))
    lines = [line for sentence in sentences.split("\n") for line in wrap(sentence, WIDTH, break_on_hyphens=False)]
    return "\n".join(map(_at_line_start, lines))


def literal(text: str) -> str:
    """Return a text as it is typed."""
    return text.translate(_LITERAL)


def bold(text: str) -> str:
    """Return a text as it is typed, in bold."""
    return f"\\fB{literal(text)}\\fR"


def italic(text: str) -> str:
    """Return the name of a value."""
    return f"\\fI{literal(text)}\\fR"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\e")


def _at_line_start(line: str) -> str:
    """Return a line that is no macro, whatever it begins with."""
    return f"\\&{line}" if line.startswith((".", "'")) else line
