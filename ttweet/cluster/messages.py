"""The requests and answers of etcd's v3 JSON gateway that the log needs. Pure.

Source: etcd's documentation, "gRPC gateway", and `rpc.proto`. The gateway writes numbers of 64 bits as strings, bytes
in base64, and leaves out what is zero, false or empty. Each answer is checked for the kinds of its values.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

MAX_RECORD_BYTES = 1024 * 1024  # of a record: etcd refuses requests above 1.5 MiB

TXN = "/v3/kv/txn"
RANGE = "/v3/kv/range"
PUT = "/v3/kv/put"
COMPACT = "/v3/kv/compaction"
WATCH = "/v3/watch"
GRANT = "/v3/lease/grant"
KEEP_ALIVE = "/v3/lease/keepalive"
REVOKE = "/v3/lease/revoke"
STATUS = "/v3/maintenance/status"
AUTHENTICATE = "/v3/auth/authenticate"

UNAUTHENTICATED = 16  # the gRPC code
INVALID_TOKEN = ("invalid auth token", "revision of auth store is old")  # a JWT is older than a change of users


class MalformedAnswerError(Exception):
    """An answer that is not the gateway's."""


class GatewayError(Exception):
    """The error that etcd answered with: the text, and its gRPC code."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.text = text
        self.code = code

    @property
    def is_compacted(self) -> bool:
        """Whether the history that was asked for is no longer kept."""
        return "compacted" in self.text

    @property
    def is_full(self) -> bool:
        """Whether etcd has reached its quota of space."""
        return "space exceeded" in self.text

    @property
    def is_rejection(self) -> bool:
        """Whether every node would reject the request: a wrong password, a missing right."""
        return self.code in (3, 7) and not self.is_invalid_token  # INVALID_ARGUMENT, PERMISSION_DENIED

    @property
    def is_invalid_token(self) -> bool:
        """Whether the token is not valid, or no longer: another one may be."""
        return self.code == UNAUTHENTICATED or any(text in self.text for text in INVALID_TOKEN)


class Header(Struct):
    """The part that all answers share: the number of the node, and the revision of the store."""

    member_id: int = 0
    revision: int = 0


class KeyValue(Struct):
    """A key with its value. `version` counts the puts since the key was created."""

    key: bytes
    value: bytes = b""
    mod_revision: int = 0
    create_revision: int = 0
    version: int = 0
    lease: int = 0


class RangeResponse(Struct):
    """The answer to a range."""

    header: Header
    kvs: list[KeyValue] = []

    @property
    def first(self) -> KeyValue | None:
        """The first key, if there is any."""
        return self.kvs[0] if self.kvs else None


class _Put(Struct):
    prev_kv: KeyValue | None = None


class _ResponseOp(Struct):
    response_range: RangeResponse | None = None
    response_put: _Put | None = None


class TxnResponse(Struct):
    """The answer to a transaction."""

    header: Header
    succeeded: bool = False
    responses: list[_ResponseOp] = []

    @property
    def found(self) -> KeyValue | None:
        """The first key that the transaction read, if it did and there is one."""
        return next(iter(self.all_found), None)

    @property
    def all_found(self) -> list[KeyValue]:
        """The keys that the transaction read, if it did."""
        ranges = [response.response_range for response in self.responses if response.response_range is not None]
        return [pair for found in ranges for pair in found.kvs]

    @property
    def replaced(self) -> KeyValue | None:
        """The key as it was before the transaction put it, if it asked for that and there was one."""
        for response in self.responses:
            if response.response_put is not None and response.response_put.prev_kv is not None:
                return response.response_put.prev_kv
        return None


class EmptyResponse(Struct):
    """The answer to a put or a compaction."""

    header: Header


class StatusResponse(Struct):
    """The state of one node."""

    header: Header
    version: str
    leader: int = 0


class AuthenticateResponse(Struct):
    """The answer to a password."""

    token: str


class Lease(Struct):
    """The answer to a grant. A lease that has ended has no TTL (s)."""

    ID: int
    TTL: int = 0


class KeepAliveResponse(Struct):
    """The answer to a keep-alive."""

    result: Lease


class WatchEvent(Struct):
    """A put, or a deletion with the type DELETE."""

    kv: KeyValue
    type: str = "PUT"


class WatchResponse(Struct):
    """A line of a watch. After `canceled` nothing comes."""

    header: Header
    created: bool = False
    canceled: bool = False
    compact_revision: int = 0
    cancel_reason: str = ""
    events: list[WatchEvent] = []


class _StreamError(Struct):
    message: str = ""
    grpc_code: int = 0
    code: int = 0


class _WatchLine(Struct):
    result: WatchResponse | None = None
    error: _StreamError | None = None


class _Error(Struct):
    message: str = ""
    error: str = ""
    code: int = 0


T = TypeVar("T")


def encode(value: object) -> bytes:
    """Return a value as JSON, such as the body of a request."""
    return msgspec.json.encode(value)


def decode(data: bytes, kind: type[T]) -> T:
    """Return an answer as a value of its kind. Raises MalformedAnswerError."""
    try:
        return msgspec.json.decode(data, type=kind, strict=False)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise MalformedAnswerError(f"not an answer of etcd: {exc}") from exc


def decode_error(data: bytes) -> GatewayError:
    """Return the error in an answer whose status is not 200. Raises MalformedAnswerError."""
    error = decode(data, _Error)
    return GatewayError(error.message or error.error, error.code)


def decode_watched(line: bytes) -> WatchResponse:
    """Return a line of a watch. Raises GatewayError and MalformedAnswerError."""
    found = decode(line, _WatchLine)
    if found.error is not None:
        raise GatewayError(found.error.message, found.error.grpc_code or found.error.code)
    if found.result is None:
        raise MalformedAnswerError("not an answer of etcd: a line of a watch without a result")
    if found.result.canceled and not found.result.compact_revision:
        raise GatewayError(f"etcd cancelled the watch: {found.result.cancel_reason}", 0)
    return found.result


class KeyRange(NamedTuple):
    """All keys that begin alike."""

    prefix: bytes

    @property
    def fields(self) -> dict[str, Any]:
        """The range as the fields of a request."""
        return {"key": self.prefix, "range_end": self.prefix[:-1] + bytes([self.prefix[-1] + 1])}


def put_number(key: bytes, number: int, value: bytes, *, end: bytes) -> dict[str, Any]:
    """Return a transaction that puts the key for the time `number`, or else reads it. Doing it twice puts once.

    The key `end` is put with it, and the answer says what it was before.
    """
    compare = {"key": key, "target": "VERSION", "result": "EQUAL", "version": number - 1}
    return _either([compare], [put(key, value), put(end) | {"prev_kv": True}], key)


def put_new(key: bytes, value: bytes) -> dict[str, Any]:
    """Return a transaction that puts a key which does not exist, or else reads it."""
    return _either([_is_free(key)], [put(key, value)], key)


def replace_equal(before: Mapping[bytes, bytes], after: Mapping[bytes, bytes], lease: int) -> dict[str, Any]:
    """Return a transaction that puts keys in place of others, which must have their values, or else reads the keys.

    Keys of `after` alone must not exist. The new ones end with the lease.
    """
    compare = [_has(*pair) for pair in before.items()] + [_is_free(key) for key in after.keys() - before.keys()]
    request = _either(compare, [put(*pair, lease) for pair in after.items()], *after)
    request["success"] += [_removal(key) for key in before.keys() - after.keys()]
    return request


def remove_equal(keys: Mapping[bytes, bytes]) -> dict[str, Any]:
    """Return a transaction that removes keys if all have these values."""
    return {"compare": [_has(*pair) for pair in keys.items()], "success": [_removal(key) for key in keys]}


def _is_free(key: bytes) -> dict[str, Any]:
    return {"key": key, "target": "CREATE", "result": "EQUAL", "create_revision": 0}


def _has(key: bytes, value: bytes) -> dict[str, Any]:
    return {"key": key, "target": "VALUE", "result": "EQUAL", "value": value}


def _removal(key: bytes) -> dict[str, Any]:
    return {"requestDeleteRange": {"key": key}}


def _either(compare: list[dict[str, Any]], puts: list[dict[str, Any]], *keys: bytes) -> dict[str, Any]:
    return {
        "compare": compare,
        "success": [{"requestPut": each} for each in puts],
        "failure": [{"requestRange": {"key": key}} for key in keys],
    }


def put(key: bytes, value: bytes = b"", lease: int = 0) -> dict[str, Any]:
    """Return a put of a key, which ends with the lease if there is one."""
    return {"key": key, "value": value, "lease": lease}


def all_of(keys: KeyRange, limit: int) -> dict[str, Any]:
    """Return a linearizable range of a bounded number of keys with their values."""
    return keys.fields | {"limit": limit}


def get(key: bytes) -> dict[str, Any]:
    """Return a linearizable range of one key."""
    return {"key": key}


def revision_of(pair: KeyValue | None) -> int:
    """Return the revision at which a key was put; 0 for one that there is not."""
    return 0 if pair is None else pair.mod_revision


def watch(keys: KeyRange, after: int) -> dict[str, Any]:
    """Return a watch of all puts of the range above a revision, in answers of a bounded size."""
    return {"create_request": keys.fields | {"start_revision": after + 1, "filters": ["NODELETE"], "fragment": True}}
