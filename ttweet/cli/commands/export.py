"""The commands `export` and `import`: all tweets as lines of JSON, and back."""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Annotated, BinaryIO

from cyclopts import Parameter

from ttweet import defaults
from ttweet.cli import shell, stdin
from ttweet.cli.options import FILE, Db, refuse_conflict
from ttweet.cli.progress import Pace, progress
from ttweet.cli.source import advising_source, db_path, refuse_itself
from ttweet.files import replacing
from ttweet.model.errors import OpenError, Refused, StoreError
from ttweet.model.reports import escape
from ttweet.model.times import now_ms
from ttweet.model.tweets import Tweet
from ttweet.storage import jsonl
from ttweet.storage.jsonl import PAGE_ENTRIES, ImportTally
from ttweet.storage.local import LocalStore
from ttweet.storage.merging import merge_entries
from ttweet.storage.sqlite.origins import name_of
from ttweet.storage.sqlite.reader import Queries, SqliteReader
from ttweet.storage.sqlite.salvage import Salvage
from ttweet.storage.sqlite.writer import SqliteStore

To = Annotated[str, FILE, Parameter(name="FILE", allow_leading_hyphen=True, help="The file to write; -: stdout.")]
From = Annotated[
    str,
    FILE,
    Parameter(name="FILE", allow_leading_hyphen=True, help="A file from ttweet export; -: stdin."),
]
Into = Annotated[Path | None, FILE, Parameter(name="--db", help="The database; created if it does not exist.")]
Force = Annotated[bool, Parameter(name="--force", negative="", help="Replace FILE if it exists.")]

Salvaged = Annotated[
    bool, Parameter(name="--salvage", negative="", help="Write what can be read of a damaged database.")
]

Origin = Annotated[bool, Parameter(name="--origin", negative="", help="Name the database, for import --merge.")]
Merge = Annotated[
    bool, Parameter(name="--merge", negative="", help="Give the tweets new ids; add and delete what is new.")
]

EXPORT_AGAIN = "export it again with: ttweet export --origin FILE"
GAPS_TOLD = 20  # gaps of ids that are listed of a damaged file

Told = Callable[[], object]
Lines = Iterator[tuple[int, bytes]]


def export(
    target: To = "-", /, *, db: Db = None, force: Force = False, salvage: Salvaged = False, origin: Origin = False
) -> int:
    """Write all tweets as lines of JSON. Raises UsageError, OpenError, StoreError, OSError."""
    refuse_conflict({"--salvage": salvage, "--origin": origin})
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


def import_(source: From, /, *, db: Into = None, merge: Merge = False) -> int:
    """Put exported tweets into a database. Raises OpenError, StoreError, OSError, Refused, KeyboardInterrupt."""
    tally, pace = ImportTally(), Pace()
    with ExitStack() as resources:
        file = resources.enter_context(_open(source))
        origin, lines = jsonl.split_origin(jsonl.read_lines(file))
        lines = jsonl.begun(lines)
        if merge and origin is None:
            raise Refused("bad_request", "the export does not name its database", EXPORT_AGAIN)
        store = resources.enter_context(closing(_open_store(db_path(db))))
        try:
            with progress() as show:
                carry_out = _merge if merge else _restore
                carry_out(store, origin or "", lines, tally, lambda: show(*_place(file), _done(tally, pace)))
        except (Refused, StoreError) as error:
            with suppress(StoreError):  # that of a full disk, again; the session counts as crashed then
                store.end_session("failed", at=now_ms())
            raise type(error)(error.code, f"{shell.sentence(error)}; until then: {_imported(tally)}") from error
        except KeyboardInterrupt:
            store.end_session("stopped", at=now_ms())
            shell.complain(f"interrupted: {_imported(tally)}; repeat the command to resume")
            raise
        store.end_session("stopped", at=now_ms())
    if shell.on_terminal(sys.stderr):
        shell.hint(f"{_imported(tally)}, in {pace.taken}, {pace.rate(tally.new)}")
    return shell.DONE


def _restore(store: SqliteStore, origin: str, lines: Lines, tally: ImportTally, told: Told) -> None:
    if origin and not store.newest_id():
        store.take_origin(origin)
    jsonl.import_entries(store, lines, tally, told)


def _merge(store: SqliteStore, origin: str, lines: Lines, tally: ImportTally, told: Told) -> None:
    if origin == store.origin:
        raise Refused("bad_request", "the export is of this database", "import it without --merge")
    merge_entries(store, origin, lines, tally, delete=LocalStore(store).delete, told=told)


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
    try:
        with replacing(target, overwrite=force) as part, part.open("wb") as file:
            return _write(reader, file, pace, head, ascii_only=False)
    except FileExistsError as exc:
        raise shell.UsageError(f"{escape(str(target))} exists; choose another file, or add --force") from exc
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


@contextmanager
def _open(source: str) -> Iterator[BinaryIO]:
    if source == "-":
        yield stdin.reader()
    else:
        if not Path(source).exists():
            raise OpenError("missing", f"no such file: {escape(source)}; choose a file from ttweet export")
        with Path(source).open("rb") as file:
            yield file


def _open_store(db: Path) -> SqliteStore:
    try:
        return SqliteStore.open(db, log_limit=defaults.LOG_LIMIT, at=now_ms())
    except OpenError as error:
        if error.code == "missing":  # the folder for a new file: nothing was looked for
            raise OpenError("denied", shell.sentence(error)) from error
        raise


def _place(file: BinaryIO) -> tuple[int, int | None]:
    """How much of a file was read, and how much there is; of a pipe that is not known."""
    if not file.seekable():
        return 0, None
    return file.tell(), os.fstat(file.fileno()).st_size


def _done(tally: ImportTally, pace: Pace) -> str:
    return f"{tally.new + tally.known:,} tweets, {pace.rate(tally.new + tally.known)}"


def _imported(tally: ImportTally) -> str:
    known = f", {tally.known:,} already there" if tally.known else ""
    deleted = f", {tally.deleted:,} deleted" if tally.deleted else ""
    return f"{shell.amount(tally.new, 'tweet')} imported{known}{deleted}"
