"""The command `last`."""

from typing import Annotated

from cyclopts import Parameter

from ttweet.cli.actions import last as action
from ttweet.cli.options import Ca, Db, Json, Server

Tag = Annotated[str | None, Parameter(name="TAG", help="Show the newest tweet of this tag, in any case.")]


def last(tag: Tag = None, /, *, db: Db = None, server: Server = None, ca: Ca = None, json: Json = False) -> int:
    """Show the last message, or the newest tweet of a tag."""
    return action.last(tag, db=db, server=server, ca=ca, json=json)
