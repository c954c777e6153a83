"""The command `log`: the report lines of server sessions, and Sample.txt anew."""

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.text import Text

from ttweet import cli_show, reports, shell
from ttweet.cli_read import Db, Json
from ttweet.cli_source import db_path
from ttweet.errors import OpenError
from ttweet.reports import escape
from ttweet.sqlite_reader import SqliteReader
from ttweet.store import LogLine, Reader

PAGE = 1000  # lines of one query
STYLES = {"ERROR": "red", "CONNECTION": "dim"}

Session = Annotated[str, Parameter(metavar="N|all", help="Which server session; the last one if not said.")]
Category = Annotated[
    list[Literal["general", "error", "connection"]] | None,
    Parameter(negative="", metavar="NAME", help="Only lines of this category; may be given again."),
]
Export = Annotated[
    str | None,
    Parameter(metavar="FILE", allow_leading_hyphen=True, help="Write what Sample.txt would hold; - is stdout."),
]


def log(
    *, session: Session = "last", category: Category = None, export: Export = None, db: Db = None, json: Json = False
) -> int:
    """Show the report log."""
    if json and export is not None:
        raise shell.UsageError("--export writes lines as Sample.txt has them and --json objects; give one of them")
    reader = _open(db_path(db))
    try:
        number = _session(reader, session)
        lines = _lines(reader, number, [name.upper() for name in category or ()])
        count = _export(lines, export) if export is not None else _show(lines, json=json)
    finally:
        reader.close()
    if count:
        return shell.DONE
    shell.complain("no report lines are like that")
    return shell.NOTHING


def _open(path: Path) -> SqliteReader:
    try:
        return SqliteReader(path)
    except OpenError as error:
        if error.code != "missing":
            raise
        raise OpenError("missing", f"there is no {path}; name another with --db") from error


def _session(reader: Reader, wanted: str) -> int | None:
    """The session's number; None for all. Raises UsageError."""
    if wanted == "all":
        return None
    newest = reader.last_session()
    if wanted == "last":
        return newest
    if not (wanted.isascii() and wanted.isdigit() and len(wanted) < 19):
        raise shell.UsageError(f"--session is a number or all, not {wanted[:80]!r}")
    if newest is None or not 1 <= int(wanted) <= newest:
        raise shell.UsageError(f"there is no session {wanted}; the newest is {newest or 'none yet'}")
    return int(wanted)


def _lines(reader: Reader, session: int | None, categories: Sequence[str]) -> Iterator[LogLine]:
    cursor = 0
    while lines := reader.log_after(cursor, limit=PAGE, session=session, categories=categories):
        yield from lines
        cursor = lines[-1].id


def _export(lines: Iterator[LogLine], name: str) -> int:
    count = 0
    with open(sys.stdout.fileno() if name == "-" else name, "w", encoding="utf-8", closefd=name != "-") as file:
        for line in lines:
            count += 1
            file.write(_text(line) + "\n")
    if name != "-":
        shell.hint(f"{count:,} lines written to {escape(name)}")
    return count


def _show(lines: Iterator[LogLine], *, json: bool) -> int:
    if not json and shell.on_terminal(sys.stdout):
        return _show_on_terminal(lines)
    count = 0
    for line in lines:
        count += 1
        if json:
            cli_show.write_json(line._asdict())
        else:
            cli_show.write_columns(line.session, cli_show.iso(line.at), _text(line))
    return count


def _show_on_terminal(lines: Iterator[LogLine]) -> int:
    """Times are local here; a heading tells when the session or the day changes."""
    console = cli_show.terminal()
    heading = ""
    count = 0
    for line in lines:
        count += 1
        at = datetime.fromtimestamp(line.at / 1000).astimezone()
        if heading != (heading := f"session {line.session}, {at:%A %d %B %Y}"):
            console.print(Text(heading, style="bold"))
        text = Text(_text(line), style=STYLES.get(line.category or "", ""))
        console.print(Text.assemble((f"{at:%H:%M:%S}  ", "cyan"), text), soft_wrap=True)
    return count


def _text(line: LogLine) -> str:
    return reports.line(line.side, line.category, line.text)
