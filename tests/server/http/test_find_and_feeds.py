"""Queries by HTTP, live too, and tweets as Atom feeds."""

import json
import re
from xml.etree import ElementTree as ET

import pytest

from tests.support.http_calls import http_serving
from tests.support.memory_store import MemoryStore
from ttweet.model.query import Query
from ttweet.model.tweets import Found
from ttweet.server.http import feed
from ttweet.server.http.feed import TITLE_CHARACTERS


class CutShort(MemoryStore):
    """A store whose time for a query is always up."""

    def find(self, query: Query, *, limit: int, before: int | None = None) -> Found:
        """See Reader."""
        return Found([], more=True, searched_to=7)


ATOM = "{http://www.w3.org/2005/Atom}"
TOMBSTONES = "{http://purl.org/atompub/tombstones/1.0}"


async def test_a_query_finds_tweets_newest_first_in_pages() -> None:
    async with http_serving() as http:
        await http.post("backup done #ops", "nothing", "backup failed #ops")
        page = await http.ask("GET", "/find?q=backup+tag:ops&limit=1")
        assert ([one["id"] for one in page.json["tweets"]], page.json["more"]) == ([3], True)
        assert page.json["searched_to"] is None
        assert page.headers["link"] == '</find?q=backup+tag%3Aops&limit=1&before=3>; rel="next"'
        following = page.headers["link"].partition("<")[2].partition(">")[0]
        assert [one["id"] for one in (await http.ask("GET", following)).json["tweets"]] == [1]
        assert (await http.ask("GET", "/find.txt?q=failed")).body.endswith(b"#3 backup failed #ops\n")


@pytest.mark.parametrize("form", ["json", "txt", "atom", "html"])
async def test_an_answer_that_changes_with_the_log_alone_has_a_version(form: str) -> None:
    async with http_serving() as http:
        await http.post("backup done")
        path = f"/find.{form}?q=backup+since:2020-01-31"
        version = (await http.ask("GET", path)).headers["etag"]
        assert (await http.ask("GET", path, if_none_match=version)).status == 304
        await http.post("backup done again")
        assert (await http.ask("GET", path, if_none_match=version)).status == 200


@pytest.mark.parametrize("asked", ["backup+since:7d", "backup+since:2020-01-31+since:7d", "backup+-until:7d"])
async def test_an_answer_that_changes_by_itself_has_no_version(asked: str) -> None:
    async with http_serving() as http:
        await http.post("backup done")
        lasting = (await http.ask("GET", "/find?q=backup")).headers["etag"]
        answer = await http.ask("GET", f"/find?q={asked}", if_none_match=lasting)
        assert (answer.status, answer.headers.get("etag"), len(answer.json["tweets"])) == (200, None, 1)


async def test_an_answer_that_is_cut_short_has_no_version() -> None:
    async with http_serving(CutShort()) as http:
        answer = await http.ask("GET", "/find?q=backup")
        assert (answer.json["searched_to"], answer.headers.get("etag")) == (7, None)


@pytest.mark.parametrize("path", ["/find", "/find?q=", "/find?q=-only", "/find.sse", "/find.sse?q=-only"])
async def test_a_query_that_can_find_nothing_is_refused(path: str) -> None:
    async with http_serving() as http:
        answer = await http.ask("GET", path)
        assert (answer.status, answer.code) == (422, "bad_query")


async def test_a_query_can_be_followed() -> None:
    async with http_serving() as http:
        await http.post("backup done", "other")
        caller = http.call()
        await caller.send("GET", "/find.ndjson?q=backup&after=0")
        await caller.head()
        lines = (await caller.until(b'{"live":2}\n')).splitlines()
        assert [json.loads(line).get("id") for line in lines] == [1, None]
        await http.post("no", "backup again")
        assert json.loads(await caller.until(b"\n"))["id"] == 4


@pytest.mark.parametrize("path", ["/tweets.atom", "/tags/ops.atom?limit=5", "/by/ann.atom", "/find.atom?q=backup"])
async def test_a_feed_has_tweets_with_their_links_authors_and_tags(path: str) -> None:
    async with http_serving() as http:
        caller = await http.here.call()
        await caller.ask("n", "ann")
        await caller.ask("u", "backup <b>&\u2028\x1b\ufffe #ops " + "a" * 100)
        answer = await http.ask("GET", path)
        assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
        found = ET.fromstring(answer.body)
        base = "http://127.0.0.1:8080"
        assert found.findtext(f"{ATOM}id") == f"{base}{path}"
        assert found.findtext(f"{ATOM}updated") == found.findtext(f"{ATOM}entry/{ATOM}updated")
        [entry] = found.findall(f"{ATOM}entry")
        assert entry.findtext(f"{ATOM}id") == f"{base}/tweets/1"
        assert entry.findtext(f"{ATOM}author/{ATOM}name") == "ann"
        assert entry.findtext(f"{ATOM}content") == "backup <b>&\u2028\ufffd\ufffd #ops " + "a" * 100
        assert len(entry.findtext(f"{ATOM}title") or "") == TITLE_CHARACTERS
        assert [one.get("term") for one in entry.findall(f"{ATOM}category")] == ["ops"]


@pytest.mark.parametrize("path", ["/tweets.atom", "/tags/ops.atom", "/by/ann.atom", "/find.atom?q=backup"])
async def test_a_feed_has_a_tombstone_of_a_deleted_tweet_and_no_text(path: str) -> None:
    async with http_serving() as http:
        caller = await http.here.call()
        await caller.ask("n", "ann")
        await caller.ask("u", "backup #ops")
        known = await http.ask("GET", path)
        entry = ET.fromstring(known.body).findtext(f"{ATOM}entry/{ATOM}id")
        await http.ask("DELETE", "/tweets/1")
        answer = await http.ask("GET", path, if_none_match=known.headers["etag"])
        found = ET.fromstring(answer.body)
        [tombstone] = found.findall(f"{TOMBSTONES}deleted-entry")
        assert tombstone.attrib == {"ref": entry, "when": found.findtext(f"{ATOM}updated")}
        assert not found.findall(f"{ATOM}entry")
        for word in (b"backup", b"ops", b"ann"):
            assert (word in answer.body) is (word in path.encode())


async def test_a_feed_has_the_newest_deletions_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MAX_TOMBSTONES", 2)
    async with http_serving() as http:
        await http.post("1", "2", "3", "4")
        for tweet in (3, 1, 2):
            await http.ask("DELETE", f"/tweets/{tweet}")
        body = (await http.ask("GET", "/tweets.atom")).body.decode()
        assert re.findall(r'deleted-entry ref="http://127.0.0.1:8080/tweets/(\d+)"', body) == ["2", "1"]


async def test_a_deleted_tweet_is_found_by_no_query() -> None:
    async with http_serving() as http:
        await http.post("backup #ops")
        version = (await http.ask("GET", "/find?q=backup")).headers["etag"]
        await http.ask("DELETE", "/tweets/1")
        assert (await http.ask("GET", "/find?q=backup", if_none_match=version)).json["tweets"] == []


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/tweets.atom?limit=5", "ttweet"),
        ("/tags/ci,%23cd.atom", "#ci #cd on ttweet"),
        ("/by/ann.atom", "ann on ttweet"),
        ("/find.atom?q=%22timed+out%22+%26+-flaky", "&#34;timed out&#34; &amp; -flaky on ttweet"),
        ("/find.atom?q=a%0Cb", "a\ufffdb on ttweet"),
    ],
)
async def test_a_feed_has_the_title_by_which_a_reader_lists_it(path: str, title: str) -> None:
    async with http_serving() as http:
        body = (await http.ask("GET", path)).body.decode()
        assert f"<title>{title}</title>" in body
        ET.fromstring(body)
