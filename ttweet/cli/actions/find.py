"""Find tweets, and show those found. Imports no parser."""

from __future__ import annotations

import sys
from functools import partial

from ttweet.cli import output, settings, shell
from ttweet.cli.source import check_query, check_since, checked_query, open_source, tell_unknown_fields
from ttweet.model.limits import QUERY_LIMIT
from ttweet.model.records import as_json
from ttweet.model.times import now_ms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from ttweet.cli.source import Source
    from ttweet.model.records import Found


def find(
    *words: str,
    limit: int = QUERY_LIMIT,
    before: int | None = None,
    count: bool = False,
    by: str | None = None,
    since: str | None = None,
    db: Path | None = None,
    server: str | None = None,
    ca: str | None = None,
    json: bool = False,
) -> int:
    """Find tweets, the newest last."""
    if since is not None:
        check_since(since)
    asked = _asked(words, by=by, since=since)
    check_query(asked)
    most = None if limit == QUERY_LIMIT else limit
    given = {"--by": by, "--since": since, "--limit": most, "--db": db, "--server": server, "--ca": ca}
    with open_source(db, server, ca) as source:
        if count:
            return _count(source, asked, before, json=json)
        found = source.find(asked, limit=limit, before=before)
    newest_last = found.tweets[::-1]
    if json:
        for tweet in newest_last:
            output.write_json(as_json(tweet))
    elif newest_last:
        output.write_tweets(newest_last, now=now_ms(), marks=_marks(asked))
    if not newest_last:
        shell.complain(f"no tweet found: {asked}" if asked else "no older tweets" if before else "no tweets yet")
        tell_unknown_fields(asked)
    if found.searched_to is not None or found.more:
        _tell_where_to_go_on(found, partial(_again, words, given, ["--json"] * json))
    return shell.DONE if newest_last else shell.NOTHING


def _marks(asked: str) -> output.Marks | None:
    """Return what finds the words of a query in a text, for a terminal."""
    if not shell.on_terminal(sys.stdout):
        return None
    from ttweet.model import query  # a script goes without

    wanted = checked_query(asked)
    return lambda text: query.marks(wanted, text)


def _count(source: Source, asked: str, before: int | None, *, json: bool) -> int:
    """Write how many tweets there are, counted by as many queries as it takes."""
    number = 0
    while True:
        counted = source.count(asked, before=before)
        number += counted.number
        if counted.searched_to is None or (before is not None and counted.searched_to >= before):
            break
        before = counted.searched_to
    if json:
        output.write_json({"count": number})
    else:
        shell.write(f"{number}")
    if not number:
        tell_unknown_fields(asked)
    return shell.DONE if number else shell.NOTHING


def _tell_where_to_go_on(found: Found, older: Callable[[int], str]) -> None:
    if (end := found.searched_to) is not None:
        shell.hint(f"searched back to #{end} in half a second; older: {older(end)}")
    elif found.more and found.tweets:
        shown = "the newest tweet" if len(found.tweets) == 1 else f"the {len(found.tweets):,} newest tweets"
        shell.hint(f"{shown}; older: {older(found.tweets[-1].id)}")


def _asked(words: Sequence[str], *, by: str | None, since: str | None) -> str:
    """Return the query that the words and the options make."""
    options = [
        f"{name}:{value}" if value.isalnum() else f'{name}:"{value}"'
        for name, value in (("from", by), ("since", since))
        if value is not None
    ]
    return " ".join([*options, *words])  # the options first, as a quote may be left open


def _again(words: Sequence[str], options: Mapping[str, object], flags: Sequence[str], before: int) -> str:
    """Return the command line that finds older tweets. Words that look like options stand behind `--`."""
    given = [*settings.options_given(options), *flags, "--before", str(before)]
    if any(word.startswith("-") for word in words):
        return settings.command_line("find", *given, "--", *words)
    return settings.command_line("find", *words, *given)
