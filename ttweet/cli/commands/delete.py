"""The command `delete`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ttweet.cli import output, shell
from ttweet.cli.advice import advising
from ttweet.cli.open_client import open_client
from ttweet.cli.options import FILE, SERVER, Ca, Json, tweet_id, whole
from ttweet.cli.source import refuse_two_sources
from ttweet.model.errors import Refused
from ttweet.model.limits import MAX_ID
from ttweet.model.tweets import Deletion

Ids = Annotated[int, whole(1, MAX_ID), Parameter(name="ID", converter=tweet_id, help="The id of a tweet.")]
Db = Annotated[Path | None, FILE, Parameter(help="Delete in this database, which must not be in use.")]
Server = Annotated[str | None, SERVER, Parameter(help="The server to delete from.")]

_OTHER = "choose another with --db, or ask a server: --server HOST:PORT"


def delete(*ids: Ids, db: Db = None, server: Server = None, ca: Ca = None, json: Json = False) -> int:
    """Delete tweets; continue with the others when one does not exist."""
    if not ids:
        raise shell.UsageError("missing ID; run: ttweet delete ID; for ids: ttweet find")
    refuse_two_sources(db, server, ca)
    with _from_server(server, ca) if db is None else _from_file(db) as delete_one:
        found = [_deleted(delete_one, tweet, json=json) for tweet in ids]
    return shell.DONE if all(found) else shell.NOTHING


def _deleted(delete_one: Callable[[int], Deletion], tweet: int, *, json: bool) -> bool:
    """Delete one and print that it is; False when there is none of this id."""
    try:
        deletion = delete_one(tweet)
    except Refused as error:
        if error.code != "no_tweet":
            raise
        shell.complain(f"no tweet has the id {tweet}; ttweet find shows the ids")
        return False
    if json:
        output.write_json(deletion._asdict())
    else:
        shell.write(str(deletion.tweet))
    return True


@contextmanager
def _from_server(server: str | None, ca: str | None) -> Iterator[Callable[[int], Deletion]]:
    with open_client(server, ca=ca) as client:
        yield client.delete


@contextmanager
def _from_file(db: Path) -> Iterator[Callable[[int], Deletion]]:
    from ttweet.storage import local  # a command that asks a server does not need them
    from ttweet.storage.sqlite.reader import SqliteReader

    with advising(missing=_OTHER, locked="use --server HOST:PORT, or stop that server: kill {}"):
        SqliteReader(db).close()  # opening it for writing would create it
        store = local.open(db)
    with store:
        yield store.delete
