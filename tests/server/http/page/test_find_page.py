"""The page of a query: what it has found, and help for one that found nothing."""

import re
from html import unescape

from tests.server.http.page.test_pages import look, page, texts
from tests.support.http_calls import http_serving


async def test_found_words_are_marked_and_the_query_stays_in_its_field() -> None:
    async with http_serving() as http:
        await http.post("The build failed #ci", "build 2 #web", "other", *["build"] * 20)
        html = await page(http, "/find?q=build+-web")
        assert html.count("<mark>build</mark>") == 20
        assert 'value="build -web"' in html
        (older,) = re.findall(r'<a href="([^"]+)" rel="next">', html)
        html = await page(http, f"/find{unescape(older)}")
        assert texts(html) == ["The build failed #ci"]
        assert "The <mark>build</mark> failed" in html


async def test_a_query_that_finds_nothing_or_means_nothing_is_answered_with_help() -> None:
    async with http_serving() as http:
        assert "Nothing found" in await page(http, "/find?q=nothing")
        assert "<p>Unknown field &#39;auther:&#39;, searched as text; use" in await page(http, "/find?q=auther:ann")
        answer = await look(http, "/find?q=since:%22%3E")
        assert answer.status == 422
        assert b'value="since:&#34;&gt;"' in answer.body
        assert b"How to find" in answer.body
