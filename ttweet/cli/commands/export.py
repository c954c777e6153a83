"""The command `export`: all tweets as lines of JSON."""

import errno
import sys
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Annotated, BinaryIO

from cyclopts import Parameter

from ttweet.cli import shell
from ttweet.cli.options import FILE, Db, refuse_conflict
from ttweet.cli.output_file import Force, naming_the_fix, refuse_database, refuse_needless_force
from ttweet.cli.progress import Pace, progress
from ttweet.cli.source import advising_source, db_path, refuse_itself
from ttweet.files import replacing
from ttweet.model.errors import StoreError
from ttweet.model.reports import escape
from ttweet.model.tweets import Tweet
from ttweet.storage import jsonl
from ttweet.storage.jsonl import PAGE_ENTRIES
from ttweet.storage.sqlite.origins import name_of
from ttweet.storage.sqlite.reader import Queries, SqliteReader
from ttweet.storage.sqlite.salvage import Salvage

To = Annotated[str, FILE, Parameter(name="FILE", allow_leading_hyphen=True, help="The file to write; -: stdout.")]
Salvaged = Annotated[
    bool, Parameter(name="--salvage", negative="", help="Write what can be read of a damaged database.")
]
Origin = Annotated[
    bool, Parameter(name="--origin", negative="", help="Write the database's name first, for import --merge.")
]

GAPS_TOLD = 20  # gaps of ids that are listed of a damaged file


def export(
    target: To = "-", /, *, db: Db = None, force: Force = False, salvage: Salvaged = False, origin: Origin = False
) -> int:
    """Write all tweets as lines of JSON. Raises UsageError, OpenError, StoreError, OSError."""
    refuse_conflict({"--salvage": salvage, "--origin": origin})
    refuse_needless_force("ttweet export", Path(target), force=force)
    source, pace = db_path(db), Pace()
    with advising_source("export", target, db) if target != "-" else nullcontext():
        opened = (Salvage if salvage else SqliteReader)(source)
    with closing(opened) as reader:
        head = _head(source) if origin else b""
        if target == "-":
            count = _write(reader, _stdout(), pace, head, ascii_only=shell.on_terminal(sys.stdout))
        else:
            count = _write_file(reader, source, Path(target), pace, head, force=force)
    if shell.on_terminal(sys.stderr) and target != "-":
        shell.hint(f"{shell.amount(count, 'tweet')} in {escape(target)}, in {pace.taken}, {pace.rate(count)}")
    return _tell_lost(reader.lost) if isinstance(reader, Salvage) else shell.DONE


def _head(source: Path) -> bytes:
    """Return the line that names the database. Raises UsageError."""
    name = name_of(source)
    if name is None:
        raise shell.UsageError(f"{escape(str(source))} has an older schema; start a server on it once: ttweet serve")
    return jsonl.encode_origin(name)


def _stdout() -> BinaryIO:
    if sys.stdout is None:
        raise shell.UsageError("stdout is closed; write to a file: ttweet export tweets.jsonl")
    return sys.stdout.buffer


def _write_file(reader: Queries, source: Path, target: Path, pace: Pace, head: bytes, *, force: bool) -> int:
    refuse_itself(target, source)
    refuse_database(target)
    try:
        with naming_the_fix(target), replacing(target, overwrite=force) as part, part.open("wb") as file:
            return _write(reader, file, pace, head, ascii_only=False)
    except OSError as exc:
        if exc.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        text = f"cannot write {target}: the disk is full; choose a file on another disk"
        raise StoreError("full", text) from exc


def _write(reader: Queries, file: BinaryIO, pace: Pace, head: bytes, *, ascii_only: bool) -> int:
    """All tweets, page by page: no read transaction is long, so the server's log does not grow for it."""
    total, count, cursor = reader.count(), 0, 0
    file.write(head)
    with progress(wanted=not ascii_only) as show:
        while page := reader.entries_after(cursor, PAGE_ENTRIES):
            file.write(b"".join([jsonl.encode(entry, ascii_only=ascii_only) for entry in page]))
            count, cursor = count + sum([isinstance(entry, Tweet) for entry in page]), page[-1].id
            show(count, total, f"{count:,} tweets, {pace.rate(count)}")
    file.flush()
    return count


def _tell_lost(lost: list[tuple[int, int]]) -> int:
    if not lost:
        return shell.DONE
    told = ", ".join([f"{first} to {last}" for first, last in lost[:GAPS_TOLD]])
    more = f", and {len(lost) - GAPS_TOLD:,} more ranges" if len(lost) > GAPS_TOLD else ""
    shell.complain(f"unreadable tweets: ids {told}{more}; all others were written")
    return shell.FAILED
