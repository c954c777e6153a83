"""Answers to requests as values, and their bytes: a response, whole, or a stream."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

from ttweet.broker.subscriptions import Encoder
from ttweet.model.requests import Follow

Headers = Sequence[tuple[str, str]]
"""Names and values; no value has a line break."""

TEXT = "text/plain; charset=utf-8"
API_POLICY = "default-src 'none'; frame-ancestors 'none'"
"""The Content-Security-Policy of what is no page: a browser that shows it runs nothing of it."""

_ALWAYS = (
    "X-Content-Type-Options: nosniff\r\nReferrer-Policy: same-origin\r\nCross-Origin-Resource-Policy: same-origin\r\n"
)
_BODILESS = (204, 304)
_REASONS = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class Response:
    """A status, a body with its type, and headers beside those that every response has."""

    status: int
    body: bytes = b""
    type: str = TEXT
    headers: Headers = ()
    policy: str = API_POLICY
    """Its Content-Security-Policy."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A response without an end: what a client follows, in the form of an encoder, whose pushes are chunks.

    `first` is the chunk before the first push.
    """

    follow: Follow
    encoder: "ChunkEncoder"
    type: str
    first: bytes = b""


class ChunkEncoder(Encoder):
    """Pushes as chunks of a response; see subscriptions.Encoder."""

    form: str
    """See places.Guest."""
    keep_alive: bytes
    """The bytes that a follower gets when there is nothing else to send."""


LAST_CHUNK = b"0\r\n\r\n"
"""Ends a stream."""


def chunk(data: bytes) -> bytes:
    """Return data as a chunk of a response; see RFC 9112, section 7.1."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def encode(response: Response, *, head_only: bool = False, closes: bool = False) -> bytes:
    """Return a response as bytes. `head_only` answers HEAD; `closes` says that the connection ends with it."""
    fields = _fields(response.headers)
    if response.status not in _BODILESS:
        fields += f"Content-Type: {response.type}\r\nContent-Length: {len(response.body)}\r\n"
        fields += f"Content-Security-Policy: {response.policy}\r\n"
    return _head(response.status, fields, closes=closes) + (b"" if head_only else response.body)


def encode_head(stream: Stream, *, head_only: bool = False) -> bytes:
    """Return the head of a stream, with its first chunk unless `head_only` answers HEAD."""
    fields = f"Content-Type: {stream.type}\r\nCache-Control: no-store\r\nTransfer-Encoding: chunked\r\n"
    fields += f"X-Accel-Buffering: no\r\nContent-Security-Policy: {API_POLICY}\r\n"
    return _head(200, fields, closes=True) + (b"" if head_only else stream.first)


def _head(status: int, fields: str, *, closes: bool) -> bytes:
    connection = "Connection: close\r\n" if closes else ""
    start = f"HTTP/1.1 {status} {_REASONS[status]}\r\nDate: {_dates.now()}\r\n"
    return f"{start}{fields}{_ALWAYS}{connection}\r\n".encode("latin-1")


def _fields(headers: Headers) -> str:
    return "".join([f"{name}: {value}\r\n" for name, value in headers])


class _Dates:
    """The time as HTTP writes it, made once a second."""

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def now(self) -> str:
        second = int(time.time())
        if second != self._second:
            self._second, self._text = second, formatdate(second, usegmt=True)
        return self._text


_dates = _Dates()
