"""Tables of limits: public numbers of the package that bound something, with the reason in the comment beside each."""

import ast
import importlib
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import ttweet

PACKAGE = Path(ttweet.__file__).parent
NO_LIMITS = {"DAY_MS", "SECRET_BYTES", "DIGEST_BYTES", "HEADER_BYTES", "PIPE_BYTES"}  # sizes of what is given
DEADLINES = {"first_byte_s", "frame_s", "send_s", "idle_s"}  # fields of server.config.Limits
SPANS = {"days": 86_400, "min": 60}  # seconds; a shorter or broken span stays in seconds
SIZES = {"GiB": 1024**3, "MiB": 1024**2, "KiB": 1024, "MB": 10**6}
LEAST_OF_UNIT = 5  # of a longer unit; a span of fewer is shown in seconds


class Limit(NamedTuple):
    """A constant or a default: its name with that of its module, its value, and the reason in its comment."""

    name: str
    value: float
    reason: str


def table(package: str) -> str:
    """Return the table of the limits of a package, or of a module below `ttweet`."""
    return _table(limits(package))


def deadlines() -> str:
    """Return the table of the times that a server gives a client."""
    return _table([limit for limit in limits("server") if limit.name.rpartition(".")[2] in DEADLINES])


def _table(limits: Iterable[Limit]) -> str:
    rows = [f"| `{limit.name}` | {shown(limit)} | {limit.reason} |" for limit in limits]
    return "\n".join(["| name | value | reason |", "| --- | --- | --- |", *rows])


def limits(package: str) -> list[Limit]:
    """Return the limits of a package, module by module."""
    folder = PACKAGE / package
    paths = sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]
    return [limit for path in paths for limit in _limits_of(path)]


def _limits_of(path: Path) -> Iterator[Limit]:
    source = path.read_text()
    comments = _comments(source)
    name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    for node in ast.parse(source).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=own)]) if _LIMIT.search(own):
                value = getattr(importlib.import_module(f"ttweet.{name}"), own)
                if isinstance(value, int | float) and own not in NO_LIMITS:
                    yield Limit(f"{name}.{own}", value, _reason(node, comments))
            case ast.ClassDef(name="Limits", body=body):
                yield from _fields(f"{name}.Limits", body, comments)


def _fields(name: str, body: list[ast.stmt], comments: dict[int, str]) -> Iterator[Limit]:
    for node in body:
        match node:
            case ast.AnnAssign(target=ast.Name(id=own), value=ast.Constant(value=value)):
                yield Limit(f"{name}.{own}", value, _reason(node, comments))  # type: ignore[arg-type]  # a number


def _reason(node: ast.stmt, comments: dict[int, str]) -> str:
    """The comment in the lines of a statement."""
    lines = range(node.lineno, (node.end_lineno or 0) + 1)
    return " ".join([comments[line] for line in lines if line in comments])


_LIMIT = re.compile(
    r"^(MAX|MIN|LONGEST|LATEST|EARLY)_"
    r"|^[A-Z_]+_(S|MS|BYTES|TWEETS|ENTRIES|PAGES|STEP|LINES|REQUESTS|CLIENTS|BURST|TURNS|TRIES|WEIGHT|LIMIT|PART|CALLS)$"
    r"|^(BURST|SHARES|BACKLOG|IN_FLIGHT|ATTEMPTS|GAPS_TOLD|REQUESTS_PER_S|RECORDS_WITH_DATA|SPARE_DESCRIPTORS)$"
)


def _comments(source: str) -> dict[int, str]:
    """Each line's comment."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}


def shown(limit: Limit) -> str:
    """The value with its unit, which the end of the name tells."""
    own = limit.name.rpartition(".")[2].upper()
    if own.endswith("_MS"):
        return _span(limit.value / 1000)
    if own.endswith("_S") and own != "REQUESTS_PER_S":
        return _span(limit.value)
    if own.endswith(("_BYTES", "_WEIGHT", "LOG_LIMIT")):
        return _size(int(limit.value))
    return f"{limit.value:,}"


def _span(seconds: float) -> str:
    for unit, length in SPANS.items():
        if seconds >= LEAST_OF_UNIT * length and seconds % length == 0:
            return f"{seconds / length:,.0f} {unit}"
    return f"{seconds:,.3f}".rstrip("0").rstrip(".") + " s" if seconds >= 1 else f"{seconds:g} s"


def _size(count: int) -> str:
    for unit, size in SIZES.items():
        if count >= size and count % size == 0:
            return f"{count // size:,} {unit}"
    return f"{count:,}"
