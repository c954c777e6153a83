"""Sign-in of a browser: the token becomes a cookie, which ends with the token and holds nothing else."""

from ttweet.server.http.call import Call
from ttweet.server.http.posting import FORM
from ttweet.server.http.problems import Unserved
from ttweet.server.http.request import COOKIE, decoded, fields_of
from ttweet.server.http.response import Response

COOKIE_S = 365 * 86_400  # for which a browser keeps the cookie; the token may end before


async def log_in(call: Call) -> Response:
    """Put the token of a form into the cookie, if it is good."""
    if call.request.header("content-type").partition(";")[0].strip().lower() != FORM:
        raise Unserved(415, "bad_request", f"unknown Content-Type: use {FORM}")
    token = fields_of(decoded(call.request.body)).get("token", "").strip()
    if not token:
        raise Unserved(400, "bad_request", "missing field token: send token=ttw_...")
    await call.authenticate_as(token)
    return _back_with(call, f"{COOKIE}={token}; Max-Age={COOKIE_S}")


async def log_out(call: Call) -> Response:
    """Take the cookie back."""
    return _back_with(call, f"{COOKIE}=; Max-Age=0")


def _back_with(call: Call, cookie: str) -> Response:
    """Lead to the first page, with a cookie that no script reads and that no other site's form sends along."""
    secure = "; Secure" if call.is_secure else ""
    value = f"{cookie}; Path=/; HttpOnly; SameSite=Lax{secure}"
    return Response(303, headers=(("Location", "/"), ("Set-Cookie", value), ("Cache-Control", "no-store")))
