"""Answers: values to bytes for the server, and decoded JSON to values for the clients.

Each decoder checks the kind and the size of every value, and raises one of `frames.MISFITS` for what no ttweet
answers. Fields that are not known are ignored, as later versions may add some. Texts, names and tags are data and stay
as they are: escape them before a terminal gets them. `results` has the decoders of tweets and of what queries find.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import NoneType
from typing import Any

from ttweet.model.answers import Answer, Done, Following, Identity, Names, Shared, SignedIn, Stats
from ttweet.model.errors import SlowDown, TtweetError
from ttweet.model.limits import MAX_ID, PAGE_BYTES
from ttweet.model.records import (
    Count,
    Deletion,
    Found,
    Page,
    TagPage,
    Tombstone,
    Tweet,
    as_json,
    shown,
)
from ttweet.protocol import frames, kinds, operations
from ttweet.protocol.json_codec import STDLIB_JSON, Json

MAX_NAMES = 10_000  # online names that a client accepts; a server has 1,000 clients by default
MAX_RIGHTS = 32  # rights of a token that a client accepts; 3 exist
MAX_STATS = 64  # parts of the server's state that a client accepts, and values of each; there are 9 with 20 at most

_STORED = frames.template(operations.OK, b'{"id":%d,"at":%d,"tags":%b}')
_DELETED = frames.template(operations.OK, b'{"id":%d,"at":%d,"tags":[],"deleted":true}')
_PAGE = frames.template(operations.OK, b'{"tweets":[%b],"more":%b}')
_FOUND = frames.template(operations.OK, b'{"tweets":[%b],"more":%b,"searched_to":%b}')


def encode(answer: Answer, json: Json = STDLIB_JSON) -> bytes:
    """Encode what a query is answered."""
    return _ENCODERS[type(answer)](answer, json)


def encode_outcome(outcome: Tweet | Tombstone | TtweetError, json: Json = STDLIB_JSON) -> bytes:
    """Encode the answer to an upload: its id, its time and the tags that find it, or that it was deleted since."""
    if isinstance(outcome, Tweet):
        return _STORED % (outcome.id, outcome.at, json.dumps(outcome.tags))
    return _DELETED % outcome if isinstance(outcome, Tombstone) else encode_error(outcome, json)


def encode_error(error: TtweetError, json: Json = STDLIB_JSON) -> bytes:
    """Encode the answer to what is not carried out."""
    data: dict[str, object] = {"code": error.code, "text": error.public_text}
    if isinstance(error, SlowDown):
        data["wait"] = error.wait_s
    return json.dumps((operations.ERR, data)) + b"\n"


class KeptEncoder:
    """Encodes answers, and the last message once for all that ask for it."""

    __slots__ = ("_json", "_kept", "_last")

    def __init__(self, json: Json = STDLIB_JSON) -> None:
        self._json = json
        self._last: Answer = None
        self._kept = encode(None, json)

    def encode(self, answer: Answer) -> bytes:
        """Encode what a query is answered. The answer must not change any more."""
        if answer is self._last:
            return self._kept
        data = encode(answer, self._json)
        if type(answer) is Tweet:
            self._last, self._kept = answer, data
        return data


def _encode_shared(shared: Shared[Page] | Shared[TagPage], json: Json) -> bytes:
    encoded = shared.encoded.get(json)
    if encoded is None:
        encoded = shared.encoded[json] = _ENCODERS[type(shared.value)](shared.value, json)
    return encoded


def _encode_ok(data: object, json: Json) -> bytes:
    return json.dumps((operations.OK, data)) + b"\n"


def _encode_last(last: Tweet | None, json: Json) -> bytes:
    newest = shown(last)
    return _encode_ok(newest and as_json(newest), json)


def _encode_tombstone(tombstone: Tombstone, json: Json) -> bytes:
    return _encode_ok({**tombstone._asdict(), "deleted": True}, json)


def _encode_page(page: Page, json: Json) -> bytes:
    tweets, is_cut = _encode_tweets(page.tweets, json)
    return _PAGE % (tweets, json.dumps(page.more or is_cut))


def _encode_found(found: Found, json: Json) -> bytes:
    tweets, is_cut = _encode_tweets(found.tweets, json)
    more, searched_to = json.dumps(found.more or is_cut), json.dumps(None if is_cut else found.searched_to)
    return _FOUND % (tweets, more, searched_to)


def _encode_count(count: Count, json: Json) -> bytes:
    return _encode_ok({"count": count.number, "searched_to": count.searched_to}, json)


def _encode_tweets(tweets: Sequence[Tweet], json: Json) -> tuple[bytes, bool]:
    """Encode tweets, or as many as PAGE_BYTES hold, and tell whether some are missing."""
    encoded: list[bytes] = []
    size = 0
    for tweet in tweets:
        if size >= PAGE_BYTES:
            break
        encoded.append(json.dumps(as_json(tweet)))
        size += len(encoded[-1])
    return b",".join(encoded), len(encoded) < len(tweets)


def _encode_tag_page(page: TagPage, json: Json) -> bytes:
    tags = [{"tag": one.tag, "count": one.count, "newest": one.newest, "days": one.days} for one in page.tags]
    return _encode_ok({"tags": tags, "more": page.more}, json)


def _encode_following(following: Following, json: Json) -> bytes:
    pruned = {} if following.pruned_up_to is None else {"gone": following.pruned_up_to}
    return _encode_ok({"from": following.cursor} | pruned, json)


def _encode_identity(identity: Identity, json: Json) -> bytes:
    return _encode_ok({"name": identity.name, "can": identity.rights}, json)


def _encode_fields(answer: Deletion | SignedIn | Names, json: Json) -> bytes:
    return _encode_ok(answer._asdict(), json)


_ENCODERS: dict[type, Callable[[Any, Json], bytes]] = {
    Tweet: _encode_last,
    Tombstone: _encode_tombstone,
    NoneType: _encode_last,
    Shared: _encode_shared,
    Page: _encode_page,
    Found: _encode_found,
    Count: _encode_count,
    TagPage: _encode_tag_page,
    Deletion: _encode_fields,
    Following: _encode_following,
    SignedIn: _encode_fields,
    Identity: _encode_identity,
    Names: _encode_fields,
    Stats: lambda stats, json: _encode_ok(stats.parts, json),
    Done: lambda _, json: _encode_ok(None, json),
}


def following(data: Any) -> Following:
    """Return where a follower begins."""
    return Following(kinds.integer(data["from"]), kinds.integer(data["gone"]) if "gone" in data else None)


def signed_in(data: Any) -> SignedIn:
    """Return the name that was taken."""
    return SignedIn(kinds.string(data["name"]), kinds.integer(data["after"]))


def identity(data: Any) -> Identity:
    """Return the identity of a token."""
    rights = [kinds.string(right) for right in kinds.array(data["can"], MAX_RIGHTS)]
    return Identity(kinds.string_or_none(data["name"]), tuple(rights))


def names(data: Any) -> Names:
    """Return the names that are online."""
    return Names([kinds.string(name) for name in kinds.array(data["names"], MAX_NAMES)])


def stats(data: Any) -> Stats:
    """Return objects of numbers, strings, booleans and None."""
    parts = kinds.mapping(data, MAX_STATS)
    return Stats({part: _stats_part(values) for part, values in parts.items()})


def _stats_part(data: Any) -> dict[str, Any]:
    values = {name: _stats_value(value) for name, value in kinds.mapping(data, MAX_STATS).items()}
    if "started" in values:
        kinds.at(values["started"])
    return values


def _stats_value(value: Any) -> Any:
    if type(value) is float and math.isfinite(value) and abs(value) <= MAX_ID:
        return value
    if type(value) is int:
        return kinds.integer(value, lowest=-MAX_ID)
    return value if type(value) is bool else kinds.string_or_none(value)
