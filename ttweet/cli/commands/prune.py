"""The command `prune`: remove the oldest tweets from a database that is not in use."""

from contextlib import closing
from pathlib import Path
from typing import Annotated, NamedTuple

from cyclopts import Parameter

from ttweet import defaults
from ttweet.cli import output, shell
from ttweet.cli.advice import advising
from ttweet.cli.options import FILE, Json, KeepAge, KeepLast, refuse_conflict
from ttweet.cli.progress import progress
from ttweet.cli.source import db_path
from ttweet.model.reports import escape
from ttweet.model.times import now_ms
from ttweet.storage import local
from ttweet.storage.sqlite.reader import Queries, SqliteReader
from ttweet.storage.sqlite.writer import SqliteStore

DryRun = Annotated[bool, Parameter(name="--dry-run", negative="", help="Only count; remove nothing.")]
Db = Annotated[Path | None, FILE, Parameter(name="--db", help="The database, which must not be in use.")]


def prune(
    *, keep: KeepAge = None, keep_last: KeepLast = None, dry_run: DryRun = False, db: Db = None, json: Json = False
) -> int:
    """Remove the oldest tweets. Raises UsageError, OpenError, StoreError."""
    refuse_conflict({"--keep": keep, "--keep-last": keep_last})
    if keep is None and keep_last is None:
        raise shell.UsageError("missing option: --keep TIME or --keep-last N; give one of them")
    path = db_path(db)
    with closing(SqliteReader(path)) as reader:  # in any case: it makes no new file
        going = _going(reader, keep, keep_last) if dry_run else None
    if going is None:
        going = _remove(path, keep, keep_last)
    _tell(path, going, dry_run=dry_run, json=json)
    return shell.DONE


class _Going(NamedTuple):
    """The tweets that go: those below an id, or report lines older than `since` (ms); how many, and how many stay."""

    before: int
    since: int | None
    removed: int
    kept: int


def _going(reader: Queries, age_s: float | None, last: int | None) -> _Going:
    now = now_ms()
    since = None if age_s is None else now - int(age_s * 1000)
    kept = reader.oldest_kept(since=since, last=last, now=now)
    return _Going(kept.before, kept.since, *reader.counts_around(kept.before))


def _remove(path: Path, age_s: float | None, last: int | None) -> _Going:
    """Remove tweets from a database that is not in use, even when there are none to remove."""
    with advising(locked="stop that server: kill {}, or restart it with --keep or --keep-last"):
        store = SqliteStore.open(path, log_limit=defaults.LOG_LIMIT, at=now_ms())
    with local.LocalStore(store) as file, progress() as show:
        going = _going(store, age_s, last)
        if going.removed:
            file.prune(
                going.before,
                since=going.since,
                progress=lambda done: show(done, going.removed, f"{done:,} tweets"),
            )
    return going


def _tell(path: Path, gone: _Going, *, dry_run: bool, json: bool) -> None:
    if json:
        output.write_json({"removed": gone.removed, "kept": gone.kept, "dry_run": dry_run})
        return
    verb = "would be removed from" if dry_run else "removed from"
    shell.write(f"{shell.amount(gone.removed, 'tweet')} {verb} {escape(str(path))}, {gone.kept:,} kept")
