"""The pages: what each shows, to whom, and how large it is."""

import json
import re
from html import unescape
from pathlib import Path
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest

from tests.support.http_calls import Answer, HttpServing, http_serving
from ttweet.security.authenticator import Authenticator
from ttweet.security.rate_limit import Rate
from ttweet.security.rights import ADMIN, POST, READ, RIGHTS
from ttweet.security.token_file import TokenFile
from ttweet.server.config import Rates
from ttweet.server.http.page import assets, site, views
from ttweet.server.http.page.frame import PAGE_POLICY
from ttweet.server.http.page.views import CHART_POLICY

BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"
FORM = "application/x-www-form-urlencoded"
MAX_ASSET_BYTES = 12 * 1024
MAX_PAGE_BYTES = 25 * 1024


async def page(http: HttpServing, path: str, **options: str) -> str:
    answer = await look(http, path, **options)
    assert answer.status == 200, answer.body
    return answer.body.decode()


async def look(http: HttpServing, path: str, **options: str) -> Answer:
    answer = await http.ask("GET", path, accept=BROWSER, **options)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == PAGE_POLICY
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    return answer


async def submit(http: HttpServing, path: str, shown: str | None = None, **fields: str) -> Answer:
    headers = {"accept": BROWSER, "content_type": FORM, "sec_fetch_site": "same-origin"}
    return await http.ask("POST", path, urlencode(fields), token=shown, **headers)


def texts(html: str) -> list[str]:
    return [re.sub("<[^>]*>", "", text) for text in re.findall(r'<p dir="auto">(.*?)</p>', html, re.DOTALL)]


async def test_the_timeline_shows_tweets_newest_first_and_leads_to_older_ones() -> None:
    async with http_serving() as http:
        await http.post(*[f"tweet {number} #a" for number in range(1, 24)])
        html = await page(http, "/")
        assert texts(html) == [f"tweet {number} #a" for number in range(23, 3, -1)]
        (older,) = re.findall(r'<a href="([^"]+)" rel="next">', html)
        html = await page(http, f"/{older}")
        assert texts(html) == ["tweet 3 #a", "tweet 2 #a", "tweet 1 #a"]
        assert 'rel="next"' not in html
        assert "data-live" not in html


async def test_a_program_still_gets_json() -> None:
    async with http_serving() as http:
        assert (await http.ask("GET", "/", accept="*/*")).json == {"tweets": [], "more": False}


async def test_an_empty_timeline_teaches_how_to_post_read_and_follow() -> None:
    async with http_serving() as http:
        html = await page(http, "/", host="localhost:8080")
        commands = re.findall(r"^(?:<pre><code>)?(curl .*?)(?:</code></pre>)?$", html, re.MULTILINE)
        assert commands == [
            'curl -d "Hello #world" localhost:8080/tweets',
            "curl localhost:8080/tags/world.txt",
            "curl -N localhost:8080/tweets.sse",
        ]
        await http.post("one")
        assert "curl" not in await page(http, "/")


async def test_a_form_is_answered_with_the_page_that_shows_its_tweet() -> None:
    async with http_serving() as http:
        answer = await submit(http, "/tweets", text="one\r\ntwo #a")
        assert (answer.status, answer.headers["location"]) == (303, "/#t1")
        assert texts(await page(http, "/")) == ["one\ntwo #a"]


async def test_a_form_with_the_key_of_a_deleted_tweet_leads_to_a_page_that_says_so() -> None:
    async with http_serving() as http:
        await submit(http, "/tweets", text="one", key="k")
        await http.ask("DELETE", "/tweets/1")
        answer = await submit(http, "/tweets", text="one", key="k")
        assert (answer.status, answer.headers["location"]) == (303, "/tweets/1")
        answer = await look(http, "/tweets/1")
        assert (answer.status, b"Tweet 1 was deleted." in answer.body) == (410, True)


async def test_a_form_that_is_refused_keeps_what_was_typed() -> None:
    async with http_serving() as http:
        typed = "</textarea><b>" + "a" * 137
        answer = await submit(http, "/tweets", text=typed)
        html = answer.body.decode()
        assert (answer.status, answer.headers["content-security-policy"]) == (422, PAGE_POLICY)
        assert "Too long: 151 characters; use at most 150." in html
        assert f"\n&lt;/textarea&gt;&lt;b&gt;{'a' * 137}</textarea>" in html
        assert http.here.store.tweets == []


async def test_a_tag_is_shown_with_its_days_and_the_tags_beside_it() -> None:
    async with http_serving() as http:
        await http.post("one #Ci", "two #ci #flaky", "three #ci", "#other")
        html = await page(http, "/tags/CI")
        assert texts(html) == ["three #ci", "two #ci #flaky", "one #Ci"]
        assert "<h1><bdi>#ci</bdi></h1>" in html
        assert "Tweets a day (UTC), 3 in all." in html
        assert '<th scope="row">Today</th><td>3</td>' in html
        assert re.findall(r"<bdi>#(\w+)</bdi></a><svg", html) == ["flaky"]
        assert 'data-live="/tags/CI.sse?as=html&amp;after=4"' in html


async def test_a_tag_that_is_not_among_the_most_used_has_its_chart_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async with http_serving() as http:
        await http.post("#a", "#a", "#rare", "#rare #a")
        monkeypatch.setattr(views, "MAX_QUERY_LIMIT", 1)
        html = await page(http, "/tags/rare")
        assert "Tweets a day (UTC), 2 in all." in html
        assert '<th scope="row">Today</th><td>2</td>' in html


async def test_the_chart_of_a_tag_is_a_picture_of_its_own() -> None:
    async with http_serving() as http:
        await http.post("#Ci", "#ci")
        answer = await http.ask("GET", "/tags/CI.svg")
        assert (answer.status, answer.headers["content-type"]) == (200, "image/svg+xml")
        assert answer.headers["content-security-policy"] == CHART_POLICY
        assert "#Ci, tweets a day" in {element.text for element in ElementTree.fromstring(answer.body).iter()}
        assert (await http.ask("GET", "/tags/none.svg")).status == 404


@pytest.mark.parametrize("path", ["/tags/%23a,B", "/tags/a,B/big"])
async def test_several_tags_are_named_as_one_writes_them(path: str) -> None:
    async with http_serving() as http:
        await http.post("one #a", "two #b")
        html = await page(http, path)
        assert "<h1><bdi>#a #B</bdi></h1>" in html
        assert re.findall('<li class="day"><h2>(.*?)</h2>', html) == ["Today"]


async def test_tags_beside_the_text_are_shown_below_it() -> None:
    async with http_serving() as http:
        document = json.dumps({"text": "one #abc", "tags": ["a", "ABC"]})
        assert (await http.ask("POST", "/tweets", document, content_type="application/json")).status == 201
        assert re.findall('class="tag" href="([^"]+)"', (await page(http, "/tweets/1"))) == ["/tags/abc", "/tags/a"]


@pytest.mark.parametrize("path", ["/", "/tags/a", "/by/ann", "/find?q=a+%26"])
async def test_a_page_leads_to_its_other_forms(path: str) -> None:
    async with http_serving() as http:
        await http.post("one #a")
        html = await page(http, path)
        (feed,) = re.findall(r'<link rel="alternate" type="application/atom\+xml" href="([^"]+)">', html)
        (json_path,) = re.findall(r'<a href="([^"]+)">JSON</a>', html)
        for other in (feed, json_path):
            answer = await http.ask("GET", unescape(other))
            assert (answer.status, b"one #a" in answer.body) == (200, "ann" not in path)


async def test_all_tags_are_listed_with_their_counts() -> None:
    async with http_serving() as http:
        await http.post("#a #b", "#a")
        html = await page(http, "/tags")
        assert re.findall(r"<bdi>#(\w+)</bdi>.*?<span class=\"number\">(\d+)<", html) == [("a", "2"), ("b", "1")]


async def test_a_name_leads_to_the_tweets_of_its_author(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tweets.db")
    _, secret = file.add("ann", frozenset({POST}))
    async with http_serving(authenticator=Authenticator(frozenset({READ, POST}), file)) as http:
        await http.ask("POST", "/tweets", "one #a", token=secret)
        await http.post("two")
        (path,) = re.findall(r'<a class="by" href="([^"]+)">', await page(http, "/"))
        html = await page(http, path)
        assert texts(html) == ["one #a"]
        assert "<h1><bdi>ann</bdi></h1>" in html


async def test_a_tweet_has_a_page_that_is_gone_when_it_is_deleted() -> None:
    async with http_serving() as http:
        await http.post("one")
        assert texts(await page(http, "/tweets/1")) == ["one"]
        answer = await submit(http, "/tweets/1/delete")
        assert (answer.status, answer.headers["location"]) == (303, "/")
        assert (await look(http, "/tweets/1")).status == 410
        assert texts(await page(http, "/")) == []
        assert (await look(http, "/tweets/7")).status == 404


@pytest.mark.parametrize(
    "path", ["/", "/tweets", "/tags/a", "/tags", "/by/ann", "/find?q=secret", "/big", "/tags/a/big", "/tweets/1"]
)
async def test_no_page_shows_a_deleted_tweet_not_even_one_that_is_known(tmp_path: Path, path: str) -> None:
    file = TokenFile(tmp_path / "tweets.db")
    _, token = file.add("ann", frozenset({POST}))
    async with http_serving(authenticator=Authenticator(frozenset(RIGHTS), file)) as http:
        assert (await http.ask("POST", "/tweets", "secret #a", token=token)).status == 201
        before = await look(http, path)
        assert (b'id="t1"' in before.body) is (path != "/tags")
        assert b'class="tag"' in before.body
        assert (await http.ask("DELETE", "/tweets/1")).status == 204
        after = await http.ask("GET", path, accept=BROWSER, if_none_match=before.headers.get("etag", ""))
        assert after.status == (410 if path == "/tweets/1" else 200)
        assert b'id="t1"' not in after.body
        assert b'class="tag"' not in after.body


async def test_a_page_that_comes_late_gets_a_deletion_and_no_text() -> None:
    async with http_serving() as http:
        await http.post("secret", "other")
        await http.ask("DELETE", "/tweets/1")
        caller = http.call()
        await caller.send("GET", "/tweets.sse?as=html&after=0")
        await caller.head()
        stream = await caller.until(b"event: live")
        assert b"secret" not in stream
        assert b'event: deleted\nid: 3\ndata: {"id":3,' in stream


@pytest.mark.parametrize(
    ("path", "led_to"),
    [("/?big", "/big"), ("/?big=1", "/big"), ("/tags/a?big", "/tags/a/big"), ("/tags?big", None), ("/?big=2", None)],
)
async def test_a_page_that_is_asked_for_in_large_letters_leads_to_it(path: str, led_to: str | None) -> None:
    async with http_serving() as http:
        answer = await http.ask("GET", path, accept=BROWSER)
        assert (answer.status, answer.headers.get("location")) == (400 if led_to is None else 303, led_to)


async def test_a_path_that_is_not_there_gets_a_page_that_says_so() -> None:
    async with http_serving() as http:
        answer = await look(http, "/<script>")
        assert answer.status == 404
        assert b"<h1>Not found</h1>" in answer.body
        assert b"openapi" not in answer.body
        assert b"<script>" not in answer.body


def made(tmp_path: Path, *anonymous: str) -> tuple[Authenticator, dict[str, str]]:
    file = TokenFile(tmp_path / "tweets.db")
    secrets = {right: file.add(f"one{right}", frozenset({READ, right}))[1] for right in RIGHTS}
    return Authenticator(frozenset(anonymous), file), secrets


async def test_a_page_offers_what_its_reader_may_do(tmp_path: Path) -> None:
    authenticator, secrets = made(tmp_path)
    async with http_serving(authenticator=authenticator) as http:
        await http.ask("POST", "/tweets", "one", token=secrets[POST])
        for right, secret in secrets.items():
            cookie = f"ttweet={secret}"
            assert ('action="/tweets"' in await page(http, "/", cookie=cookie)) is (right == POST)
            html = await page(http, "/tweets/1", cookie=cookie)
            assert ("/tweets/1/delete" in html) is (right == ADMIN)
            assert f"<bdi>one{right}</bdi>" in html
            assert "Log in" not in html


async def test_a_browser_without_a_token_is_sent_to_where_it_can_log_in(tmp_path: Path) -> None:
    authenticator, _ = made(tmp_path)
    async with http_serving(authenticator=authenticator) as http:
        answer = await http.ask("GET", "/", accept=BROWSER)
        assert (answer.status, answer.headers["location"]) == (303, "/login")
        assert 'action="/login"' in await page(http, "/login")


async def test_a_token_that_is_wrong_gets_the_form_again(tmp_path: Path) -> None:
    authenticator, secrets = made(tmp_path)
    async with http_serving(authenticator=authenticator) as http:
        answer = await submit(http, "/login", token="ttw_wrong")
        assert answer.status == 401
        assert b'role="alert"' in answer.body
        assert b"ttw_wrong" not in answer.body
        answer = await submit(http, "/login", token=secrets[READ])
        assert (answer.status, answer.headers["location"]) == (303, "/")
        assert answer.headers["set-cookie"].startswith(f"ttweet={secrets[READ]};")


async def test_a_cookie_whose_token_was_revoked_is_taken_back_on_the_way_to_the_form(tmp_path: Path) -> None:
    authenticator, _ = made(tmp_path)
    async with http_serving(authenticator=authenticator) as http:
        answer = await http.ask("GET", "/", accept=BROWSER, cookie="ttweet=ttw_gone")
        assert (answer.status, answer.headers["location"]) == (303, "/login")
        assert answer.headers["set-cookie"].startswith("ttweet=; Max-Age=0")
        assert 'action="/login"' in await page(http, "/login", cookie="ttweet=ttw_gone")


@pytest.mark.parametrize("right", ["none", *RIGHTS])
async def test_paths_for_browsers_alone_need_the_same_rights(tmp_path: Path, right: str) -> None:
    authenticator, secrets = made(tmp_path)
    async with http_serving(authenticator=authenticator) as http:
        await http.ask("POST", "/tweets", "one #a", token=secrets[POST])
        token = secrets.get(right)
        for path in ("/big", "/tags/a/big"):
            assert (await http.ask("GET", path, token=token)).status == (401 if right == "none" else 200)
        status = {"none": 401, ADMIN: 303}.get(right, 403)
        assert (await submit(http, "/tweets/1/delete", token)).status == status
        assert (await http.ask("GET", assets.path_of("style.css"))).status == 200
    assert {route.path for route in site.routes()} == {
        "/big",
        "/favicon.ico",
        "/login",
        "/tags/{tag}/big",
        "/tweets/{id}/delete",
        *[f"/assets/{{hash}}/{name}" for name in assets._TYPES],
    }


async def test_a_form_of_another_site_deletes_nothing() -> None:
    async with http_serving() as http:
        await http.post("one")
        answer = await http.ask("POST", "/tweets/1/delete", accept=BROWSER, sec_fetch_site="cross-site")
        assert answer.status == 403
        assert texts(await page(http, "/")) == ["one"]


async def test_a_page_that_is_known_is_not_sent_again_until_something_changes() -> None:
    async with http_serving() as http:
        await http.post("one")
        version = (await look(http, "/")).headers["etag"]
        assert (await http.ask("GET", "/", accept=BROWSER, if_none_match=version)).status == 304
        assert (await http.ask("GET", "/", if_none_match=version)).status == 200, "that is JSON"
        await http.post("two")
        assert (await http.ask("GET", "/", accept=BROWSER, if_none_match=version)).status == 200


async def test_a_page_gets_tweets_as_the_items_that_it_would_have_shown() -> None:
    async with http_serving() as http:
        await http.post("one\n\ndata: two\r#a")
        (stream,) = re.findall('data-live="([^"]+)"', await page(http, "/"))
        assert stream == "/tweets.sse?as=html&amp;after=1"
        caller = http.call()
        await caller.send("GET", "/tweets.sse?as=html&after=0")
        await caller.head()
        event = (await caller.until(b"</li>\n\n")).decode()
        (item,) = re.findall(r"<li id=.*?</li>", await page(http, "/"), re.DOTALL)
        assert "\n".join(re.findall("^data: (.*)$", event, re.MULTILINE)) == item
        assert event.split("\n\n")[1].startswith("id: 1\ndata: <li")


async def test_the_page_of_a_client_that_is_too_fast_has_its_style() -> None:
    async with http_serving(rates=Rates(Rate(1, "h", burst=1))) as http:
        statuses = [(await http.ask("GET", "/tags", accept=BROWSER)).status for _ in range(2)]
        style = await http.ask("GET", assets.path_of("style.css"))
        assert (statuses, style.status) == ([200, 429], 200)


@pytest.mark.parametrize(("headers", "status"), [({"host": "evil.example"}, 421), ({"via": "1.1 a"}, 403)])
async def test_a_browser_that_gets_no_style_gets_a_line_of_text(headers: dict[str, str], status: int) -> None:
    async with http_serving() as http:
        for path, type_ in (
            ("/", "text/plain; charset=utf-8"),
            (assets.path_of("style.css"), "application/problem+json"),
        ):
            answer = await http.ask("GET", path, **headers, **({"accept": BROWSER} if path == "/" else {}))
            assert (answer.status, answer.headers["content-type"]) == (status, type_)


async def test_assets_are_kept_for_good_under_a_path_of_their_own() -> None:
    async with http_serving() as http:
        for name, kind in (("style.css", "text/css"), ("live.js", "text/javascript"), ("icon.svg", "image/svg+xml")):
            answer = await http.ask("GET", assets.path_of(name))
            assert (answer.status, answer.headers["content-type"].split(";")[0]) == (200, kind)
            assert "immutable" in answer.headers["cache-control"]
            assert (await http.ask("GET", f"/assets/0/{name}")).status == 404
        assert (await http.ask("GET", "/favicon.ico")).body == answer.body


async def test_pages_are_small() -> None:
    async with http_serving() as http:
        sizes = [len((await http.ask("GET", assets.path_of(name))).body) for name in ("style.css", "live.js")]
        assert sum(sizes) <= MAX_ASSET_BYTES
        await http.post(*[f"{number} {'é' * 100} #tag{number} #another{number % 12}" for number in range(30)])
        assert len((await look(http, "/")).body) <= MAX_PAGE_BYTES


def test_nothing_of_a_page_is_inline_or_elsewhere() -> None:
    for template in (Path(assets.__file__).parent / "templates").iterdir():
        text = template.read_text()
        assert not re.search(r"<style|\bstyle=|\bon[a-z]+=|<script(?! type=\"module\" src=)|https?:", text), template
