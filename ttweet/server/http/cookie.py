"""The cookie of a browser: it is the token itself, so it ends with the token and holds nothing else."""

from ttweet.server.http.request import COOKIE

COOKIE_S = 365 * 86_400  # for which a browser keeps the cookie; the token may end before

Header = tuple[str, str]


def kept(token: str, *, is_secure: bool) -> Header:
    """Return the header that has a browser keep a token, which no script reads and no other site's form sends."""
    return _header(token, COOKIE_S, is_secure=is_secure)


def dropped(*, is_secure: bool) -> Header:
    """Return the header that takes the token back."""
    return _header("", 0, is_secure=is_secure)


def _header(token: str, seconds: int, *, is_secure: bool) -> Header:
    secure = "; Secure" if is_secure else ""
    return "Set-Cookie", f"{COOKIE}={token}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Lax{secure}"
