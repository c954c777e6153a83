"""The parts that all pages share: their policy, the navigation, and the name of the reader."""

from ttweet.server.http.call import Call
from ttweet.server.http.login import login_path

HTML = "text/html; charset=utf-8"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""The Content-Security-Policy of a page: nothing inline, and nothing of another site."""

NAV = (("/", "Timeline"), ("/tags", "Tags"), ("/online", "Online"))


def frame(path: str) -> dict[str, object]:
    """Return the values of base.html for a page at a path, without a reader."""
    path = path.removesuffix(".html")
    return {
        "title": "ttweet",
        "nav": NAV,
        "here": path,
        "query": "",
        "feed": "",
        "identity": None,
        "login_path": "",
        "json_path": "/tweets.json" if path == "/" else f"{path}.json",
    }


def frame_of(call: Call) -> dict[str, object]:
    """Return the values of base.html for the client of a call."""
    identity = call.session.principal.name
    can_login = identity is None and bool(call.session.forbidden) and call.request.path != "/login"
    json_path = {"json_path": ""} if call.request.path == "/login" else {}
    way_in = {"login_path": login_path(call.request)} if can_login else {}
    return {**frame(call.request.path), "identity": identity, **way_in, **json_path}
