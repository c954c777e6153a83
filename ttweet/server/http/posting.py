"""The body of a request as a tweet to post."""

import re

from ttweet.model.errors import Refused
from ttweet.model.requests import Post
from ttweet.protocol import requests
from ttweet.protocol.codecs import JSON
from ttweet.server.http.problems import Unserved
from ttweet.server.http.request import HttpRequest, decoded, fields_of

FORM = "application/x-www-form-urlencoded"
KEY = "idempotency-key"
_ENCODED = re.compile(rb"[\w.~*+-]*(%[0-9A-Fa-f]{2}[\w.~*+-]*)+")
_RAW = ("", "text/plain", "application/octet-stream")


def post_of(request: HttpRequest) -> Post:
    """Return the tweet that a request posts. Raises Refused; `bad_text` for an empty text without `?empty=1`."""
    may_be_empty = request.parameters("empty").flag("empty")
    post = _post(request)
    if not (post.text or may_be_empty):
        raise Refused("bad_text", "empty text: send a text, or add ?empty=1 to post an empty message")
    key = _key(request)
    return post if key is None else post._replace(key=key)


def is_form(request: HttpRequest) -> bool:
    """Whether a form of a page posts it, which is shown the page again."""
    return _kind(request) == FORM and request.wants_html


def _post(request: HttpRequest) -> Post:
    if (coding := request.header("content-encoding").lower()) not in ("", "identity"):
        raise Unserved(415, "bad_request", f"unknown Content-Encoding {coding[:40]!a}; send the body without one")
    match _kind(request):
        case "application/json":
            return _of_json(request.body)
        case kind if kind == FORM:
            return _of_form(request.body)
        case kind if kind in _RAW:
            return Post(_without_line_end(decoded(request.body)))
    raise Unserved(415, "bad_request", f"unknown Content-Type: use text/plain, application/json or {FORM}")


def _of_json(body: bytes) -> Post:
    try:
        data = JSON.loads(body)
    except (ValueError, RecursionError) as exc:
        raise Refused("bad_request", 'invalid JSON: use an object such as {"text":"Hello #world"}') from exc
    return requests.parse_post("POST /tweets", data)


def _of_form(body: bytes) -> Post:
    """Return a form whose first field is `text`; anything else is the text itself, as `curl -d` sends it.

    A text that is encoded without a field is refused: to store it as it is, or decoded, would be a guess.
    """
    if _ENCODED.fullmatch(body):
        raise Refused("bad_request", "encoded text without a field: use text=..., such as text=50%25+done")
    if not body.startswith(b"text="):
        return Post(_without_line_end(decoded(body)))
    fields = fields_of(decoded(body))
    unknown = [name for name in fields if name not in ("text", "key")]
    if unknown:
        raise Refused("bad_request", f"unknown field {unknown[0][:40]!a}; use: key, text")
    return Post(fields["text"].replace("\r\n", "\n"), key=fields.get("key") or None)  # browsers send CRLF


def _key(request: HttpRequest) -> str | None:
    """Return the idempotency key in its header, a string of RFC 9651 or a bare one."""
    if KEY not in request.headers:
        return None
    key = request.header(KEY)
    return key[1:-1] if len(key) >= 2 and key[0] == key[-1] == '"' else key


def _kind(request: HttpRequest) -> str:
    return request.header("content-type").partition(";")[0].strip().lower()


def _without_line_end(text: str) -> str:
    """Text as `echo` sends it, without its line end."""
    return text.removesuffix("\n").removesuffix("\r")
