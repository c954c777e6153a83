"""Pages of the tweets of several tags."""

import pytest

from tests.support.http_calls import HttpServing, http_serving
from ttweet.model.tweets import Page, Tweet
from ttweet.server.http.tag_pages import MAX_TAGS_OF_PAGE, merged


async def ids(http: HttpServing, path: str) -> tuple[list[int], bool, str]:
    answer = await http.ask("GET", path)
    assert answer.status == 200, answer.body
    following = answer.headers.get("link", "").partition("<")[2].partition(">")[0]
    return [one["id"] for one in answer.json["tweets"]], answer.json["more"], following


async def test_a_page_of_several_tags_has_the_tweets_of_either_once_in_order() -> None:
    async with http_serving() as http:
        await http.post("one #a", "two #b", "three", "four #a #b", "five #c", "six #B")
        assert await ids(http, "/tags/a,b") == ([6, 4, 2, 1], False, "")
        newest, more, following = await ids(http, "/tags/a,b?limit=2")
        assert (newest, more) == ([6, 4], True)
        assert await ids(http, following) == ([2, 1], False, "")


@pytest.mark.parametrize("path", ["/tags/a,b.txt", "/tags/a,b.atom", "/tags/a,b.html", "/tags/a%2Cb/big"])
async def test_every_form_of_a_tag_has_several(path: str) -> None:
    async with http_serving() as http:
        await http.post("one #a", "two #b", "three #c")
        body = (await http.ask("GET", path, accept="text/html")).body
        assert [word in body for word in (b"one", b"two", b"three")] == [True, True, False]


async def test_the_chart_of_several_tags_counts_a_tweet_once() -> None:
    async with http_serving() as http:
        await http.post("one #a #b", "two #b")
        assert b"2 in all" in (await http.ask("GET", "/tags/a,b.html")).body
        assert (await http.ask("GET", "/tags/a,b.svg")).status == 200


async def test_a_page_of_several_tags_has_a_version() -> None:
    async with http_serving() as http:
        await http.post("one #a")
        version = (await http.ask("GET", "/tags/a,b")).headers["etag"]
        assert (await http.ask("GET", "/tags/a,b", if_none_match=version)).status == 304
        await http.post("two #b")
        assert (await http.ask("GET", "/tags/a,b", if_none_match=version)).status == 200


@pytest.mark.parametrize("tags", [",".join("abcdefghi"), "a,", ",", "a,b-c"])
async def test_too_many_tags_and_what_is_no_tag_are_refused(tags: str) -> None:
    async with http_serving() as http:
        answer = await http.ask("GET", f"/tags/{tags}")
        assert (answer.status, answer.code) == (422, "bad_tag")
        assert (await http.ask("GET", f"/tags/{','.join('abcdefgh'[:MAX_TAGS_OF_PAGE])}")).status == 200


def test_merged_pages_have_no_more_than_their_limit_and_tell_of_the_rest() -> None:
    one, two, three = [Tweet(id_, 0, None, "x", ()) for id_ in (1, 2, 3)]
    assert merged([Page([three, one], more=False), Page([two], more=False)], 2) == Page([three, two], more=True)
    assert merged([Page([three, two], more=True), Page([three, two], more=False)], 2) == Page([three, two], more=True)
    assert merged([Page([], more=False), Page([], more=False)], 2) == Page([], more=False)
