"""A server's reply to one request, and the two that the classic commands read; `answers` has the others.

Each function raises one of `frames.MISFITS` for what no ttweet replies. Quick to import: the classic commands use it.
"""

from __future__ import annotations

from ttweet.model.errors import Refused, SlowDown
from ttweet.model.reports import escape
from ttweet.protocol import frames, kinds, operations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_CODE_CHARACTERS = 32  # of an error code; the longest has 13
MAX_REFUSAL_CHARACTERS = 600  # of an error's text, the rest is cut; the longest has 500
MAX_WAIT_S = 3600  # until the next attempt; a server that needs longer answers `slow_down` again


class Stored:
    """The server's answer to an upload: its id, its time (ms since 1970 UTC), and the tags that find it.

    `deleted`: the key was used before, for a tweet that has been deleted since. Nothing was stored.
    """

    __slots__ = ("at", "deleted", "id", "tags")

    def __init__(self, id: int, at: int, tags: list[str], *, deleted: bool = False) -> None:  # noqa: A002
        self.id = id
        self.at = at
        self.tags = tags
        self.deleted = deleted

    def __repr__(self) -> str:
        deleted = ", deleted=True" if self.deleted else ""
        return f"Stored(id={self.id}, at={self.at}, tags={self.tags}{deleted})"


def data_of(line: bytes) -> Any:
    """Return the data of a reply, unchecked. Raises Refused when the reply is an error."""
    reply: Any = frames.loads(line)
    kind, data = reply
    if kind == operations.ERR:
        raise refusal(data)
    if kind != operations.OK:
        raise ValueError(kind)
    return data


def is_reply(line: bytes) -> bool:
    """Whether a line of a connection that follows, too, is a reply and no push."""
    frame: Any = frames.loads(line)
    return frame[0] in (operations.OK, operations.ERR)


def refusal(data: Any) -> Refused:
    """Return a server's error as its client raises it, its text escaped: callers print it."""
    code, text = data["code"], data["text"]
    if type(code) is not str or type(text) is not str:
        raise ValueError("an error has a code and a text")
    if not (len(code) <= MAX_CODE_CHARACTERS and code.isascii() and code.replace("_", "").isalpha()):
        raise ValueError("an error's code is a word")
    text = escape(text[:MAX_REFUSAL_CHARACTERS])[:MAX_REFUSAL_CHARACTERS]
    wait_s = data.get("wait")
    if code == "slow_down" and type(wait_s) is int:
        return SlowDown(text, min(max(wait_s, 0), MAX_WAIT_S))
    return Refused(code, text)


def stored(data: Any) -> Stored:
    """Return the server's answer to a post."""
    id_, tags = kinds.integer(data["id"], lowest=1), kinds.tags(data["tags"])
    return Stored(id_, kinds.at(data["at"]), tags, deleted=kinds.flag(data.get("deleted", False)))


def last_text(data: Any) -> str:
    """Return the text of the newest tweet; empty when there is none."""
    return "" if data is None else kinds.string(data["text"])


def done(_: object) -> None:
    """Take a reply that says no more than that the request was carried out."""
