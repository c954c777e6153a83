"""The command `import`: tweets from the lines of JSON that `export` writes."""

import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Annotated, BinaryIO

from cyclopts import Parameter

from ttweet import defaults
from ttweet.cli import shell, stdin
from ttweet.cli.options import FILE
from ttweet.cli.progress import Pace, progress
from ttweet.cli.source import db_path
from ttweet.model.errors import OpenError, Refused, StoreError
from ttweet.model.reports import escape
from ttweet.model.times import now_ms
from ttweet.storage import jsonl
from ttweet.storage.jsonl import ImportTally
from ttweet.storage.local import LocalStore
from ttweet.storage.merging import merge_entries
from ttweet.storage.sqlite.header import is_database
from ttweet.storage.sqlite.writer import SqliteStore

From = Annotated[
    str,
    FILE,
    Parameter(name="FILE", allow_leading_hyphen=True, help="A file from ttweet export; -: stdin."),
]
Into = Annotated[Path | None, FILE, Parameter(name="--db", help="The database; created if it does not exist.")]
Merge = Annotated[
    bool, Parameter(name="--merge", negative="", help="FILE is from export --origin; its tweets get new ids.")
]

EXPORT_AGAIN = "export it again with: ttweet export --origin FILE"
CHOOSE = "choose a file from ttweet export"

OnPage = Callable[[], object]
Lines = Iterator[tuple[int, bytes]]


def import_(source: From, /, *, db: Into = None, merge: Merge = False) -> int:
    """Put exported tweets into a database. Raises OpenError, StoreError, OSError, Refused, KeyboardInterrupt."""
    tally, pace = ImportTally(), Pace()
    with ExitStack() as resources:
        file = resources.enter_context(_open(source))
        origin, lines = _begun(file)
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
            raise type(error)(error.code, f"{shell.sentence(error)}; so far: {_imported(tally)}") from error
        except KeyboardInterrupt:
            store.end_session("stopped", at=now_ms())
            shell.complain(f"interrupted: {_imported(tally)}; repeat the command to resume")
            raise
        store.end_session("stopped", at=now_ms())
    if shell.on_terminal(sys.stderr):
        shell.hint(f"{_imported(tally)}, in {pace.taken}, {pace.rate(tally.new)}")
    return shell.DONE


def _restore(store: SqliteStore, origin: str, lines: Lines, tally: ImportTally, on_page: OnPage) -> None:
    if origin and not store.newest_id():
        store.take_origin(origin)
    jsonl.import_entries(store, lines, tally, on_page)


def _merge(store: SqliteStore, origin: str, lines: Lines, tally: ImportTally, on_page: OnPage) -> None:
    if origin == store.origin:
        raise Refused("bad_request", "the export is of this database", "import it without --merge")
    merge_entries(store, origin, lines, tally, delete=LocalStore(store).delete, progress=on_page)


def _begun(file: BinaryIO) -> tuple[str | None, Lines]:
    """Return the name of the database and the lines of its entries. Raises Refused for what is no export."""
    try:
        origin, lines = jsonl.split_origin(jsonl.read_lines(file))
        return origin, jsonl.begun(lines)
    except Refused as refused:
        raise Refused(refused.code, refused.problem, CHOOSE) from refused


@contextmanager
def _open(source: str) -> Iterator[BinaryIO]:
    if source == "-":
        yield stdin.reader()
    else:
        if not Path(source).exists():
            raise OpenError("missing", f"no such file: {escape(source)}; {CHOOSE}")
        if is_database(Path(source)):
            export = shlex.join(["ttweet", "export", "--db", source])
            raise shell.UsageError(f"{escape(source)} is a database, not an export; export it first: {export}")
        with _opened(source) as file:
            yield file


def _opened(source: str) -> BinaryIO:
    try:
        return Path(source).open("rb")
    except OSError as exc:
        raise OSError(exc.errno, f"{exc.strerror}; {CHOOSE}", source) from exc


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
