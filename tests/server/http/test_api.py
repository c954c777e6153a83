"""The API: what is posted, read and deleted, in the forms that clients ask for."""

import json
from collections.abc import Mapping

import pytest

from tests.support.http_calls import http_serving
from tests.support.memory_store import MemoryStore
from ttweet.model.errors import StoreError
from ttweet.security.authenticator import Authenticator

FORM = "application/x-www-form-urlencoded"
BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"


@pytest.mark.parametrize(
    ("body", "headers", "text"),
    [
        ("Backup done #backup", {"content_type": FORM}, "Backup done #backup"),
        ("100% #a+b", {"content_type": FORM}, "100% #a+b"),
        ("a=b&text=c", {"content_type": FORM}, "a=b&text=c"),
        ("text=100%25+%23a", {"content_type": FORM}, "100% #a"),
        ("text=one%0D%0Atwo&key=k", {"content_type": FORM}, "one\ntwo"),
        ("plain\n", {"content_type": "text/plain; charset=utf-8"}, "plain"),
        ("plain\n\n", {}, "plain\n"),
        ("é", {"content_type": "application/octet-stream"}, "é"),
        ('{"text":"json"}', {"content_type": "application/json"}, "json"),
    ],
)
async def test_a_text_is_posted_as_its_client_has_it(body: str, headers: Mapping[str, str], text: str) -> None:
    async with http_serving() as http:
        answer = await http.ask("POST", "/tweets", body, **headers)
        assert (answer.status, answer.headers["location"], answer.json["text"]) == (201, "/tweets/1", text)
        assert [tweet.text for tweet in http.here.store.tweets] == [text]


async def test_json_has_tags_beside_the_text_and_a_key() -> None:
    async with http_serving() as http:
        document = {"text": "a #b", "tags": ["c"], "scan": False, "key": "k"}
        for _ in range(2):
            answer = await http.ask("POST", "/tweets", json.dumps(document), content_type="application/json")
            assert (answer.status, answer.json["id"], answer.json["tags"]) == (201, 1, ["c"])


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        ("", {}, 422, "bad_text"),
        ("\n", {}, 422, "bad_text"),
        ("a" * 151, {}, 422, "too_long"),
        (b"\xff", {}, 422, "bad_text"),
        ("a\0b", {}, 422, "bad_text"),
        ("text=%ff", {"content_type": FORM}, 400, "bad_request"),
        ("text=a&text=b", {"content_type": FORM}, 400, "bad_request"),
        ("text=a&tag=b", {"content_type": FORM}, 400, "bad_request"),
        ("50%25+done+%23a", {"content_type": FORM}, 400, "bad_request"),
        ("x", {"idempotency_key": "k" * 129}, 422, "bad_key"),
        ("x", {"content_type": "multipart/form-data; boundary=x"}, 415, "bad_request"),
        ("x", {"content_encoding": "gzip"}, 415, "bad_request"),
        ("{", {"content_type": "application/json"}, 400, "bad_request"),
        ("[" * 9999, {"content_type": "application/json"}, 400, "bad_request"),
        ('"text"', {"content_type": "application/json"}, 400, "bad_request"),
        ('{"text":1}', {"content_type": "application/json"}, 400, "bad_request"),
        ('{"text":"a","to":"b"}', {"content_type": "application/json"}, 400, "bad_request"),
        ('{"text":"a","tags":["b c"]}', {"content_type": "application/json"}, 422, "bad_tag"),
    ],
)
async def test_a_body_that_is_no_tweet_is_refused_and_counted_once(
    body: str | bytes, headers: Mapping[str, str], status: int, code: str
) -> None:
    async with http_serving() as http:
        answer = await http.ask("POST", "/tweets", body, **headers)
        assert (answer.status, answer.code) == (status, code)
        assert http.here.stats.collect()["refusals"] == {code: 1}
        assert http.here.store.tweets == []


async def test_an_empty_message_is_posted_when_it_is_asked_for() -> None:
    async with http_serving() as http:
        assert (await http.ask("POST", "/tweets?empty=1")).status == 201
        assert (await http.ask("GET", "/tweets")).json == {"tweets": [], "more": False}


async def test_a_post_is_repeated_without_harm_by_its_key() -> None:
    async with http_serving() as http:
        keys = ["k", '"k"', "k"]
        answers = [await http.ask("POST", "/tweets", f"{key} #a", idempotency_key=key) for key in keys]
        assert [(answer.status, answer.json["id"]) for answer in answers] == [(201, 1)] * 3
        assert (await http.ask("DELETE", "/tweets/1")).status == 204
        again = await http.ask("POST", "/tweets", "again", idempotency_key="k")
        assert (again.status, again.json["id"], again.json["deleted"]) == (200, 1, True)


async def test_an_error_of_the_store_is_reported_with_its_status() -> None:
    store = MemoryStore()
    async with http_serving(store) as http:
        for code, status in (("full", 507), ("busy", 503), ("altered", 503)):
            store.fail_next = [StoreError(code, "not now")]
            answer = await http.ask("POST", "/tweets", "x")
            assert (answer.status, answer.code) == (status, code)
            assert ("retry-after" in answer.headers) == (status == 503)
        assert http.here.stats.collect()["refusals"] == {"altered": 1, "busy": 1, "full": 1}


async def test_the_timeline_goes_back_and_forward_by_links() -> None:
    async with http_serving() as http:
        await http.post("1", "2", "3")
        page = await http.ask("GET", "/tweets.json?limit=2")
        assert ([one["id"] for one in page.json["tweets"]], page.json["more"]) == ([3, 2], True)
        assert page.headers["link"] == '</tweets.json?limit=2&before=2>; rel="next"'
        last = await http.ask("GET", "/tweets.json?limit=2&before=2")
        assert ([one["id"] for one in last.json["tweets"]], "link" in last.headers) == ([1], False)
        page = await http.ask("GET", "/tweets?after=0&limit=1")
        assert [one["id"] for one in page.json["tweets"]] == [1]
        assert page.headers["link"] == '</tweets?after=1&limit=1>; rel="next"'


async def test_tweets_are_lines_of_text_for_people() -> None:
    async with http_serving() as http:
        await http.post("Hello #world", "\x1b[31m")
        answer = await http.ask("GET", "/tweets.txt")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        first, second = answer.body.decode().splitlines()
        assert first.endswith("Z #2 \\x1b[31m")
        assert second.endswith("Z #1 Hello #world")


@pytest.mark.parametrize("path", ["/tags/World.json", "/tags/%57orld", "/tags/%EF%BC%83world.json"])
async def test_a_tag_has_its_tweets_in_any_spelling(path: str) -> None:
    async with http_serving() as http:
        await http.post("Hello #world", "other")
        answer = await http.ask("GET", path)
        assert [one["text"] for one in answer.json["tweets"]] == ["Hello #world"]


async def test_tags_authors_names_and_stats_are_documents() -> None:
    async with http_serving() as http:
        caller = await http.here.call()
        await caller.ask("n", "ann")
        await caller.ask("u", "hello #a #7")
        assert [one["tag"] for one in (await http.ask("GET", "/tags")).json["tags"]] == ["a"]
        assert [one["tag"] for one in (await http.ask("GET", "/tags.json?numbers=1")).json["tags"]] == ["a", "7"]
        assert (await http.ask("GET", "/tags.txt")).body == b"1 #a\n"
        assert [one["id"] for one in (await http.ask("GET", "/by/ann.json")).json["tweets"]] == [1]
        assert (await http.ask("GET", "/online.json")).json == {"names": ["ann"]}
        assert (await http.ask("GET", "/online.txt")).body == b"ann\n"
        assert (await http.ask("GET", "/stats.json")).json["tweets"]["newest"] == 1


async def test_one_tweet_is_there_or_never_was_or_is_gone() -> None:
    async with http_serving() as http:
        await http.post("one", "two")
        assert (await http.ask("DELETE", "/tweets/2")).status == 204
        assert (await http.ask("DELETE", "/tweets/2")).status == 204, "the first deletion again"
        assert (await http.ask("GET", "/tweets/1")).json["text"] == "one"
        assert (await http.ask("GET", "/tweets/1.txt")).body.endswith(b"#1 one\n")
        for path, status, code in (
            ("/tweets/2", 410, "no_tweet"),
            ("/tweets/2.txt", 410, "no_tweet"),
            ("/tweets/7.json", 404, "no_tweet"),
            ("/tweets/x", 400, "bad_request"),
            ("/tweets/0", 400, "bad_request"),
            ("/tweets/-1", 400, "bad_request"),
            ("/tweets/99999999999999999999", 400, "bad_request"),
        ):
            answer = await http.ask("GET", path)
            assert (answer.status, answer.code) == (status, code), path


@pytest.mark.parametrize(
    "path",
    [
        "/tweets?limit=0",
        "/tweets?limit=201",
        "/tweets?limit=a",
        "/tweets?limit=1&limit=2",
        "/tweets?before=1&after=1",
        "/tweets?before=0",
        "/tweets?x=1",
        "/tweets?%ff=1",
        "/tags?numbers=yes",
        "/tags/a?after=1",
        "/%ff",
        "/tweets?" + "&".join([f"a{number}=1" for number in range(30)]),
    ],
)
async def test_a_query_that_means_nothing_is_refused(path: str) -> None:
    async with http_serving() as http:
        assert (await http.ask("GET", path)).code == "bad_request"


async def test_an_answer_is_known_by_its_tag_until_something_changes() -> None:
    async with http_serving() as http:
        await http.post("one #a", "two")
        versions: list[str] = []
        for change in (None, http.ask("DELETE", "/tweets/2"), http.here.journal.prune(before=2)):
            if change is not None:
                await change
            versions.append((await http.ask("GET", "/tweets.json")).headers["etag"])
        assert len({*versions}) == 3
        for path in ("/tweets.json", "/tags/a.json", "/tags.json", "/by/ann.json"):
            version = (await http.ask("GET", path)).headers["etag"]
            same = await http.ask("GET", path, if_none_match=f'"other", {version}')
            assert (same.status, same.body, same.headers["etag"]) == (304, b"", version)
            strong = version.removeprefix("W/")
            assert (await http.ask("GET", path, if_none_match=f'W/"other",{strong}')).status == 304, "compared as weak"
        assert (await http.ask("GET", "/tweets.txt", if_none_match=versions[-1])).status == 200, "another form"
        assert (await http.ask("GET", "/tweets.json", if_none_match=versions[0])).status == 200


@pytest.mark.parametrize("path", ["/tweets.json", "/tweets/1", "/", "/find?q=since:2h", "/online", "/openapi.json"])
async def test_a_client_that_needs_no_answer_if_there_is_one_gets_none(path: str) -> None:
    async with http_serving() as http:
        await http.post("one")
        whole = await http.ask("GET", path)
        for method in ("GET", "HEAD"):
            answer = await http.ask(method, path, if_none_match="*")
            assert (answer.status, answer.body) == (304, b"")
            for name in ("etag", "cache-control", "vary"):
                assert answer.headers.get(name) == whole.headers.get(name)
        assert (await http.ask("GET", "/tweets/2", if_none_match="*")).status == 404
        assert (await http.ask("DELETE", "/tweets/1", if_none_match="*")).status == 204


async def test_an_answer_of_another_log_is_not_known() -> None:
    versions: list[str] = []
    for text in ("removed with its file", "of a new file"):
        async with http_serving() as http:
            await http.post(text)
            for version in ("", *versions):
                answer = await http.ask("GET", "/tweets", if_none_match=version)
                assert (answer.status, answer.json["tweets"][0]["text"]) == (200, text)
            versions.append(answer.headers["etag"])


@pytest.mark.parametrize(("path", "status"), [("/tweets/999", 404), ("/tags/%20%20", 422), ("/stats", 200)])
async def test_a_version_is_known_for_its_own_path_alone(path: str, status: int) -> None:
    async with http_serving() as http:
        await http.post("one")
        version = (await http.ask("GET", "/tweets")).headers["etag"]
        assert (await http.ask("GET", path, if_none_match=version)).status == status
        assert (await http.ask("GET", "/tweets?limit=1", if_none_match=version)).status == 200


async def test_a_form_in_a_browser_is_led_back_to_the_page() -> None:
    async with http_serving() as http:
        answer = await http.ask("POST", "/tweets", "text=hello", content_type=FORM, accept=BROWSER)
        assert (answer.status, answer.headers["location"]) == (303, "/#t1")


async def test_head_has_the_headers_alone_and_options_the_methods() -> None:
    async with http_serving() as http:
        await http.post("one")
        whole, head = [await http.ask(method, "/tweets.json") for method in ("GET", "HEAD")]
        assert (head.status, head.body, whole.body != b"") == (200, b"", True)
        same = "content-length", "content-type", "etag"
        assert [head.headers[name] for name in same] == [whole.headers[name] for name in same]
        for path, methods in (("/tweets", "GET, HEAD, OPTIONS, POST"), ("/tweets/1", "DELETE, GET, HEAD, OPTIONS")):
            answer = await http.ask("OPTIONS", path)
            assert (answer.status, answer.headers["allow"]) == (204, methods)
        assert (await http.ask("OPTIONS", "/nothing")).status == 404


@pytest.mark.parametrize(
    "path", ["/nothing", "/nothing/", "/tweets.xml", "/tweets/1/2/3", "//tweets", "/tags//", "/tweets.json.json"]
)
async def test_a_path_that_is_not_there_is_refused(path: str) -> None:
    async with http_serving() as http:
        answer = await http.ask("GET", path)
        assert (answer.status, answer.code) == (404, "bad_operation")


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (BROWSER, "text/html"),
        ("text/html;q=0.9, application/json;q=0.9", "text/html"),
        ("text/html;level=1;q=x", "text/html"),
        ("text/html;q=0, */*", "application/json"),
        ("text/html;q=0.1, application/json", "application/json"),
        ("application/json, text/html; q=0.5", "application/json"),
        ("*/*", "application/json"),
    ],
)
async def test_a_path_without_a_suffix_has_the_form_that_its_client_accepts_most(accept: str, kind: str) -> None:
    async with http_serving() as http:
        answer = await http.ask("GET", "/nothing", accept=accept)
        assert answer.headers["content-type"].startswith(kind.replace("application/json", "application/problem+json"))
        assert (await http.ask("GET", "/tweets", accept=accept)).headers["content-type"].startswith(kind)


@pytest.mark.parametrize("known", ["{}", '"a,b", {}', '{}, "a"', "strong"])
async def test_a_version_is_known_in_a_list_and_without_the_mark_of_a_weak_one(known: str) -> None:
    async with http_serving() as http:
        version = (await http.ask("GET", "/tweets.json")).headers["etag"]
        shown = version.removeprefix("W/") if known == "strong" else known.format(version)
        assert (await http.ask("GET", "/tweets.json", if_none_match=shown)).status == 304
        assert (await http.ask("GET", "/tweets.json", if_none_match=shown.replace('"', ""))).status == 200


@pytest.mark.parametrize("last", ["abc", "-1", "1.5", "1_0", "9" * 23])
async def test_a_stream_from_an_id_that_is_no_number_is_refused(last: str) -> None:
    async with http_serving() as http:
        answer = await http.ask("GET", "/tweets.sse", last_event_id=last)
        assert (answer.status, answer.code) == (400, "bad_request")
        assert answer.json["detail"].startswith("invalid Last-Event-ID: use a whole number from 0 to ")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/tags/%F0%9F%98%80", 422, "bad_tag"),
        ("/tags/a%2Fb.json", 422, "bad_tag"),
        ("/tags/a%00b", 422, "bad_tag"),
        ("/tags/%ff", 400, "bad_request"),
        ("/by/a%00b.json", 422, "bad_name"),
        ("/by/%F0%9F%98%80", 422, "bad_name"),
    ],
)
async def test_a_path_with_an_invalid_tag_or_name_is_refused(path: str, status: int, code: str) -> None:
    async with http_serving() as http:
        answer = await http.ask("GET", path)
        assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(
    ("path", "led_to"),
    [
        ("/tweets/", "/tweets"),
        ("/tweets/?limit=5", "/tweets?limit=5"),
        ("/tags/%C3%A9.json/", "/tags/%C3%A9.json"),
        ("//", "/"),
    ],
)
async def test_a_slash_too_many_leads_to_the_path_without_it(path: str, led_to: str, method: str) -> None:
    async with http_serving(authenticator=Authenticator(frozenset())) as http:
        answer = await http.ask(method, path, accept=BROWSER)
        if method == "POST" and "tweets" not in path:
            assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
        else:
            assert (answer.status, answer.headers["location"]) == (308, led_to)


async def test_a_method_that_a_path_does_not_have_is_refused_with_those_it_has() -> None:
    async with http_serving() as http:
        answer = await http.ask("PUT", "/tweets", "x")
        assert (answer.status, answer.code, answer.headers["allow"]) == (
            405,
            "bad_operation",
            "GET, HEAD, OPTIONS, POST",
        )


async def test_no_answer_can_be_run_or_framed_by_a_browser() -> None:
    async with http_serving() as http:
        await http.post("<script>alert(1)</script>")
        for path in ("/tweets.json", "/tweets.txt", "/nothing"):
            headers = (await http.ask("GET", path)).headers
            assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
            assert headers["x-content-type-options"] == "nosniff"


async def test_a_request_is_an_event_and_no_pair_of_report_lines() -> None:
    async with http_serving() as http:
        await http.ask("GET", "/tweets.json")
        caller = await http.here.call()
        await caller.ask("u", "afterwards")
        assert not [line for line in http.here.lines if "192.0.2.1" in line]
        assert http.here.places.accepted == 2
