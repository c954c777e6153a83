"""The command `log`: the report lines of server sessions, and their export as Sample.txt."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from ttweet.cli import output, shell
from ttweet.cli.options import FILE, Db, Json
from ttweet.cli.output_file import STDOUT, Force, naming_the_fix, refuse_database, refuse_needless_force, write_stdout
from ttweet.cli.source import db_path, refuse_itself
from ttweet.files import write_texts
from ttweet.model import reports
from ttweet.model.reports import escape
from ttweet.storage.contract import LogLine, ReportQueries
from ttweet.storage.sqlite.reader import SqliteReader

PAGE_LINES = 1000  # report lines of one query

Session = Annotated[str, Parameter(metavar="N|all", help="The server session by number, or all; default: the last.")]
Category = Annotated[
    list[Literal["general", "error", "connection"]] | None,
    Parameter(negative="", metavar="NAME", help="Only lines of this category; repeatable."),
]
Export = Annotated[
    Path | None,
    FILE,
    Parameter(allow_leading_hyphen=True, help="Write the lines as in Sample.txt; -: to stdout."),
]


def log(
    *,
    session: Session = "last",
    category: Category = None,
    export: Export = None,
    force: Force = False,
    db: Db = None,
    json: Json = False,
) -> int:
    """Show the report log."""
    if json and export is not None:
        raise shell.UsageError("conflicting options: --export and --json; give one of them")
    refuse_needless_force("--export", export, force=force)
    path = db_path(db)
    if export not in (None, STDOUT):
        refuse_itself(export, path)
        refuse_database(export)
    reader = SqliteReader(path)
    try:
        number = _session(reader, session)
        lines = _lines(reader, number, [name.upper() for name in category or ()])
        count = _export(lines, export, overwrite=force) if export is not None else _show(lines, json=json)
    finally:
        reader.close()
    if count:
        return shell.DONE
    where = "in any session" if session == "all" else "in this session; add --session all for all sessions"
    shell.complain(f"no {'matching ' if category else ''}report lines {where}")
    return shell.NOTHING


def _session(reader: ReportQueries, wanted: str) -> int | None:
    """Return the session's number; None for all. Raises UsageError."""
    if wanted == "all":
        return None
    newest = reader.last_session()
    if wanted == "last":
        return newest
    if not (wanted.isascii() and wanted.isdigit() and len(wanted) < 19):
        raise shell.UsageError(f"invalid --session {wanted[:80]!r}: use a number, or all")
    if newest is None or not 1 <= int(wanted) <= newest:
        raise shell.UsageError(f"no such session: {wanted}; the newest is {newest or 'none yet'}")
    return int(wanted)


def _lines(reader: ReportQueries, session: int | None, categories: Sequence[str]) -> Iterator[LogLine]:
    cursor = 0
    while lines := reader.lines_after(cursor, limit=PAGE_LINES, session=session, categories=categories):
        yield from lines
        cursor = lines[-1].id


def _export(lines: Iterator[LogLine], target: Path, *, overwrite: bool) -> int:
    exported = _Counted(lines)
    texts = (reports.line(line.side, line.category, line.text) + "\n" for line in exported)
    if target == STDOUT:
        write_stdout(texts, "--export")
    elif first := next(texts, None):
        with naming_the_fix(target):
            write_texts(target, chain([first], texts), overwrite=overwrite)
        shell.hint(f"{shell.amount(exported.count, 'line')} written to {escape(str(target))}")
    return exported.count


def _show(lines: Iterator[LogLine], *, json: bool) -> int:
    shown = _Counted(lines)
    if json:
        for line in shown:
            output.write_json(line._asdict())
    else:
        output.write_log(shown)
    return shown.count


class _Counted:
    """Lines on their way to be shown, counted as they pass."""

    def __init__(self, lines: Iterable[LogLine]) -> None:
        self._lines = lines
        self.count = 0

    def __iter__(self) -> Iterator[LogLine]:
        for line in self._lines:
            self.count += 1
            yield line
