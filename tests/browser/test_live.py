"""Tweets that come while a page is open."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.support.web_server import WebServer, web_server
from ttweet.client.sync_client import Client

SOURCES = """
window.sources = [];
window.EventSource = class extends EventSource {
    constructor(url) { super(url); sources.push(this); }
};
"""
HIDE = """hidden => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


def live(page: Page) -> Page:
    """A page that receives new tweets."""
    expect(page.locator("#state")).to_contain_text("Live")
    return page


def shown(page: Page) -> list[str]:
    return page.locator("article > p:first-of-type").all_inner_texts()


def test_a_new_tweet_appears_at_the_top(server: WebServer, open_page: OpenPage) -> None:
    server.post("before #top")
    page = live(open_page("/tags/top"))
    server.post("<b>after</b> #top", "another #elsewhere")
    expect(page.locator(".timeline > li.fresh")).to_have_count(1)
    assert shown(page) == ["<b>after</b> #top", "before #top"]
    assert page.locator(".day h2").all_inner_texts() == ["Today"]


def test_the_tweet_that_is_being_read_does_not_move_when_others_arrive(server: WebServer, open_page: OpenPage) -> None:
    server.post(*[f"{number} #read" for number in range(20)])
    page = live(open_page("/tags/read"))
    read = page.get_by_text("3 #read", exact=True)
    read.scroll_into_view_if_needed()
    page.mouse.wheel(0, 600)
    page.wait_for_function("scrollY > 200")
    before = read.bounding_box()
    server.post("new #read", "newer #read")
    pill = page.get_by_role("button", name="2 new tweets")
    expect(pill).to_be_visible()
    assert read.bounding_box() == before
    assert len(shown(page)) == 20
    pill.click()
    assert shown(page)[:2] == ["newer #read", "new #read"]
    expect(pill).to_be_hidden()


def test_the_focus_stays_when_tweets_come(server: WebServer, open_page: OpenPage) -> None:
    server.post("one #focus")
    page = live(open_page("/tags/focus"))
    page.locator(".when").focus()
    server.post("two #focus")
    expect(page.get_by_role("button", name="1 new tweet")).to_be_visible()
    assert page.evaluate("document.activeElement.className") == "when"


def test_a_pause_holds_tweets_back(server: WebServer, open_page: OpenPage) -> None:
    page = live(open_page("/tags/pause"))
    page.get_by_role("button", name="Pause").click()
    server.post("one #pause")
    expect(page.locator("#news")).to_have_text("1 new tweet")
    assert shown(page) == []
    page.get_by_role("button", name="Resume").click()
    assert shown(page) == ["one #pause"]


def test_a_flood_is_counted_and_its_newest_tweets_are_shown(server: WebServer, open_page: OpenPage) -> None:
    page = live(open_page("/tags/flood"))
    page.get_by_role("button", name="Pause").click()
    with Client("127.0.0.1", server.port) as client:
        for number in range(303):
            client.post(f"{number} #flood")
    expect(page.locator("#news")).to_have_text("303 new tweets", timeout=30_000)
    page.locator("#news").click()
    assert shown(page)[:2] == ["302 #flood", "301 #flood"]
    assert page.locator(".timeline > li").count() == 300 + 1  # the day


def test_a_tweet_that_is_deleted_unseen_is_not_announced(server: WebServer, open_page: OpenPage) -> None:
    page = live(open_page("/tags/unseen"))
    page.get_by_role("button", name="Pause").click()
    first, second = server.post("one #unseen", "two #unseen")
    expect(page.locator("#news")).to_have_text("2 new tweets")
    server.delete(first)
    expect(page.locator("#news")).to_have_text("1 new tweet")
    server.delete(second)
    expect(page.locator("#news")).to_be_hidden()


def test_a_deleted_tweet_disappears(server: WebServer, open_page: OpenPage) -> None:
    first, _ = server.post("one #deleted", "two #deleted")
    page = live(open_page("/tags/deleted"))
    server.delete(first)
    expect(page.locator(f"#t{first}")).to_have_count(0)
    assert shown(page) == ["two #deleted"]


def test_a_hidden_tab_closes_its_stream_and_misses_nothing(server: WebServer, open_page: OpenPage) -> None:
    page = open_page("/online")
    page.add_init_script(SOURCES)
    page.goto(f"{server.url}/tags/hidden")
    live(page)
    page.evaluate(HIDE, True)
    assert page.evaluate("sources.map(one => one.readyState)") == [2]
    server.post("meanwhile #hidden")
    page.evaluate(HIDE, False)
    expect(page.locator("article")).to_have_count(1)
    assert page.evaluate("sources.map(one => one.readyState)") == [2, 1]


def test_after_a_restart_every_tweet_is_there_once_and_in_order(tmp_path: Path, open_page: OpenPage) -> None:
    with web_server(tmp_path) as server:
        server.post("first")
        page = live(open_page("/", url=server.url, expected="Failed to load resource"))
        server.stop()
        expect(page.locator("#state")).to_contain_text("Connecting again")
    with web_server(tmp_path, http_port=server.http_port) as again:
        again.post(*[f"meanwhile {number}" for number in range(5)])
        expect(page.locator("article")).to_have_count(6, timeout=30_000)
        assert shown(page) == [*[f"meanwhile {number}" for number in range(4, -1, -1)], "first"]


def test_times_are_shown_as_people_say_them(server: WebServer, open_page: OpenPage) -> None:
    server.post("one #times")
    time = open_page("/tags/times").locator("time")
    expect(time).to_have_text("now")
    assert re.search(r"20\d\d", time.get_attribute("title") or "")


def test_without_javascript_times_are_those_of_utc(server: WebServer, open_page: OpenPage) -> None:
    server.post("one #utc")
    assert re.fullmatch(r"\d\d:\d\d", open_page("/tags/utc", java_script_enabled=False).locator("time").inner_text())
