"""The pages: each makes HTML of an answer that the API has in other forms too."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from ttweet import plots
from ttweet.model import hashtags
from ttweet.model.answers import Names, Shared
from ttweet.model.durations import DAY_MS
from ttweet.model.limits import MAX_QUERY_LIMIT
from ttweet.model.query import marks, parse, unknown_fields_hint
from ttweet.model.requests import Delete, ListTags, Post
from ttweet.model.times import now_ms, utc
from ttweet.model.tweets import HISTORY_DAYS, Found, Page, TagPage, TagSummary, Tweet
from ttweet.server.http import bounded
from ttweet.server.http.bounded import page_of
from ttweet.server.http.call import Call
from ttweet.server.http.forms import NEVER_KEPT, caching_of
from ttweet.server.http.page.frame import HTML, PAGE_POLICY, frame_of
from ttweet.server.http.page.render import by_day, day_counts, item, marked_item, render, tag_row
from ttweet.server.http.problems import Unserved
from ttweet.server.http.response import Response
from ttweet.server.http.tag_pages import heading_of, tags_of

CHART_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""The Content-Security-Policy of a picture, which has its style in itself."""
ASIDE_TAGS = 12  # beside the timeline: as many as stand beside the first tweets on a desk's screen


async def timeline(call: Call, answer: Shared[Page]) -> Response:
    """Show all tweets, with the form and the most used tags."""
    items, page = await bounded.made(answer, item)
    tags = await _most_used(call)
    return _response(
        call,
        "timeline.html",
        title="ttweet",
        **_list_of(call, items, page, "/tweets.sse"),
        tags=tags[:ASIDE_TAGS],
        can_post=_may(call, Post),
        host=call.request.header("host"),
        typed="",
        error="",
    )


async def tag(call: Call, answer: Page | Shared[Page]) -> Response:
    """Show the tweets of a tag, with a chart of its days, or of any of several tags."""
    items, page = await bounded.made(answer, item)
    tags, keys = await _most_used(call), {hashtags.key(one.removeprefix("#")) for one in tags_of(call)}
    found = _summary_of(call, page, tags)
    beside = {hashtags.key(other) for tweet in page.tweets for other in tweet.tags} - keys
    return _response(
        call,
        "tag.html",
        title=f"{heading_of(call)} on ttweet",
        heading=_heading(call, found),
        tag=call.values["tag"].removeprefix("#"),
        **_list_of(call, items, page, f"{_path(call)}.sse"),
        **_chart_of(found),
        others=[one for one in tags if hashtags.key(one.tag) in beside][:ASIDE_TAGS],
    )


async def tag_chart(call: Call, answer: Page | Shared[Page]) -> Response:
    """Return the chart of a tag's days as a picture of its own. Raises Refused for a tag that has none."""
    found = _summary_of(call, page_of(answer), await _most_used(call))
    if found is None:
        raise Unserved(404, "bad_operation", "no chart: the tag is not among the most used")
    svg = plots.picture([(f"{_heading(call, found)}, tweets a day", found.days)], _today())
    return Response(200, svg.encode(), "image/svg+xml", call.caching, CHART_POLICY)


async def author(call: Call, answer: Page | Shared[Page]) -> Response:
    """Show the tweets of an author, and their tags."""
    items, page = await bounded.made(answer, item)
    name = call.values["name"]
    return _response(
        call,
        "author.html",
        title=f"{name} on ttweet",
        name=page.tweets[0].by if page.tweets else name,
        used=_tags_of(page.tweets),
        **_list_of(call, items, page),
    )


async def tags(call: Call, answer: Shared[TagPage]) -> Response:
    """Show the most used tags, with small charts."""
    page = answer.value
    is_longest = call.request.parameters("limit", "numbers").limit() == MAX_QUERY_LIMIT
    rows = await bounded.fitting(page.tags, tag_row)
    more = page.more and not is_longest
    return _response(call, "tags.html", title="Tags on ttweet", here="/tags", rows=rows, more=more)


async def tweet(call: Call, tweet: Tweet) -> Response:
    """Show one tweet, with a button for a client that may delete it."""
    written = utc(tweet.at)
    return _response(
        call,
        "tweet.html",
        title=f"Tweet {tweet.id} on ttweet",
        tweet=tweet,
        item=item(tweet),
        written=f"{written:%A}, {written.day} {written:%B %Y, %H:%M:%S} UTC",
        can_delete=_may(call, Delete),
    )


async def find(call: Call, answer: Found) -> Response:
    """Show the tweets that a query finds, with its words marked."""
    asked = call.request.parameters("q", "limit", "before").text("q") or ""
    query = parse(asked, now_ms())
    items, page = await bounded.made(answer, lambda tweet: marked_item(tweet, marks(query, tweet.text)))
    searched_to = page.searched_to if isinstance(page, Found) else None
    values = {
        **_list_of(call, items, page, "/find.sse", q=asked),
        "further": f"?{urlencode({'q': asked, 'before': searched_to})}" if searched_to else "",
        "searched_to": searched_to,
        "query": asked,
        "hint": unknown_fields_hint(asked),
        "json_path": f"/find.json?{urlencode({'q': asked})}",
    }
    return replace(_response(call, "find.html", title=f"{asked} on ttweet", **values), headers=caching_of(call, answer))


async def online(call: Call, answer: Names) -> Response:
    """Show the names that are online."""
    response = _response(call, "online.html", title="Online on ttweet", here="/online", names=answer.names)
    return replace(response, headers=NEVER_KEPT)


def login(call: Call, target: str) -> Response:
    """Show the form for a token, which leads to a path of this site."""
    values = {"title": "Log in to ttweet", "error": "", "next": target}
    return replace(_response(call, "login.html", **values), headers=NEVER_KEPT)


async def big(call: Call, answer: Page | Shared[Page]) -> Response:
    """Show the newest tweets in large letters, for a projector."""
    name = call.values.get("tag")
    items, page = await bounded.made(answer, item)
    return _response(
        call,
        "big.html",
        title=heading_of(call) or "ttweet",
        heading=heading_of(call) or "ttweet",
        host=call.request.header("host"),
        live=_live(call, f"/tags/{_path(call).split('/')[2]}.sse" if name else "/tweets.sse"),
        items=[*by_day(page.tweets, items, _today())],
        older="",
    )


def _response(call: Call, template: str, /, **values: object) -> Response:
    html = render(template, **{**frame_of(call), **values})
    return Response(200, html, HTML, call.caching, PAGE_POLICY)


def _list_of(
    call: Call, items: Iterable[Markup], page: Page | Found, stream: str = "", **asked: str
) -> dict[str, object]:
    """Return the values of list.html. The newest tweets are live, if they have a stream, which has what is asked."""
    query = call.request.parameters("limit", "before", "after", *asked)
    is_first = query.text("before") is None and query.text("after") is None
    older = page.more and query.text("after") is None
    kept = {**asked, "limit": query.text("limit")} if query.text("limit") else asked
    return {
        "items": [*by_day(page.tweets, items, _today())],
        "earlier": not is_first,
        "feed": f"{'/tweets' if _path(call) == '/' else _path(call)}.atom{f'?{urlencode(asked)}' if asked else ''}",
        "live": _live(call, stream, **asked) if stream and is_first else "",
        "older": f"?{urlencode({**kept, 'before': page.tweets[-1].id})}" if older else "",
        "here": call.request.path,
    }


def _live(call: Call, stream: str, **asked: str) -> str:
    """Return where a page gets what comes after the tweets that it shows."""
    return f"{stream}?{urlencode({**asked, 'as': 'html', 'after': call.newest})}"


def _chart_of(tag: TagSummary | None) -> dict[str, object]:
    """Return the values of a tag's chart; no days for a tag that is not among the most used."""
    if tag is None:
        return {"days": []}
    today = _today()
    return {
        "days": day_counts(tag, today),
        "counts": tag.days,
        "top": plots.top_of(tag.days),
        "label": f"Tweets a day of the last {len(tag.days)} days, {sum(tag.days)} of them",
        "first": plots.day_label(today - timedelta(len(tag.days) - 1)),
        "total": f"{tag.count:,}",
    }


def _summary_of(call: Call, page: Page | Found, most_used: Iterable[TagSummary]) -> TagSummary | None:
    """Return the summary of a tag that is among the most used, or all whose tweets are on its page."""
    tag = call.values["tag"].removeprefix("#")
    found = next((one for one in most_used if hashtags.key(one.tag) == hashtags.key(tag)), None)
    return found or (None if page.more or call.request.query else _counted(tag, page))


def _heading(call: Call, found: TagSummary | None) -> str:
    """Return a tag as it is spelled most, or the tags that a path names."""
    return heading_of(call) if found is None or len(tags_of(call)) > 1 else f"#{found.tag}"


def _counted(tag: str, page: Page | Found) -> TagSummary | None:
    if not page.tweets:
        return None
    today, days = now_ms() // DAY_MS, [0] * HISTORY_DAYS
    for one in page.tweets:
        if 0 <= (age := today - one.at // DAY_MS) < HISTORY_DAYS:
            days[-1 - age] += 1
    return TagSummary(tag, len(page.tweets), page.tweets[0].at, days)


async def _most_used(call: Call) -> list[TagSummary]:
    answer: Any = await call.ask(ListTags(MAX_QUERY_LIMIT))
    page: TagPage = answer.value
    return page.tags


def _tags_of(tweets: Iterable[Tweet]) -> list[str]:
    """Return the tags of some tweets, each once, the most used first."""
    uses: dict[str, list[str]] = {}
    for one in tweets:
        for used in one.tags:
            uses.setdefault(hashtags.key(used), []).append(used)
    ordered = sorted(uses.values(), key=len, reverse=True)
    return [spellings[0] for spellings in ordered[:ASIDE_TAGS]]


def _may(call: Call, request: type[Post] | type[Delete]) -> bool:
    return request not in call.session.forbidden


def _path(call: Call) -> str:
    return call.request.path.removesuffix(".html")


def _today() -> date:
    return utc(now_ms()).date()
