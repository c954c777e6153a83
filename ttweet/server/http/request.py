"""A request as its client sent it: method, path, query, headers and body. Knows no bytes on a wire."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import parse_qsl, unquote

from ttweet.model.errors import Refused
from ttweet.model.limits import MAX_ID, MAX_QUERY_LIMIT, QUERY_LIMIT
from ttweet.protocol.fields import out_of_bounds, shown

COOKIE = "ttweet"
"""The cookie that holds a token."""

SAFE = ("GET", "HEAD", "OPTIONS")
"""The methods that change nothing."""

MAX_PARAMETERS = 20  # in a query or a form; no route takes more than 8

_BEARER = "bearer "
_WEIGHT = re.compile(r"q=([01](?:\.[0-9]{0,3})?)")
_IN_COOKIE = re.compile(rf"(?:^|;) *{COOKIE}=([^;]*)")
_FLAGS = {"1": True, "true": True, "": True, "0": False, "false": False}
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request, whole. `path` and `query` are as sent; the names of headers are in lower case.

    `version` is that of HTTP: 1.1, or 1.0 for a client that gets no stream.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""
    version: str = "1.1"

    def header(self, name: str) -> str:
        """Return the value of a header; empty without one."""
        return self.headers.get(name, "")

    @property
    def segments(self) -> list[str]:
        """The parts of the path, decoded. Raises Refused `bad_request` for what is no UTF-8."""
        if "%" not in self.path:
            return self.path[1:].split("/")
        try:
            return [unquote(part, errors="strict") for part in self.path[1:].split("/")]
        except UnicodeDecodeError as exc:
            raise Refused("bad_request", f"invalid path: {shown(self.path)}; use UTF-8") from exc

    @property
    def token(self) -> str | None:
        """The token that it shows, as a bearer or in the cookie."""
        authorization = self.header("authorization")
        if authorization:
            return authorization[len(_BEARER) :].strip() if authorization[: len(_BEARER)].lower() == _BEARER else ""
        return self.cookie

    @property
    def cookie(self) -> str | None:
        """The token in the cookie, as sent: a token has no characters that need quotes."""
        found = _IN_COOKIE.search(self.header("cookie"))  # in linear time, unlike http.cookies
        return found[1] or None if found else None

    @property
    def keeps_alive(self) -> bool:
        """Whether the connection stays open for another request."""
        return self.version == "1.1" and "close" not in self.header("connection").lower()

    @property
    def wants_html(self) -> bool:
        """Whether a browser asks, which shows HTML: it accepts HTML, and JSON not more than that."""
        accept = self.header("accept")
        if "text/html" not in accept:
            return False
        html = _weight(accept, "text/html")
        return html > 0 and html >= _weight(accept, "application/json")

    def parameters(self, *known: str) -> "Parameters":
        """Return the query, all of its fields among the known. Raises Refused `bad_request`."""
        return Parameters(self.query, known)


class Parameters:
    """The fields of a query, each of them once."""

    __slots__ = ("_values",)

    def __init__(self, query: str, known: tuple[str, ...]) -> None:
        """Read the query. Raises Refused `bad_request` for fields that are unknown, repeated or no UTF-8."""
        self._values = fields_of(query) if query else _NOTHING
        for name in self._values:
            if name not in known:
                raise Refused("bad_request", f"unknown parameter {shown(name)}; {_use(known)}")

    def text(self, name: str) -> str | None:
        """Return the value of a field; None without it."""
        return self._values.get(name)

    def flag(self, name: str) -> bool:
        """Whether a field is set. Raises Refused `bad_request` for a value that is no flag."""
        value = self._values.get(name, "0")
        if value.lower() not in _FLAGS:
            raise Refused("bad_request", f"invalid {name}: use 1 or 0, not {shown(value)}")
        return _FLAGS[value.lower()]

    def choice(self, name: str, *choices: str) -> str:
        """Return the value of a field, the first choice without it. Raises Refused `bad_request` for another."""
        value = self._values.get(name, choices[0])
        if value not in choices:
            raise Refused("bad_request", f"invalid {name}: use {' or '.join(choices)}, not {shown(value)}")
        return value

    def limit(self) -> int:
        """How many tweets or tags are wanted."""
        return self._whole("limit", 1, MAX_QUERY_LIMIT, QUERY_LIMIT)

    def id_or_none(self, name: str, lowest: int) -> int | None:
        """Return the id in a field; None without it."""
        return None if name not in self._values else self._whole(name, lowest, MAX_ID, 0)

    def _whole(self, name: str, lowest: int, highest: int, default: int) -> int:
        value = self._values.get(name)
        return default if value is None else whole(name, value, lowest, highest)


def whole(name: str, value: str, lowest: int, highest: int) -> int:
    """Return a whole number within bounds, which belong to it. Raises Refused `bad_request`."""
    number = int(value) if value.isascii() and value.isdigit() and len(value) <= len(str(MAX_ID)) else -1
    if not lowest <= number <= highest:
        raise out_of_bounds(name, value, highest, lowest)
    return number


def fields_of(encoded: str) -> dict[str, str]:
    """Return the fields of a query or a form. Raises Refused `bad_request`."""
    try:
        pairs = parse_qsl(encoded, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError as exc:
        raise Refused("bad_request", f"invalid parameters: {shown(encoded)}; use UTF-8") from exc
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise Refused("bad_request", f"repeated parameter in {shown(encoded)}; give each of them once")
    return fields


def decoded(data: bytes) -> str:
    """Text as UTF-8. Raises Refused `bad_text`."""
    try:
        return data.decode()
    except UnicodeDecodeError as exc:
        raise Refused("bad_text", f"invalid text: byte {exc.start + 1} is no UTF-8; use UTF-8") from exc


def _weight(accept: str, kind: str) -> float:
    """Return the weight of a media type in the header Accept: 1 without a valid `q`, 0 for a type that is not named."""
    for media in accept.split(","):
        name, *parameters = [part.strip() for part in media.split(";")]
        if name == kind:
            weights = [float(found[1]) for part in parameters if (found := _WEIGHT.fullmatch(part))]
            return weights[0] if weights else 1.0
    return 0.0


def _use(known: tuple[str, ...]) -> str:
    return f"use: {', '.join(known)}" if known else "this path takes none"
