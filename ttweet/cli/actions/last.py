"""Show the last message, or the newest tweet of a tag. Imports no parser."""

from __future__ import annotations

from ttweet.cli import output, shell
from ttweet.cli.actions.tags import newest_of, no_such_tag
from ttweet.cli.source import open_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_NO_LAST = "no last message: nothing was posted yet, or the newest message is empty; list tweets: ttweet find"


def last(
    tag: str | None = None,
    *,
    db: Path | None = None,
    server: str | None = None,
    ca: str | None = None,
    json: bool = False,
) -> int:
    """Show the last message, or the newest tweet of a tag."""
    with open_source(db, server, ca) as source:
        tweet = source.last() if tag is None else newest_of(source, tag)
        if tweet is None:
            shell.complain(_NO_LAST if tag is None else no_such_tag(source, tag))
            return shell.NOTHING
    output.write_single(tweet, json=json)
    return shell.DONE
