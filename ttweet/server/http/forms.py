"""Answers of the broker as responses: JSON for programs, lines of text for people."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from ttweet.model.answers import Names, Shared, Stats
from ttweet.model.reports import escape
from ttweet.model.times import rfc3339
from ttweet.model.tweets import Found, Page, TagPage, Tweet, as_json
from ttweet.protocol.codecs import JSON
from ttweet.server.http import bounded
from ttweet.server.http.bounded import Tweets
from ttweet.server.http.call import VARY, Call
from ttweet.server.http.request import fields_of
from ttweet.server.http.response import Headers, Response

Form = Callable[[Call, Any], Awaitable[Response]]
"""Makes the response of the answer to a query."""

JSON_TYPE = "application/json"
_KEPT = object()
"""The name under which a shared answer keeps its JSON."""


async def page_as_json(call: Call, answer: Tweets) -> Response:
    """Return some tweets, and where there are more."""
    body, page = await _kept_page(answer)
    return Response(200, body, JSON_TYPE, (*caching_of(call, answer), *_next(call, page)))


async def page_as_text(call: Call, answer: Tweets) -> Response:
    """Return some tweets, each a line."""
    lines, page = await bounded.made(answer, lambda tweet: f"{line_of(tweet)}\n".encode())
    return Response(200, b"".join(lines), headers=(*caching_of(call, answer), *_next(call, page)))


def caching_of(call: Call, answer: Tweets) -> Headers:
    """Return the headers about the version of an answer. One that was cut short, or changes by itself, has none."""
    is_cut_short = isinstance(answer, Found) and answer.searched_to is not None
    return NOT_KNOWN if is_cut_short or call.changes_by_itself else call.caching


async def tags_as_json(call: Call, answer: Shared[TagPage]) -> Response:
    """Tags with their counts."""
    return Response(200, _kept_tags(answer), JSON_TYPE, call.caching)


async def tags_as_text(call: Call, answer: Shared[TagPage]) -> Response:
    """Tags with their counts, each a line."""
    lines = "".join([f"{one.count} #{escape(one.tag)}\n" for one in answer.value.tags])
    return Response(200, lines.encode(), headers=call.caching)


async def tweet_as_json(call: Call, tweet: Tweet) -> Response:
    """One tweet."""
    return Response(200, as_document(as_json(tweet)), JSON_TYPE, call.caching)


async def tweet_as_text(call: Call, tweet: Tweet) -> Response:
    """One tweet, as a line."""
    return Response(200, f"{line_of(tweet)}\n".encode(), headers=call.caching)


async def names_as_json(_: Call, names: Names) -> Response:
    """Return the names that are online."""
    return Response(200, as_document(names._asdict()), JSON_TYPE, NEVER_KEPT)


async def names_as_text(_: Call, names: Names) -> Response:
    """Return the names that are online, each on a line."""
    return Response(200, "".join([f"{escape(name)}\n" for name in names.names]).encode(), headers=NEVER_KEPT)


async def stats_as_json(_: Call, stats: Stats) -> Response:
    """Return the state of the server."""
    return Response(200, as_document(stats.parts), JSON_TYPE, NEVER_KEPT)


def as_document(value: object) -> bytes:
    """Return a value as JSON, with a line end for a terminal."""
    return JSON.dumps(value) + b"\n"


def line_of(tweet: Tweet) -> str:
    """Return a tweet as a line of text: the time in UTC, id, author, and text, with control characters escaped."""
    author = f" {escape(tweet.by)}:" if tweet.by else ""
    return f"{rfc3339(tweet.at)} #{tweet.id}{author} {escape(tweet.text)}"


NOT_KNOWN: Headers = (("Cache-Control", "no-cache"), ("Vary", VARY))
"""For an answer without a version."""

NEVER_KEPT: Headers = (("Cache-Control", "no-store"),)
"""For what is not the same a moment later."""


async def _kept_page(answer: Tweets) -> tuple[bytes, Page | Found]:
    """Return tweets as JSON, which is made once for all clients that share it, and the page that it has."""
    if not isinstance(answer, Shared):
        return await _page_document(answer)
    kept: tuple[bytes, Page | Found] | None = answer.encoded.get(_KEPT)
    if kept is None:
        kept = answer.encoded[_KEPT] = await _page_document(answer)
    return kept


async def _page_document(answer: Tweets) -> tuple[bytes, Page | Found]:
    tweets, page = await bounded.made(answer, lambda tweet: JSON.dumps(as_json(tweet)))
    searched = b',"searched_to":%b' % JSON.dumps(page.searched_to) if isinstance(page, Found) else b""
    return b'{"tweets":[%b],"more":%b%b}\n' % (b",".join(tweets), JSON.dumps(page.more), searched), page


def _kept_tags(answer: Shared[TagPage]) -> bytes:
    """Return tags as JSON, which is made once for all clients that share it."""
    data: bytes | None = answer.encoded.get(_KEPT)
    if data is None:
        data = answer.encoded[_KEPT] = as_document(_tags_document(answer.value))
    return data


def _tags_document(page: TagPage) -> object:
    tags = [{"tag": one.tag, "count": one.count, "newest": one.newest, "days": one.days} for one in page.tags]
    return {"tags": tags, "more": page.more}


def _next(call: Call, page: Page | Found) -> Headers:
    """Return the header that leads to the next page, if there is one (RFC 8288)."""
    last = page.searched_to if isinstance(page, Found) and page.searched_to else page.more and page.tweets[-1].id
    if not last:
        return ()
    query = fields_of(call.request.query)
    way = "after" if "after" in query else "before"
    return (("Link", f'<{call.request.path}?{urlencode({**query, way: last})}>; rel="next"'),)
