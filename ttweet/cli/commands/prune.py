"""The command `prune`: the oldest tweets go, from a file that no server holds."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ttweet.cli import live as cli_live
from ttweet.cli import output as cli_show
from ttweet.cli import shell
from ttweet.cli.options import AMOUNT, FILE, Json
from ttweet.cli.progress import progress
from ttweet.cli.source import db_path
from ttweet.model.errors import OpenError
from ttweet.model.reports import escape
from ttweet.model.times import now_ms
from ttweet.storage import local
from ttweet.storage.sqlite.reader import SqliteReader

Keep = Annotated[
    str | None, Parameter(name="--keep", metavar="TIME", help="Keep what is younger: 90d, 36h; older tweets go.")
]
KeepLast = Annotated[int | None, AMOUNT, Parameter(name="--keep-last", metavar="N", help="Keep the last N tweets.")]
DryRun = Annotated[bool, Parameter(name="--dry-run", negative="", help="Remove nothing; tell how many would go.")]
Db = Annotated[Path | None, FILE, Parameter(name="--db", help="In this file, which no server may hold.")]


def prune(
    *, keep: Keep = None, keep_last: KeepLast = None, dry_run: DryRun = False, db: Db = None, json: Json = False
) -> int:
    """Remove the oldest tweets. Raises UsageError, OpenError, StoreError."""
    if (keep is None) == (keep_last is None):
        raise shell.UsageError("which tweets stay? say --keep TIME or --keep-last N, one of them")
    age_s = cli_live.seconds(keep, "--keep", bare=False)
    now = now_ms()
    since = None if age_s is None else now - int(age_s * 1000)
    path = db_path(db)
    with closing(SqliteReader(path, instead="name another with --db")) as reader:
        before = reader.first_kept(since=since, last=keep_last, now=now)
        going, kept = reader.counts_around(before)
    if going and not dry_run:
        _remove(path, before, since, going)
    _tell(path, going, kept, dry_run=dry_run, json=json)
    return shell.DONE


def _remove(path: Path, before: int, since: int | None, going: int) -> None:
    try:
        store = local.open(path)
    except OpenError as error:
        if error.code == "locked":
            raise OpenError(
                "locked",
                f"a server holds {path}; stop it before tweets are removed, or start it with --keep or --keep-last",
            ) from error
        raise
    with store, progress() as show:
        for done in store.prune(before, since=since):
            show(min(done, going), going, f"{done:,} tweets")


def _tell(path: Path, gone: int, kept: int, *, dry_run: bool, json: bool) -> None:
    if json:
        cli_show.write_json({"removed": gone, "kept": kept, "dry_run": dry_run})
        return
    verb = "would be removed from" if dry_run else "removed from"
    shell.write(f"{shell.amount(gone, 'tweet')} {verb} {escape(str(path))}, {kept:,} kept")
