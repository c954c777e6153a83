"""The command `backup`."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ttweet.cli import shell
from ttweet.cli.options import FILE, Db
from ttweet.cli.output_file import Force, naming_the_fix
from ttweet.cli.progress import Pace, progress
from ttweet.cli.source import advising_source, db_path, refuse_itself
from ttweet.model.reports import escape
from ttweet.storage.sqlite.backup import back_up
from ttweet.storage.sqlite.replica import position_of

MIB = 1024 * 1024

CopyPath = Annotated[Path, FILE, Parameter(name="FILE", help="The name of the copy.")]


def backup(target: CopyPath, /, *, db: Db = None, force: Force = False) -> int:
    """Copy the database. Raises UsageError, OpenError, StoreError, OSError."""
    source, pace = db_path(db), Pace()
    refuse_itself(target, source)
    with naming_the_fix(target), advising_source("backup", str(target), db), progress() as show:
        tweets = back_up(
            source,
            target,
            overwrite=force,
            progress=lambda done, pages: show(done, pages, f"{done:,} of {pages:,} pages"),
        )
    if shell.on_terminal(sys.stderr):
        size = target.stat().st_size / MIB
        copied = shell.amount(tweets, "tweet")
        position = position_of(target)
        place = "" if position is None else f", at position {position} of its cluster's log"
        shell.hint(f"{copied} in {escape(str(target))}, {size:,.1f} MiB, verified, in {pace.taken}{place}")
    return shell.DONE
