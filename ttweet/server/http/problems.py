"""Errors in HTTP: a status, and a document of `application/problem+json` (RFC 9457) with ttweet's code."""

from http import HTTPStatus

from ttweet.model.errors import ProtocolError, Refused, SlowDown, TtweetError
from ttweet.protocol.answers import encode_error
from ttweet.protocol.codecs import JSON
from ttweet.server.http.request import SAFE
from ttweet.server.http.response import Headers, Response, encode

PROBLEM_TYPE = "application/problem+json"
RETRY_S = 5  # until a client should retry what the server's state has prevented

STATUSES = {
    "bad_operation": 404,
    "bad_request": 400,
    "bad_frame": 400,
    "bad_protocol": 400,
    "tls": 400,
    "timeout": 408,
    "forbidden": 403,
    "token": 401,
    "slow_down": 429,
    "busy": 503,
    "too_long": 422,
    "bad_text": 422,
    "bad_tag": 422,
    "bad_key": 422,
    "bad_name": 422,
    "bad_query": 422,
    "name_taken": 409,
    "not_online": 404,
    "no_tweet": 404,
    "full": 507,
    "no_quorum": 503,
    "behind": 503,
    "altered": 503,
    "moved": 503,
    "used_up": 507,
    "stopping": 503,
    "unknown": 500,
    "internal": 500,
}
"""The status of each code that a server sends, where the error has none of its own."""


class Unserved(Refused):
    """A request that HTTP alone can make, and that is refused with a status of its own."""

    def __init__(self, status: int, code: str, text: str, headers: Headers = ()) -> None:
        super().__init__(code, text)
        self.status = status
        self.headers = headers


class Unreachable(Unserved):
    """A request by a way on which nothing is served, not even the style of a page."""


class Malformed(ProtocolError):
    """Bytes that are no request: they are answered once with a status, and the connection is closed."""

    def __init__(self, status: int, text: str, code: str = "bad_frame") -> None:
        super().__init__(code, text)
        self.status = status


class NotHttp(Malformed):
    """The first bytes of a framed or a classic client, which are answered with a line that it can read."""

    def __init__(self) -> None:
        super().__init__(400, "this port speaks HTTP; use the port without HTTP", "bad_protocol")


def last_word(error: TtweetError) -> bytes:
    """Return the only answer to a client that is then disconnected."""
    return encode_error(error) if isinstance(error, NotHttp) else encode(problem(error), closes=True)


def failure(method: str) -> TtweetError:
    """Return the error of a request whose handler has failed. A change may have been made before that."""
    if method in SAFE:
        return Refused("internal", "the server failed: the reason is in its log")
    return Refused("unknown", "the server failed: it may have carried out the request or not; its log has the reason")


def status_of(error: TtweetError, *, anonymous: bool = False) -> int:
    """Return the status of an error. A client without a token that may not do something is asked for one."""
    if isinstance(error, Unserved | Malformed):
        return error.status
    return 401 if anonymous and error.code == "forbidden" else STATUSES[error.code]


def problem(error: TtweetError, *, anonymous: bool = False) -> Response:
    """Return an error as its document."""
    status = status_of(error, anonymous=anonymous)
    document = {
        "type": f"urn:ttweet:{error.code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": error.public_text,
        "code": error.code,
    }
    return Response(status, JSON.dumps(document) + b"\n", PROBLEM_TYPE, headers_of(error, status))


def headers_of(error: TtweetError, status: int) -> Headers:
    """Return the headers of an error: when to retry, how to show a token, or which methods there are."""
    if isinstance(error, Unserved):
        return error.headers
    if isinstance(error, SlowDown):
        return (("Retry-After", f"{error.wait_s}"),)
    if status in (429, 503):
        return (("Retry-After", f"{RETRY_S}"),)
    return (("WWW-Authenticate", 'Bearer realm="ttweet"'),) if status == 401 else ()
