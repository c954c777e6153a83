"""The command `find`."""

from typing import Annotated

from cyclopts import Parameter

from ttweet.cli.actions import find as action
from ttweet.cli.options import AMOUNT, LIMIT, RARE, By, Ca, Db, Json, Server, refuse_conflict, tweet_id, whole
from ttweet.model.limits import MAX_ID, QUERY_LIMIT

Words = Annotated[str, Parameter(name="QUERY", help="Words, tags, authors and times; see the examples.")]
Limit = Annotated[int, AMOUNT, LIMIT, Parameter(help="Show at most N tweets.")]
Before = Annotated[
    int | None,
    RARE,
    whole(1, MAX_ID),
    Parameter(name="--before", metavar="ID", converter=tweet_id, help="Only tweets before this one."),
]
Count = Annotated[bool, Parameter(name="--count", negative="", help="Show only how many tweets are found.")]
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
    refuse_conflict({"--count": count, "--limit": None if limit == QUERY_LIMIT else limit})
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
