"""The commands that look for tweets: `find` and `show`."""

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter, Token

from ttweet.cli import output, shell
from ttweet.cli.actions import find as action
from ttweet.cli.options import AMOUNT, LIMIT, RARE, Ca, Db, Json, Server, check_name, whole, whole_number
from ttweet.cli.source import open_source
from ttweet.model.errors import Refused
from ttweet.model.limits import MAX_ID, QUERY_LIMIT
from ttweet.model.tweets import Tombstone


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
    return action.find(
        *words,
        limit=limit,
        before=before,
        count=count,
        by=by,
        since=since,
        db=db,
        server=server,
        ca=ca,
        json=json,
    )


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
