"""Pages of tweets for a path that may name several tags, such as `/tags/a,b`: the tweets of either."""

from collections.abc import Sequence
from typing import Any

from ttweet.model.answers import Answer
from ttweet.model.errors import Refused
from ttweet.model.requests import ReadRequest, TweetsOfTag
from ttweet.model.tweets import Found, Page
from ttweet.server.http.bounded import page_of
from ttweet.server.http.call import Call

MAX_TAGS_OF_PAGE = 8  # of one answer: each is a query of its own


def tags_of(call: Call) -> list[str]:
    """Return the tags that the path names; none for a path without tags."""
    return call.values["tag"].split(",") if "tag" in call.values else []


def heading_of(call: Call) -> str:
    """Return the tags that the path names, as a heading."""
    return " ".join([f"#{tag.removeprefix('#')}" for tag in tags_of(call)])


async def ask(call: Call, request: ReadRequest) -> Answer:
    """Return the answer to a request, for several tags that to one request for each. Raises as Call.ask does."""
    tags = tags_of(call)
    if not isinstance(request, TweetsOfTag) or len(tags) == 1:
        return await call.ask(request)
    if len(tags) > MAX_TAGS_OF_PAGE:
        raise Refused("bad_tag", f"too many tags: {len(tags)}; use at most {MAX_TAGS_OF_PAGE}")
    return merged([await _page(call, request._replace(tag=tag)) for tag in tags], request.limit)


def merged(pages: Sequence[Page | Found], limit: int) -> Page:
    """Return the newest tweets of some pages, newest first, each once. Every page has as many as `limit` allows."""
    found = {tweet.id: tweet for page in pages for tweet in page.tweets}
    newest = sorted(found, reverse=True)
    return Page([found[id_] for id_ in newest[:limit]], len(found) > limit or any(page.more for page in pages))


async def _page(call: Call, query: TweetsOfTag) -> Page | Found:
    answer: Any = await call.ask(query)
    return page_of(answer)
