"""The command `token`: make, list and revoke the tokens of a database, with its server running or without."""

import math
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from ttweet import defaults
from ttweet.cli import output, shell
from ttweet.cli.options import FILE, Json, seconds
from ttweet.cli.source import db_path
from ttweet.model import stored, tweets
from ttweet.model.errors import Refused
from ttweet.model.reports import escape
from ttweet.model.times import now_ms
from ttweet.security import tokens
from ttweet.security.token_file import TokenFile
from ttweet.storage.sqlite.header import refuse_foreign

LONGEST_S = 100 * 366 * 86_400  # lifetime of a token, a century: every program can show the time

Action = Annotated[Literal["add", "list", "revoke"], Parameter(name="ACTION", help="add, list or revoke.")]
Name = Annotated[
    str | None,
    Parameter(name="NAME", help="The name of the token, which is the author of its tweets."),
]
Can = Annotated[
    str | None,
    Parameter(name="--can", metavar="RIGHTS", help="Rights: read, post, admin; default: read,post."),
]
Expires = Annotated[
    str | None,
    Parameter(name="--expires", metavar="TIME", help="Time until the token expires: 12h, 90d; default: never."),
]
Db = Annotated[Path | None, FILE, Parameter(name="--db", help="The database that the token is for.")]


def token(
    action: Action,
    name: Name = None,
    /,
    *,
    can: Can = None,
    expires: Expires = None,
    db: Db = None,
    json: Json = False,
) -> int:
    """Make, list or revoke tokens."""
    _check(action, name, can, expires)
    path = db_path(db)
    file = TokenFile(path)
    if action == "list":
        return _list(file, json=json)
    try:
        rule = tweets.checked_name if action == "add" else stored.checked_name
        checked = rule(shell.checked_text(name or "", "the name"))
        rights = tokens.checked_rights(defaults.RIGHTS_OF_TOKENS if can is None else can)
    except Refused as refused:
        raise shell.UsageError(refused.text) from refused
    if action == "add":
        refuse_foreign(path)  # a token for it would be good for nothing
        return _add(file, path, checked, rights, expires, json=json)
    return _revoke(file, checked, json=json)


def _check(action: str, name: str | None, can: str | None, expires: str | None) -> None:
    """Raise UsageError for what does not belong together."""
    if action == "list" and name is not None:
        raise shell.UsageError("unexpected NAME; run: ttweet token list")
    if action != "list" and name is None:
        raise shell.UsageError(f"missing NAME; run: ttweet token {action} NAME")
    if action != "add" and (can is not None or expires is not None):
        raise shell.UsageError("invalid options: --can and --expires belong to ttweet token add")


def _add(file: TokenFile, db: Path, name: str, rights: frozenset[str], expires: str | None, *, json: bool) -> int:
    token, secret = file.add(name, rights, expires=_end(expires))
    done = f"the token of {name} was made and not shown; revoke it, and add another: ttweet token revoke {name}"
    if json:
        shell.tell_done(done, output.write_json, _shown(token) | {"token": secret})
        return shell.DONE
    shell.tell_done(done, shell.write, secret)
    whose = name if db.exists() else f"{name} for {escape(str(db))}, which does not exist yet"
    shell.hint(f"token of {whose}; save it now, it is not shown again")
    shell.hint("to use it, set TTWEET_TOKEN to it, or TTWEET_TOKEN_FILE to a file with it that only you can read")
    return shell.DONE


def _end(expires: str | None) -> int | None:
    """When a token that is made now expires. Raises UsageError."""
    for_s = seconds(expires, "--expires", bare=False)
    if for_s is not None and not 0 < for_s <= LONGEST_S:
        raise shell.UsageError(f"invalid --expires {expires!a}: use 1s to 36600d, or omit it for no end")
    return None if for_s is None else now_ms() + math.ceil(for_s * 1000)


def _revoke(file: TokenFile, name: str, *, json: bool) -> int:
    token = file.revoke(name)
    if json:
        output.write_json(_shown(token))
    else:
        shell.hint(f"the token of {name} is revoked; a running server disconnects its clients within a second")
    return shell.DONE


def _list(file: TokenFile, *, json: bool) -> int:
    found = file.read()
    if not found:
        shell.complain(f"no tokens for {escape(str(file.db))}; add one: ttweet token add NAME")
        return shell.NOTHING
    if json:
        for token in found:
            output.write_json(_shown(token))
    else:
        output.write_tokens(found, now=now_ms())
    return shell.DONE


def _shown(token: tokens.Token) -> dict[str, object]:
    """Return a token as JSON shows it: without its hash and number, which are internal."""
    known = token.as_json()
    return {"name": known["name"], "can": known["rights"]} | {
        field: known[field] for field in ("created", "expires", "used", "revoked")
    }
