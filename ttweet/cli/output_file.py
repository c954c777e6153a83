"""The rule for a file that a command writes: it never replaces another one, unless you add `--force`; - is stdout."""

import errno
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ttweet.cli import shell
from ttweet.descriptors import SHORTAGES
from ttweet.model.reports import escape
from ttweet.storage.sqlite.header import is_database

Force = Annotated[bool, Parameter(name="--force", negative="", help="Replace FILE if it exists.")]

STDOUT = Path("-")
_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def naming_the_fix(target: Path) -> Iterator[None]:
    """Raise each error of writing the target with its fix: UsageError for a file that exists, else OSError."""
    try:
        yield
    except FileExistsError as exc:
        raise shell.UsageError(
            f"file exists: {escape(str(target))}; choose another file, or add --force to replace it"
        ) from exc
    except OSError as exc:
        if exc.filename != str(target) or exc.errno in SHORTAGES or "; " in (exc.strerror or ""):
            raise
        raise OSError(exc.errno, f"{exc.strerror}; {_fix(exc)}", exc.filename) from exc


def write_stdout(texts: Iterable[str], option: str) -> None:
    """Write texts to stdout as to a file: in UTF-8 and unchanged. Raises UsageError if it is closed."""
    if sys.stdout is None:
        raise shell.UsageError(f"stdout is closed; write to a file: {option} FILE")
    with open(sys.stdout.fileno(), "w", encoding="utf-8", closefd=False) as file:
        file.writelines(texts)


def refuse_needless_force(option: str, file: Path | None, *, force: bool) -> None:
    """Raise UsageError for `--force` without the option that names a file."""
    if force and file in (None, STDOUT):
        raise shell.UsageError(f"invalid option: --force belongs to {option} FILE")


def refuse_database(target: Path) -> None:
    """Raise UsageError for a text that would replace a database, which `--force` does not allow either."""
    if is_database(target):
        raise shell.UsageError(f"{escape(str(target))} is a database; choose another file")


def _fix(exc: OSError) -> str:
    return "choose a file on another disk" if exc.errno in _FULL else "choose another file"
