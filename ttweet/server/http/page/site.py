"""All pages, with the routes that only browsers need."""

from typing import Any

from ttweet.model.limits import MAX_ID, QUERY_LIMIT
from ttweet.model.requests import Delete, Timeline, TweetsOfTag
from ttweet.server.http import tag_pages
from ttweet.server.http.api import Pages
from ttweet.server.http.call import Call
from ttweet.server.http.login import NEXT
from ttweet.server.http.page import assets, views
from ttweet.server.http.page.errors import error_page
from ttweet.server.http.page.events import HTML_EVENTS
from ttweet.server.http.page.render import ITEMS
from ttweet.server.http.request import whole
from ttweet.server.http.response import Response
from ttweet.server.http.routes import HTML_FORM, Route

__all__ = ["EVENTS", "ITEMS", "PAGES", "error_page", "routes"]

SVG_FORM = "svg"

PAGES: Pages = {
    "/": {HTML_FORM: views.timeline},
    "/tweets": {HTML_FORM: views.timeline},
    "/tweets/{id}": {HTML_FORM: views.tweet},
    "/tags": {HTML_FORM: views.tags},
    "/tags/{tag}": {HTML_FORM: views.tag, SVG_FORM: views.tag_chart},
    "/by/{name}": {HTML_FORM: views.author},
    "/find": {HTML_FORM: views.find},
    "/online": {HTML_FORM: views.online},
}
"""The pages by the path of their route."""

EVENTS = HTML_EVENTS
"""How pages get what they follow."""


def routes() -> list[Route]:
    """Return the routes of pages that have no other form, and of what the pages need."""
    return [
        Route("GET", "/big", Timeline, _big, "All tweets, for a projector", (HTML_FORM,)),
        Route("GET", "/tags/{tag}/big", TweetsOfTag, _big, "The tweets of a tag, for a projector", (HTML_FORM,)),
        Route("POST", "/tweets/{id}/delete", Delete, _delete, "Delete a tweet by the button of its page"),
        Route("GET", "/login", None, _login, "A form for a token", (HTML_FORM,), (NEXT,)),
        *assets.routes(),
    ]


async def _big(call: Call) -> Response:
    call.request.parameters()
    query = TweetsOfTag(call.values["tag"], QUERY_LIMIT) if "tag" in call.values else Timeline(QUERY_LIMIT)
    if call.is_known:
        return call.not_modified()
    answer: Any = await tag_pages.ask(call, query)
    return await views.big(call, answer)


async def _login(call: Call) -> Response:
    return views.login(call, call.request.parameters(NEXT).text(NEXT) or "/")


async def _delete(call: Call) -> Response:
    await call.ask(Delete(whole("id", call.values["id"], 1, MAX_ID)))
    return Response(303, headers=(("Location", "/"),))
