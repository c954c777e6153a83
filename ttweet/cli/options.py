"""Options that several commands share, so that each is described once."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import CoercionError, Group, Parameter, Token
from cyclopts.validators import Number

from ttweet.cli import author, shell
from ttweet.cli.manual.page import MORE_OPTIONS
from ttweet.model import durations
from ttweet.model.limits import MAX_ID


def whole_number(_: type, tokens: Sequence[Token]) -> int:
    """Digits to the number that they are. The parser's own way would round 1.5 to 2, and accept 0x2, 1_0 and spaces."""
    [token] = tokens
    if not re.fullmatch("[0-9]{1,99}", token.value):
        raise CoercionError(token=token, target_type=int)
    return int(token.value)


def whole(least: int, most: int) -> Parameter:
    """Return the settings of an argument or option that is a whole number."""
    return Parameter(converter=whole_number, validator=Number(gte=least, lte=most))


def _named(type_: type[Path | str], tokens: Sequence[Token]) -> Path | str:
    """Convert the name of a file. An empty name is an unset variable, and would be the working folder or no file."""
    [token] = tokens
    if not token.value:
        raise CoercionError(token=token, target_type=Path)
    return type_(token.value)


def seconds(duration: str | None, option: str, *, bare: bool = True) -> float | None:
    """Return a duration in seconds; see durations.parse. Raises UsageError with the option's name."""
    try:
        return None if duration is None else durations.parse(duration, bare=bare)
    except ValueError as exc:
        raise shell.UsageError(f"invalid {option} {exc}") from exc


def refuse_conflict(given: Mapping[str, object]) -> None:
    """Raise UsageError when more than one of these options is given: its value is neither None nor False."""
    names = [name for name, value in given.items() if value is not None and value is not False]
    if len(names) > 1:
        raise shell.UsageError(f"conflicting options: {' and '.join(names)}; give one of them")


def _age(_: type, tokens: Sequence[Token]) -> float:
    """How old a tweet may get, in seconds. Less than one would keep none, which no user wants."""
    [token] = tokens
    age_s = seconds(token.value, "--keep", bare=False) or 0.0
    if age_s < 1:
        raise shell.UsageError(f"invalid --keep {token.value!a}: it would keep no tweet; use a time such as 90d")
    return age_s


def _size(_: type, tokens: Sequence[Token]) -> int:
    """Bytes. A number alone is refused: it was a number of lines once, and must not change its meaning silently."""
    [token] = tokens
    found = re.fullmatch("([1-9][0-9]{0,5})([kMG])", token.value)
    if found is None:
        raise shell.UsageError(f"invalid --log-limit {token.value[:40]!a}: use a size with a unit, such as 100M")
    size = int(found[1]) * UNITS[found[2]]
    if size < MIN_LOG_BYTES:
        raise shell.UsageError(f"invalid --log-limit {token.value!a}: too small; use 1M or more")
    return size


def tweet_id(type_: type, tokens: Sequence[Token]) -> int:
    """Convert an id as `find` shows it on a terminal, `#42`, or the number alone."""
    [token] = tokens
    return whole_number(type_, [token.evolve(value=token.value.removeprefix("#"))])


def check_name(_: type, name: str | None) -> None:
    """Check a name as the parser wants it."""
    if name is not None:
        author.check_name(name)


def _check_tags(_: type, tags: Sequence[str] | None) -> None:
    author.check_tags(tags or ())


UNITS = {"k": 10**3, "M": 10**6, "G": 10**9}
MIN_LOG_BYTES = UNITS["M"]  # of `--log-limit`: with less, lines could be gone before they are copied to Sample.txt

FILE = Parameter(metavar="FILE", converter=_named)  # of every argument and option that names a file
RARE = Parameter(group=Group(MORE_OPTIONS, sort_key=10))  # of an option that only --help-all shows
AMOUNT = whole(1, 10**15)  # more than any file holds, and SQLite counts no further than 2 ** 63

Db = Annotated[Path | None, FILE, Parameter(name="--db", help="Read this database file.")]
# The short forms of what is typed every day, the same in all commands.
SERVER = Parameter(name=["--server", "-s"], metavar="HOST:PORT")
LIMIT = Parameter(name=["--limit", "-n"], metavar="N")
QUIET = Parameter(name=["--quiet", "-q"], negative="")

Server = Annotated[str | None, SERVER, Parameter(help="The server to ask.")]
Ca = Annotated[
    str | None,
    FILE,
    Parameter(name="--ca", help="Use TLS and trust this PEM file; system: the system's CAs."),
]
LiveServer = Annotated[str | None, SERVER, Parameter(help="The server to follow.")]
LiveTags = Annotated[str, Parameter(name="TAG", help="Only tweets with one of these tags, in any case.")]
After = Annotated[
    int | None,
    whole(0, MAX_ID),
    Parameter(
        name=["--after", "--from"],
        metavar="ID",
        converter=tweet_id,
        help="Begin after this id; 0: from the first tweet.",
    ),
]
ContainedText = Annotated[
    str | None, Parameter(name="--text", metavar="STR", help="Only tweets whose text contains STR.")
]
Timeout = Annotated[
    str | None,
    Parameter(name="--timeout", metavar="TIME", help="Give up after 90s, 10m, 2h or 1d, with exit code 124."),
]
By = Annotated[
    str | None, Parameter(name="--by", metavar="NAME", validator=check_name, help="Only tweets of this author.")
]
As = Annotated[
    str | None,
    Parameter(
        name="--as", metavar="NAME", validator=check_name, help="Sign in under this name: 1 to 32 letters, digits."
    ),
]
BesideTags = Annotated[
    list[str] | None, Parameter(name=["--tag", "-t"], metavar="TAG", negative="", validator=_check_tags)
]
KeepAge = Annotated[
    float | None,
    Parameter(name="--keep", metavar="TIME", converter=_age, help="Remove tweets older than this: 90d, 36h."),
]
KeepLast = Annotated[
    int | None, AMOUNT, Parameter(name="--keep-last", metavar="N", help="Remove all but the last N tweets.")
]
LogLimit = Annotated[int, Parameter(name="--log-limit", metavar="SIZE", converter=_size)]
WithSpool = Annotated[
    bool,
    Parameter(name="--spool", negative="", help="If it cannot be sent, keep it for the next --spool."),
]
Json = Annotated[bool, Parameter(name=["--json", "-j"], negative="", help="Write one JSON object a line.")]
