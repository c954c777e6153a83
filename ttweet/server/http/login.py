"""Sign-in of a browser: the token becomes a cookie, and the browser returns to the page that it came from."""

import re
from urllib.parse import quote

from ttweet.server.http import cookie
from ttweet.server.http.call import Call
from ttweet.server.http.posting import FORM
from ttweet.server.http.problems import Unserved
from ttweet.server.http.request import HttpRequest, decoded, fields_of
from ttweet.server.http.response import Headers, Response

NEXT = "next"
"""The field with the page to return to."""

_OWN_PATH = re.compile(r"/(?![/\\])[!-~]*")  # a browser takes //host, and /\host, for another site


def login_path(request: HttpRequest) -> str:
    """Return the path of the form for a token, from which a browser returns to what it asks for now."""
    target = f"{request.path}?{request.query}" if request.query else request.path
    return "/login" if target == "/" else f"/login?{NEXT}={quote(target, safe='/')}"


def own_path(target: str) -> str:
    """Return a path of this site as it is; the first page for anything else."""
    return target if _OWN_PATH.fullmatch(target) else "/"


async def log_in(call: Call) -> Response:
    """Put the token of a form into the cookie, if it is good."""
    if call.request.header("content-type").partition(";")[0].strip().lower() != FORM:
        raise Unserved(415, "bad_request", f"unknown Content-Type: use {FORM}")
    fields = fields_of(decoded(call.request.body))
    token = fields.get("token", "").strip()
    if not token:
        raise Unserved(400, "bad_request", "missing field token: send token=ttw_...")
    await call.authenticate_as(token)
    return _led_to(own_path(fields.get(NEXT, "/")), cookie.kept(token, is_secure=call.is_secure))


async def log_out(call: Call) -> Response:
    """Take the cookie back."""
    return _led_to("/", cookie.dropped(is_secure=call.is_secure))


def _led_to(path: str, *headers: tuple[str, str]) -> Response:
    found: Headers = (("Location", path), *headers, ("Cache-Control", "no-store"))
    return Response(303, headers=found)
