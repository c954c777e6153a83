"""Remedies for errors as commands and options, which the library's texts do not have."""

from __future__ import annotations

import os
import shlex
from contextlib import contextmanager

from ttweet.model import remedies
from ttweet.model.errors import DatabaseError, OpenError, Refused, TtweetError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ADVICE = {
    "missing": "; choose another with --db",
    "not_ours": "; choose another file with --db",
    "newer": ": ttweet export tweets.jsonl, ttweet import tweets.jsonl --db NEW; or choose another file with --db",
    "denied": ", or choose a file in another folder with --db",
}
_NO_OPTION = ("localhost", "127.0.0.1")  # where a server listens without --host


def _start(host: str, port: str) -> str:
    option = "" if host in _NO_OPTION else f" --host {host}"
    return f": ttweet serve {port}{option}"


_COMMANDS: dict[str, Callable[..., str]] = {
    remedies.WITHOUT_KEY: lambda: ": ttweet last, or ttweet find",
    remedies.START: _start,
    remedies.START_THERE: lambda _, port: f": ttweet serve {port} --host 0.0.0.0",
    remedies.STOP: lambda pid: f": kill {pid}, or choose another file with --db",
    remedies.TRUST: lambda: ", or add --ca FILE",
    remedies.WITHOUT_TLS: lambda: ", omit --ca and ttweets://",
    remedies.REVOKE: lambda name: f": ttweet token revoke {name}",
    remedies.CHECK: lambda db: f": ttweet check {shlex.quote(db)}",
    remedies.REBUILD_INDEXES: lambda db: f": ttweet check --repair {shlex.quote(db)}",
    remedies.SAVE_WHAT_IS_LEFT: lambda db: (
        f": ttweet export --salvage saved.jsonl --db {shlex.quote(db)}, then ttweet import saved.jsonl --db NEW"
    ),
    remedies.READ_EACH_PAGE: lambda db: (
        f": sqlite3 {shlex.quote(db)} .recover | sqlite3 saved.db, then ttweet check saved.db"
    ),
    remedies.OTHER_DATABASE: lambda: " with --db",
    remedies.NEW_FILE: lambda _: ": ttweet export tweets.jsonl, then ttweet import tweets.jsonl --db NEW",
    remedies.IMPORT_ELSEWHERE: lambda: ": --db NEW",
    remedies.FROM_BACKUP: lambda: ": ttweet backup COPY there, then --db COPY here",
    remedies.BEGIN: lambda: ": add --begin, or choose another file with --db",
    remedies.NEW_CLUSTER: lambda: (
        ": ttweet export tweets.jsonl, ttweet import tweets.jsonl --db NEW, then --db NEW --begin with another name"
    ),
    remedies.OTHER_REPORT_FILE: lambda: " with --report-file",
}


def advised(error: TtweetError) -> str:
    """Return the error's text with the commands for its remedy, or else with what most commands advise."""
    if isinstance(error, Refused) and error.code == "token":
        return _with_source(error.text)
    if error.remedy:
        return error.text + _commands(error.remedy, *error.about)
    return error.text + (_ADVICE.get(error.code, "") if isinstance(error, DatabaseError) else "")


def _with_source(text: str) -> str:
    """Name the variable of a token that a server has rejected."""
    problem, mark, remedy = text.partition("; ")
    variable = next((name for name in ("TTWEET_TOKEN", "TTWEET_TOKEN_FILE") if os.environ.get(name)), None)
    return f"{problem} (from {variable}){mark}{remedy}" if variable else text


def beyond_the_limit(refused: Refused, way: str) -> Refused:
    """Return the error of a text that is too long with what takes such a text here; any other error as it is."""
    return Refused(refused.code, f"{refused.text}, or {way}") if refused.code == "too_long" else refused


def with_commands(remedy: str, *about: str) -> str:
    """Return a remedy with the commands for it, as far as there are any."""
    return remedy + _commands(remedy, *about)


def _commands(remedy: str, *about: str) -> str:
    return _COMMANDS[remedy](*about) if remedy in _COMMANDS else ""


@contextmanager
def advising(**advice: str) -> Iterator[None]:
    """Replace the advice of the errors that a block raises, by their codes. Raises OpenError."""
    try:
        yield
    except DatabaseError as error:
        if error.code not in advice:
            raise
        remedy = advice[error.code]
        raise OpenError(
            error.code, f"{error.problem}; {remedy.format(*error.about) if error.about else remedy}"
        ) from error
