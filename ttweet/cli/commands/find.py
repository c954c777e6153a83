"""The commands that look for tweets: `find` and `show`."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, Token

from ttweet.cli import output, shell
from ttweet.cli.options import AMOUNT, LIMIT, RARE, Ca, Db, Json, Server, check_name, whole, whole_number
from ttweet.cli.source import Source, checked_query, open_source
from ttweet.model import query
from ttweet.model.errors import Refused
from ttweet.model.limits import MAX_ID, QUERY_LIMIT
from ttweet.model.times import now_ms
from ttweet.model.tweets import Found, Tombstone, as_json


def _id(type_: type, tokens: Sequence[Token]) -> int:
    """Convert an id as `find` shows it on a terminal, `#42`, or the number alone."""
    [token] = tokens
    return whole_number(type_, [token.evolve(value=token.value.removeprefix("#"))])


Id = Annotated[int, whole(1, MAX_ID), Parameter(name="ID", converter=_id, help="The id of the tweet.")]
Words = Annotated[str, Parameter(name="QUERY", help="Words, tags, authors and times; see the examples.")]
Limit = Annotated[int, AMOUNT, LIMIT, Parameter(help="Show at most N tweets.")]
Before = Annotated[
    int | None,
    RARE,
    whole(1, MAX_ID),
    Parameter(name="--before", metavar="ID", converter=_id, help="Only tweets before this one."),
]
Count = Annotated[bool, Parameter(name="--count", negative="", help="Show only how many tweets there are.")]
By = Annotated[
    str | None, Parameter(name="--by", metavar="NAME", validator=check_name, help="Only tweets of this author.")
]
Since = Annotated[
    str | None, Parameter(name="--since", metavar="TIME", help="Only tweets of the last 2h or 7d, or since 2026-01-31.")
]


def find(
    *words: Words,
    limit: Limit = QUERY_LIMIT,
    before: Before = None,
    count: Count = False,
    by: By = None,
    since: Since = None,
    db: Db = None,
    server: Server = None,
    ca: Ca = None,
    json: Json = False,
) -> int:
    """Find tweets, the newest last."""
    asked = _asked(words, by=by, since=since)
    wanted = checked_query(asked)
    most = None if limit == QUERY_LIMIT else limit
    given = {"--by": by, "--since": since, "--limit": most, "--db": db, "--server": server, "--ca": ca}
    again = _again(words, given, ["--json"] * json)
    with open_source(db, server, ca) as source:
        if count:
            return _count(source, asked, before)
        found = source.find(asked, limit=limit, before=before)
    newest_last = found.tweets[::-1]
    if json:
        for tweet in newest_last:
            output.write_json(as_json(tweet))
    elif newest_last:
        output.write_tweets(newest_last, now=now_ms(), marks=lambda text: query.marks(wanted, text))
    if not newest_last:
        shell.complain(f"no tweet found: {asked}" if asked else "no older tweets" if before else "no tweets yet")
    _tell_where_to_go_on(found, again)
    return shell.DONE if newest_last else shell.NOTHING


def _count(source: Source, asked: str, before: int | None) -> int:
    """Write how many tweets there are, counted by as many queries as it takes."""
    number = 0
    while True:
        counted = source.count(asked, before=before)
        number += counted.number
        if counted.searched_to is None or (before is not None and counted.searched_to >= before):
            break
        before = counted.searched_to
    shell.write(f"{number}")
    return shell.DONE if number else shell.NOTHING


def _tell_where_to_go_on(found: Found, again: str) -> None:
    if (end := found.searched_to) is not None:
        shell.hint(f"searched back to #{end} in half a second; older: {again} --before {end}")
    elif found.more and found.tweets:
        shown = "the newest tweet" if len(found.tweets) == 1 else f"the {len(found.tweets):,} newest tweets"
        shell.hint(f"{shown}; older: {again} --before {found.tweets[-1].id}")


def _asked(words: Sequence[str], *, by: str | None, since: str | None) -> str:
    """Return the query that the words and the options make."""
    options = [f'{name}:"{value}"' for name, value in (("from", by), ("since", since)) if value is not None]
    return " ".join([*options, *words])  # the options first, as a quote may be left open


def _again(words: Sequence[str], options: dict[str, str | int | Path | None], flags: Sequence[str]) -> str:
    """Return the command line that continues, without the id that it continues at."""
    given = [word for name, value in options.items() if value is not None for word in (name, str(value))]
    return shlex.join(["ttweet", "find", *words, *given, *flags])


def show(id_: Id, /, *, db: Db = None, server: Server = None, ca: Ca = None, json: Json = False) -> int:
    """Show one tweet."""
    try:
        with open_source(db, server, ca) as source:
            found = source.tweet(id_)
    except Refused as refused:
        if refused.code != "no_tweet":
            raise
        shell.complain(f"no tweet has the id {id_}")
        return shell.NOTHING
    if found is None or isinstance(found, Tombstone):
        shell.complain(f"tweet {id_} {'is an empty message' if found is None else 'was deleted'}")
        return shell.NOTHING
    output.write_single(found, json=json)
    return shell.DONE
