"""The command `check`."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ttweet.cli import output, shell
from ttweet.cli.advice import advising, with_commands
from ttweet.cli.options import FILE, Db, Json
from ttweet.cli.progress import Pace, progress
from ttweet.cli.source import db_path
from ttweet.model.errors import OpenError
from ttweet.model.reports import escape
from ttweet.storage.sqlite.check import Check, Facts, Finding
from ttweet.storage.sqlite.repair import rebuild_indexes

Repair = Annotated[
    bool, Parameter(name="--repair", negative="", help="Rebuild damaged indexes; no server may be running.")
]
File = Annotated[Path | None, FILE, Parameter(name="FILE", help="The database; default: TTWEET_DB, then tweets.db.")]


def check(file: File = None, /, *, db: Db = None, json: Json = False, repair: Repair = False) -> int:
    """Check a database. Raises UsageError, OpenError, StoreError, OSError."""
    path = db_path(_named(file, db))
    try:
        with advising(missing="choose another file", not_ours="choose another file"):
            repaired = repair and _repair(path)
            look = Check(path)
    except OpenError as error:
        if not json:
            raise
        return _show([_unreadable(path, error)], path, json=True)
    if _show(_findings(look), path, json=json) == shell.FAILED:
        if repair and not repaired:
            shell.complain("not repaired: --repair rebuilds indexes only, and something else is damaged")
        return shell.FAILED
    assert look.facts is not None
    if json:
        output.write_json(look.facts._asdict())
        return shell.DONE
    shell.write(f"{escape(str(path))} is intact: {_told(look.facts)}")
    if look.unlike and shell.on_terminal(sys.stderr):
        shell.hint(f"{shell.amount(look.unlike, 'tweet')} with tags that are not in the text, from ttweet chat")
    return shell.DONE


def _named(file: Path | None, db: Path | None) -> Path | None:
    """Return the file that the command line names, if it does: by its place, or by the option of the other commands."""
    if file is not None and db is not None:
        raise shell.UsageError("conflicting arguments: FILE and --db; give one of them")
    return db if file is None else file


def _repair(path: Path) -> bool:
    """Rebuild damaged indexes, and say where the file as it was is. Raises OpenError, StoreError, OSError."""
    copies = rebuild_indexes(path)
    if copies:
        names = " and ".join([escape(str(copy)) for copy in copies])
        shell.hint(f"all indexes were rebuilt; the file as it was before: {names}")
    return bool(copies)


def _findings(look: Check) -> Iterator[Finding]:
    pace = Pace()
    with progress() as show:
        yield from look.run(lambda done, total: show(done, total, f"{done:,} tweets, {pace.rate(done)}"))


def _unreadable(path: Path, error: OpenError) -> Finding:
    """Return the problem of a file that cannot even be opened. Raises an error of another kind again."""
    if error.code not in ("damaged", "not_ours"):
        raise error
    what, _, way_out = shell.sentence(error).removeprefix(f"{path} is ").partition("; ")
    return Finding(what, way_out)


def _show(findings: Iterable[Finding], path: Path, *, json: bool) -> int:
    """Write what is wrong as it is found, then what to do, each once. Returns the exit code."""
    ways_out: dict[str, None] = {}
    for what, remedy in findings:
        finding = Finding(what, with_commands(remedy, str(path)))
        if json:
            output.write_json(finding._asdict())
        else:
            shell.write(f"{escape(str(path))}: {escape(finding.what)}")
        ways_out[finding.way_out] = None
    for way_out in ways_out:
        shell.complain(escape(way_out))
    return shell.FAILED if ways_out else shell.DONE


def _told(facts: Facts) -> str:
    tweets, tags, lines = (
        shell.amount(number, one)
        for number, one in ((facts.tweets, "tweet"), (facts.tags, "tag"), (facts.lines, "report line"))
    )
    return f"{tweets}, {tags}, {lines}, schema {facts.schema}"
