"""Post one message. Imports no parser."""

from __future__ import annotations

from ttweet.cli import output, shell
from ttweet.cli.open_client import open_client
from ttweet.client import link_errors
from ttweet.model.errors import ConnectError, Refused

SHORT = 150  # characters of a text that needs no check here, as model.tweets.MAX_CHARACTERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ttweet.protocol.replies import Stored


def post(
    text: str,
    *,
    tags: Sequence[str] = (),
    key: str | None = None,
    as_name: str | None = None,
    server: str | None = None,
    ca: str | None = None,
    json: bool = False,
    quiet: bool = False,
) -> int:
    """Post a message and print its id."""
    refuse_impossible(shell.checked_text(text))
    with open_client(server, as_name, ca=ca) as client:
        try:
            stored = client.post(text, tags=tags, key=key)
        except KeyboardInterrupt:
            from ttweet.cli.advice import advised  # most posts are not interrupted

            shell.complain(advised(link_errors.of_upload(ConnectError("unknown", "interrupted"), key)))
            raise
    write_stored(stored, json=json, quiet=quiet)
    return shell.DONE


def refuse_impossible(text: str, ways: str = "--cut or --split") -> None:
    """Raise Refused for a text that no server takes, before one is looked for. `ways`: what takes one too long."""
    if len(text) <= SHORT and "\0" not in text:
        return
    from ttweet.cli.advice import beyond_the_limit  # most texts are short
    from ttweet.model import tweets

    try:
        tweets.refuse_impossible(text)
    except Refused as refused:
        raise beyond_the_limit(refused, f"add {ways}") from refused


def write_stored(stored: Stored, *, json: bool, quiet: bool) -> None:
    """Print the id of a stored message, or all that the server answered. `quiet`: print neither."""
    if quiet:
        return
    if stored.deleted:
        shell.hint(output.key_of_deleted(stored))
    done = shell.stored_with(stored.id)
    if json:
        shell.tell_done(done, output.write_json, output.stored_json(stored))
    else:
        shell.tell_done(done, shell.write, str(stored.id))
