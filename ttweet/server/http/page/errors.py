"""Errors as pages: a form that is refused is shown again, with what was typed."""

import re
from dataclasses import replace

from ttweet.model.errors import ProtocolError, Refused, TtweetError
from ttweet.server.http.login import NEXT, login_path
from ttweet.server.http.page.frame import HTML, PAGE_POLICY, frame
from ttweet.server.http.page.render import render
from ttweet.server.http.problems import Unreachable
from ttweet.server.http.request import SAFE, HttpRequest, fields_of
from ttweet.server.http.response import TEXT, Response
from ttweet.server.http.routes import DESCRIBED_AT

HEADINGS = {
    401: "Log in first",
    403: "Not allowed",
    404: "Not found",
    405: "Not possible here",
    410: "Deleted",
    429: "Too many requests",
    503: "The server is busy",
    507: "The server's disk is full",
}
"""The heading of the page of a status."""

_HAS_BIG = re.compile("/|/tags/[^/]+")
_NOT_POSTED = (413, 422, 429, 503, 507)


def error_page(request: HttpRequest, document: Response, error: TtweetError) -> Response:
    """Return the page of an error. A client that has to log in is sent to the page where it can.

    `/?big` leads to `/big`, and `/tags/TAG?big` to its page for a projector.
    """
    if _lacks_style(request, error):
        return replace(document, body=f"{_sentence(error)}\n".encode(), type=TEXT)
    if document.status == 401 and request.method in SAFE:
        return _led_to(login_path(request), document)
    if document.status == 400 and request.query in ("big", "big=1") and _HAS_BIG.fullmatch(request.path):
        return _led_to(f"{request.path.rstrip('/')}/big", document)
    can_post = request.method == "POST" and request.path == "/tweets" and document.status in _NOT_POSTED
    is_search = request.path == "/find"
    html = render(
        "login.html" if request.path == "/login" else "error.html",
        **{
            **frame(request.path),
            "title": "ttweet",
            "json_path": "",
            "query": _field(request.query, "q") if is_search else "",
            "is_search": is_search,
            "heading": HEADINGS.get(document.status, "That did not work"),
            "error": _sentence(error),
            "can_post": can_post,
            "typed": _typed(request) if can_post else "",
            "next": _sent(request, NEXT) or "/",
        },
    )
    return replace(document, body=html, type=HTML, policy=PAGE_POLICY)


def _lacks_style(request: HttpRequest, error: TtweetError) -> bool:
    """Whether the style of a page is refused as well. A form keeps its page, with what was typed."""
    is_full = isinstance(error, ProtocolError) and error.code == "busy"
    return isinstance(error, Unreachable) or (is_full and request.method in SAFE)


def _led_to(path: str, document: Response) -> Response:
    return replace(document, status=303, body=b"", headers=(*document.headers, ("Location", path)))


def _sentence(error: TtweetError) -> str:
    """Return the text of an error for people: where there is no page, the description of the API helps none of them."""
    text = error.public_text.removesuffix(DESCRIBED_AT)
    return f"{text[:1].upper()}{text[1:]}."


def _typed(request: HttpRequest) -> str:
    """Return the text that a form has sent."""
    return _sent(request, "text").replace("\r\n", "\n")


def _sent(request: HttpRequest, name: str) -> str:
    return _field(request.body.decode(errors="replace"), name)


def _field(encoded: str, name: str) -> str:
    """Return a field of a query or a form; empty without it, or if they cannot be read."""
    try:
        return fields_of(encoded).get(name, "")
    except Refused:
        return ""
