"""The prose of Markdown pages and Python files, cut into sentences, without code and generated tables."""

import ast
import inspect
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

GENERATED = re.compile(r"<!-- (generated|figures): .*?<!-- end of \1 -->", re.DOTALL)
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"^ {4,}.*$", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->|</?\w+>", re.DOTALL)
_INLINE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"!?\[([^]]*)\]\(([^)\s]*)\)")
_UNIT = re.compile(r"^(#+ |[-*] |\d+\. |\|)", re.MULTILINE)  # a heading, an item of a list or a row of a table
_END = re.compile(r"(?<=[.!?])[*)\"]*\s+(?=[A-Z0-9(\"'\[*])")


def word_count(page: str) -> int:
    """How many words a page has that people wrote: code and tables by hand count, generated tables do not."""
    return len(GENERATED.sub("", page).split())


def read_words(page: str) -> int:
    """How many of these words a reader reads: those with a letter or a digit, code among them."""
    return sum(any(map(str.isalnum, word)) for word in GENERATED.sub("", page).split())


def sentences(page: str) -> Iterator[str]:
    """Yield the sentences of a page, headings and table cells among them. Inline code stands there as `CODE`."""
    text = _COMMENT.sub("", _FENCED.sub("", GENERATED.sub("", page)))
    text = _LINK.sub(r"\1", _INLINE.sub("CODE", _INDENTED.sub("", text)))
    for unit in re.split(r"\n\s*\n|\0", _UNIT.sub(r"\0\1", text)):
        for cell in _cells(unit):
            yield from (" ".join(one.split()) for one in _END.split(cell) if one.strip(" \n|:-#*"))


def _cells(unit: str) -> list[str]:
    return unit.strip().strip("|").split("|") if unit.startswith("|") else [unit.lstrip("#*- ")]


def links(page: str) -> list[str]:
    """Return the targets of a page's links, pictures among them."""
    return [target for _, target in _LINK.findall(_FENCED.sub("", page))]


def anchors(page: str) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", _FENCED.sub("", page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@dataclass(frozen=True)
class Remark:
    """A comment or a docstring of a Python file, and the line that it begins in."""

    path: Path
    line: int
    text: str


def remarks(path: Path) -> Iterator[Remark]:
    """Yield the comments of a Python file, and its docstrings, those of attributes and constants among them."""
    source = path.read_text()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Remark(path, token.start[0], token.string.lstrip("# "))
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(ast.Constant(str(docstring))):
                yield Remark(path, node.lineno, inspect.cleandoc(docstring))
