"""The command `check`."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ttweet import shell
from ttweet.cli_progress import Pace, progress
from ttweet.cli_source import db_path
from ttweet.reports import escape
from ttweet.sqlite_check import Check, Facts

File = Annotated[Path | None, Parameter(name="FILE", help="The database; else TTWEET_DB, else tweets.db.")]


def check(file: File = None, /) -> int:
    """Look a database over. Raises OpenError, StoreError."""
    path, pace = db_path(file), Pace()
    name = escape(str(path))
    look = Check(path, instead="name another one")
    ways_out: dict[str, None] = {}
    with progress() as show:
        for finding in look.run(lambda done, total: show(done, total, f"{done:,} tweets, {pace.rate(done)}")):
            shell.write(f"{name}: {escape(finding.what)}")
            ways_out[finding.way_out] = None
    for way_out in ways_out:
        shell.complain(escape(way_out))
    if ways_out:
        return shell.FAILED
    assert look.facts is not None
    shell.write(f"{name} is whole: {_told(look.facts)}")
    if look.unlike and shell.on_terminal(sys.stderr):
        shell.hint(f"{shell.amount(look.unlike, 'tweet')} with other tags than in the text, as ttweet chat posts them")
    return shell.DONE


def _told(facts: Facts) -> str:
    tweets, tags, lines = (
        shell.amount(number, one)
        for number, one in ((facts.tweets, "tweet"), (facts.tags, "tag"), (facts.lines, "report line"))
    )
    return f"{tweets}, {tags}, {lines}, schema {facts.schema}"
