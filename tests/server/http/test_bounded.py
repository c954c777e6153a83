"""Answers with tweets are bounded in bytes, in every form, and the loop gets its turn while one is made."""

import re
from html import unescape

import pytest
import trio
from markupsafe import Markup

from tests.support.http_calls import HttpServing, http_serving
from tests.support.turns import Turns
from ttweet.model.tweets import Page, TagSummary, Tweet
from ttweet.server.http import bounded
from ttweet.server.http.page import views
from ttweet.server.http.page.render import tag_row

WIDE_TAG = "\U00010428" * 143
MAX_BODY_BYTES = 320 * 1024
TWEETS = 30


async def post_wide_tweets(http: HttpServing) -> None:
    """Post tweets whose tags have about 15 KB, four times that as HTML."""
    caller = await http.here.call()
    for number in range(TWEETS):
        tags = ["a", *[f"{number}_{place}{WIDE_TAG}" for place in range(25)]]
        await caller.ask("u", {"text": f"wide {number}", "tags": tags})


def next_of(link: str, body: str) -> str:
    """Return the query of the next page: of a header, or of an element."""
    found = re.search(r'<[^?>]*(\?[^>]*)>; rel="next"', link) or re.search(r'href="(\?[^"]+)" rel="next"', body)
    return unescape(found[1]) if found else ""


@pytest.mark.parametrize(
    ("path", "query", "accept", "one"),
    [
        ("/tweets", "?limit=200", "*/*", r'"id":(\d+)'),
        ("/tweets", "?limit=200&after=0", "*/*", r'"id":(\d+)'),
        ("/find", "?q=wide&limit=200", "*/*", r'"id":(\d+)'),
        ("/", "?limit=200", "text/html", r'<li id="t(\d+)"'),
        ("/tags/a", "?limit=200", "text/html", r'<li id="t(\d+)"'),
        ("/find", "?q=wide&limit=200", "text/html", r'<li id="t(\d+)"'),
    ],
)
async def test_pages_are_bounded_in_bytes_and_lead_through_all_tweets(
    path: str, query: str, accept: str, one: str
) -> None:
    async with http_serving() as http:
        await post_wide_tweets(http)
        seen: list[str] = []
        pages = 0
        while query:
            answer = await http.ask("GET", f"{path}{query}", accept=accept)
            body = answer.body.decode()
            assert len(answer.body) <= MAX_BODY_BYTES
            seen += re.findall(one, body)
            query = next_of(answer.headers.get("link", ""), body)
            pages += 1
        assert sorted(map(int, seen)) == [*range(1, TWEETS + 1)]
        assert pages > 1


async def test_a_feed_is_bounded_in_bytes() -> None:
    async with http_serving() as http:
        await post_wide_tweets(http)
        body = (await http.ask("GET", "/tags/a.atom?limit=200")).body
        assert len(body) <= MAX_BODY_BYTES
        assert 1 < body.count(b"<entry>") < TWEETS


async def test_a_page_of_tags_is_bounded_in_bytes_and_other_tasks_run_while_it_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns = Turns()

    def row(tag: TagSummary) -> Markup:
        turns.note()
        return tag_row(tag)

    monkeypatch.setattr(views, "tag_row", row)
    async with http_serving() as http:
        caller = await http.here.call()
        for start in range(0, 200, 25):
            tags = [f"{number:03}{WIDE_TAG}" for number in range(start, start + 25)]
            await caller.ask("u", {"text": "wide", "tags": tags})
        trio.lowlevel.add_instrument(turns)
        body = (await http.ask("GET", "/tags?limit=200", accept="text/html")).body
        trio.lowlevel.remove_instrument(turns)
        assert len(body) <= MAX_BODY_BYTES
        assert 50 < body.count(WIDE_TAG.encode() + b"</bdi>") < 200
        assert turns.most < 8


@pytest.mark.parametrize(("length", "most"), [(100, 8), (20_000, 1)])
async def test_other_tasks_run_while_a_page_is_made(length: int, most: int) -> None:
    turns = Turns()

    def make(tweet: Tweet) -> str:
        turns.note()
        return "x" * length

    trio.lowlevel.add_instrument(turns)
    await bounded.made(Page([Tweet(id_, 0, None, "a", ()) for id_ in range(1, 201)], more=False), make)
    trio.lowlevel.remove_instrument(turns)
    assert turns.most == most
