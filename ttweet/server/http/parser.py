"""A client's bytes as requests. h11 reads them; this bounds them, and refuses what two readers could read in two ways.

Answers are not h11's: each request gets a parser of its own, which begins with what was sent ahead of the answer.
"""

import re
from typing import NamedTuple

import h11

from ttweet.server.http.problems import Malformed, NotHttp
from ttweet.server.http.request import HttpRequest

MAX_HEAD_BYTES = 16 * 1024  # of a request line and headers, as nginx and h11 have it; a browser sends 2 KiB
MAX_BODY_BYTES = 16 * 1024  # of a body, as of a frame; a form of 150 characters, each percent-encoded, has 2 KiB
MAX_CONTENT_LENGTH_DIGITS = 20  # of a Content-Length

_END_OF_HEAD = re.compile(rb"\n\r?\n")  # as h11 has it
_BODY = frozenset({"content-length", "transfer-encoding"})  # headers of a request with a body, see RFC 9112, 6
_OF_TTWEET = re.compile(rb"\[|[ud]\n")  # the first bytes of a framed or a classic client
_FOLD = re.compile(rb"\n[ \t]")


_HEADERS = {
    "Host": "send the header Host once, such as Host: localhost",
    "Content-Length": "send the header Content-Length once, with a whole number",
    "Transfer-Encoding": "send the header Transfer-Encoding once, as chunked",
}
"""The remedies for the headers that an error of h11 names."""


class _Head(NamedTuple):
    method: str
    path: str
    query: str
    headers: dict[str, str]
    version: str


class RequestParser:
    """Makes requests of the bytes of one connection. After Malformed it is of no more use."""

    __slots__ = ("_body", "_h11", "_head", "_size")

    def __init__(self) -> None:
        self._head: _Head | None = None
        self._body: list[bytes] = []
        self._size = 0
        self._h11: h11.Connection | None = None  # between requests there is none: it takes 2 KiB

    @property
    def unfinished(self) -> bool:
        """Whether a request has begun and not ended."""
        return self._h11 is not None

    def go_on(self) -> bytes:
        """Return the answer to a client that expects one before it sends the body; nothing for any other."""
        if self._h11 is None or self._head is None or not self._h11.they_are_waiting_for_100_continue:
            return b""
        return self._h11.send(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")) or b""

    def receive_data(self, data: bytes) -> None:
        """Take bytes; none at their end. Raises Malformed when they end in the middle of a request."""
        if data:
            if self._h11 is None:
                self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
            self._h11.receive_data(data)
        elif self.unfinished:
            raise Malformed(400, "incomplete request: the connection ended in the middle of it")

    def next_request(self) -> HttpRequest | None:
        """Return the next request, once it is whole. Raises Malformed."""
        reader = self._h11
        if reader is None:
            return None
        if self._head is None:
            _check_head(reader.trailing_data[0])
        try:
            while True:
                event = reader.next_event()
                if isinstance(event, h11.Request):
                    self._head = _head_of(event)
                    if not _BODY.intersection(self._head.headers):
                        return self._finish(reader)  # h11 would find the end of it next
                elif isinstance(event, h11.Data):
                    self._add(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    return self._finish(reader)
                else:  # more data is needed, or no more comes
                    return None
        except h11.RemoteProtocolError as exc:
            raise _malformed(exc) from exc

    def _finish(self, reader: h11.Connection) -> HttpRequest:
        """Return the request, and begin the next one with the bytes that came already."""
        assert self._head is not None
        head, body = self._head, b"".join(self._body)
        self._h11, self._head, self._size = None, None, 0
        self._body.clear()
        if ahead := reader.trailing_data[0]:
            self.receive_data(ahead)
        return HttpRequest(head.method, head.path, head.query, head.headers, body, head.version)

    def _add(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > MAX_BODY_BYTES:
            raise _too_large()
        self._body.append(bytes(data))


def _check_head(data: bytes) -> None:
    """Refuse a head that is none, is too large, or has a header over several lines (RFC 9112, section 5.2).

    h11 bounds heads that are incomplete, and joins such lines, which others may not.
    """
    if _OF_TTWEET.match(data):
        raise NotHttp
    found = _END_OF_HEAD.search(data)
    end = found.start() + 1 if found else len(data)
    if end > MAX_HEAD_BYTES:
        raise _too_long()
    if _FOLD.search(data, 0, end):
        raise Malformed(400, "invalid header: it has several lines; use one")


def _head_of(event: h11.Request) -> _Head:
    headers: dict[str, str] = {}
    for name, value in event.headers:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    if "transfer-encoding" in headers and "content-length" in headers:
        raise Malformed(400, "conflicting headers: Content-Length and Transfer-Encoding; send one of them")
    length = headers.get("content-length", "0")
    if len(length) > MAX_CONTENT_LENGTH_DIGITS or int(length) > MAX_BODY_BYTES:
        raise _too_large()
    path, query = _target(event.target.decode("latin-1"))
    return _Head(event.method.decode("latin-1"), path, query, headers, event.http_version.decode("latin-1"))


def _target(target: str) -> tuple[str, str]:
    """Return the path and the query of a target; one in absolute form names a server, which Host does too."""
    for scheme in ("http://", "https://"):
        if target[: len(scheme)].lower() == scheme:
            target = "/" + target[len(scheme) :].partition("/")[2]
    if not target.startswith("/") and target != "*":
        raise Malformed(400, "invalid target: use a path that begins with /")
    path, _, query = target.partition("?")
    return path, query


def _too_large() -> Malformed:
    return Malformed(413, f"body too large: use at most {MAX_BODY_BYTES} bytes")


def _too_long() -> Malformed:
    return Malformed(431, f"headers too large: use at most {MAX_HEAD_BYTES} bytes")


def _malformed(exc: h11.RemoteProtocolError) -> Malformed:
    status = exc.error_status_hint
    if status == 431:
        return _too_long()
    text = next((text for name, text in _HEADERS.items() if name in str(exc)), "send HTTP as RFC 9112 has it")
    return Malformed(status if status in (400, 501) else 400, f"invalid request: {text}")
