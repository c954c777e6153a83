"""The command `post`: one message, or each line of stdin."""

import shlex
from collections.abc import Sequence
from functools import partial
from typing import Annotated

from cyclopts import Parameter

from ttweet.cli import shell
from ttweet.cli.actions import post as action
from ttweet.cli.author import given_name, given_tags
from ttweet.cli.open_client import OpenAs, open_client
from ttweet.cli.options import (
    QUIET,
    RARE,
    SERVER,
    As,
    BesideTags,
    Ca,
    Json,
    WithSpool,
    refuse_conflict,
)
from ttweet.cli.stdin import reader
from ttweet.client.sync_client import Client
from ttweet.model import fitting
from ttweet.model.fitting import Part
from ttweet.model.tweets import MAX_TAGS
from ttweet.protocol.replies import Stored

MAX_PARTS = 100  # tweets of one message with --split: more is a file, for which there is --lines
MAX_STDIN_BYTES = 1024 * 1024  # of a message from stdin, which is kept in memory; a message has 600

Message = Annotated[str, Parameter(name="MESSAGE", help="The text in quotes; put -- before a text that begins with -.")]
Stdin = Annotated[
    bool,
    Parameter(name=["--stdin", "-"], negative="", help="Read the message from stdin."),
]
Lines = Annotated[
    bool, Parameter(name="--lines", negative="", help="Post each line of stdin; empty lines are skipped.")
]
Empty = Annotated[
    bool,
    Parameter(name="--empty", negative="", help="Post an empty message, which resets the last one."),
]
Tags = Annotated[BesideTags, Parameter(help="Add a tag that is not in the text; repeatable.")]
Cut = Annotated[bool, Parameter(name="--cut", negative="", help="Cut a message that is too long, and keep its tags.")]
Split = Annotated[
    bool, Parameter(name="--split", negative="", help="Post a message that is too long in several tweets.")
]
Quiet = Annotated[bool, QUIET, Parameter(help="Print no id.")]
Key = Annotated[
    str | None,
    Parameter(metavar="KEY", help="Idempotency key: a retry with it is not stored again."),
]
Server = Annotated[str | None, SERVER, Parameter(help="The server to post to.")]


def post(
    *message: Message,
    stdin: Stdin = False,
    lines: Lines = False,
    empty: Annotated[Empty, RARE] = False,
    tag: Tags = None,
    key: Key = None,
    as_name: Annotated[As, RARE] = None,
    cut: Cut = False,
    split: Split = False,
    quiet: Quiet = False,
    spool: WithSpool = False,
    server: Server = None,
    ca: Annotated[Ca, RARE] = None,
    json: Json = False,
) -> int:
    """Post a message and print its id."""
    refuse_conflict({"--quiet": quiet, "--json": json})
    refuse_conflict({"--cut": cut, "--split": split, "--lines": lines})
    refuse_conflict({"--split": split, "--spool": spool})
    if key is not None:
        shell.checked_text(key, "the key")
    open_as = partial(open_client, server, ca=ca)
    if spool and not (message or stdin or lines):
        _refuse_without_message(
            {"--empty": empty, "--tag": tag, "--key": key, "--as": as_name, "--cut": cut, "--json": json}
        )
        return _post_waiting(open_as)
    tags, as_name = given_tags(tag), given_name(as_name)
    text = _checked_source(message, stdin=stdin, lines=lines)
    if lines:
        if empty:
            raise shell.UsageError("conflicting options: --empty and --lines; give one of them")
        return _post_lines(open_as(as_name), tags=tags, key=key, json=json, quiet=quiet, spool=spool)
    text = _stdin_text() if text is None else text
    if not (empty or text.strip()):
        raise shell.UsageError(
            f"empty message{' on stdin' if stdin else ''}; give a text, or add --empty to post it anyway"
        )
    for number, part in enumerate(_parts(text, cut=cut, split=split), 1):
        part_key = f"{key}:{number}" if key and split else key
        all_tags = _joined(tags, part)
        if spool:
            stored = _spooled(open_as, as_name, part.text, tags=all_tags, key=part_key)
            action.write_stored(stored, json=json, quiet=quiet)
        else:
            action.post(
                part.text, tags=all_tags, key=part_key, as_name=as_name, server=server, ca=ca, json=json, quiet=quiet
            )
    return shell.DONE


def _parts(text: str, *, cut: bool, split: bool) -> list[Part]:
    """Return the texts to post. Raises UsageError for too many."""
    if not (cut or split):
        return [Part(text, [])]
    parts = [fitting.cut(text)] if cut else fitting.split(text)
    if len(parts) > MAX_PARTS:
        raise shell.UsageError(f"too long: {len(parts):,} tweets with --split; use at most {MAX_PARTS}, or --cut")
    return parts


def _joined(tags: list[str], part: Part) -> tuple[str, ...]:
    return (*tags, *part.tags[: MAX_TAGS - len(tags)])


def _spooled(open_as: OpenAs, name: str | None, text: str, *, tags: Sequence[str], key: str | None) -> Stored:
    from ttweet.cli import spooling

    action.refuse_impossible(text, "--cut")  # as --split has no spool
    return spooling.post(open_as, text, by=name, tags=tags, key=key)


def _refuse_without_message(options: dict[str, object]) -> None:
    """Raise UsageError for an option of a message when there is none, as when a variable is not set."""
    for name, value in options.items():
        if value or value == "":
            raise shell.UsageError(f"missing message: {name} needs one; to post what is waiting: ttweet post --spool")


def _post_waiting(open_as: OpenAs) -> int:
    from ttweet.cli import spooling

    spooling.post_waiting(open_as)
    return shell.DONE


def _post_lines(client: Client, *, tags: list[str], key: str | None, json: bool, quiet: bool, spool: bool) -> int:
    if spool:
        raise shell.UsageError(
            "conflicting options: --spool and --lines; use --lines --key KEY, and retry: no line is posted twice"
        )
    from ttweet.cli.commands.post_lines import post_lines

    with client:
        return post_lines(client, reader(), tags=tags, key=key, json=json, quiet=quiet)


def _checked_source(message: tuple[str, ...], *, stdin: bool, lines: bool) -> str | None:
    """Return the message, or None when it is on stdin. Raises UsageError unless there is exactly one source."""
    if message and (stdin or lines):
        raise shell.UsageError(f"two messages: stdin and {shlex.quote(message[0])}; give one of them")
    if len(message) > 1:
        whole = f"{'-- ' if message[0].startswith('-') else ''}{shlex.quote(' '.join(message))}"
        raise shell.UsageError(f"{len(message)} arguments for one message; quote it: ttweet post {whole}")
    if stdin or lines:
        return None
    if not message:
        raise shell.UsageError(
            "missing message; quote it: ttweet post 'text #tag'; or read it from stdin: ttweet post -"
        )
    return shell.checked_text(message[0])


def _stdin_text() -> str:
    data = reader().read(MAX_STDIN_BYTES + 1)
    if len(data) > MAX_STDIN_BYTES:
        raise shell.UsageError(
            f"stdin is too long: more than {MAX_STDIN_BYTES:,} bytes; to post each line, use --lines"
        )
    text = data.decode(errors="surrogateescape").removesuffix("\n").removesuffix("\r")
    return shell.checked_text(text, "stdin")
