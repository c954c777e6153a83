"""The command `show`."""

from typing import Annotated

from cyclopts import Parameter

from ttweet.cli import output, shell
from ttweet.cli.options import Ca, Db, Json, Server, tweet_id, whole
from ttweet.cli.source import open_source
from ttweet.model.errors import Refused
from ttweet.model.limits import MAX_ID
from ttweet.model.tweets import Tombstone

Id = Annotated[int, whole(1, MAX_ID), Parameter(name="ID", converter=tweet_id, help="The id of the tweet.")]


def show(id_: Id, /, *, db: Db = None, server: Server = None, ca: Ca = None, json: Json = False) -> int:
    """Show one tweet."""
    try:
        with open_source(db, server, ca) as source:
            found = source.tweet(id_)
    except Refused as refused:
        if refused.code != "no_tweet":
            raise
        shell.complain(f"no tweet has the id {id_}; ttweet find shows the ids")
        return shell.NOTHING
    if found is None or isinstance(found, Tombstone):
        shell.complain(f"tweet {id_} {'is an empty message' if found is None else 'was deleted'}")
        return shell.NOTHING
    output.write_single(found, json=json)
    return shell.DONE
