"""To post by the form of a page, with and without JavaScript, and by the keyboard alone."""

import random
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.support.web_server import WebServer, web_server
from ttweet.model.errors import Refused
from ttweet.model.tweets import MAX_CHARACTERS, checked_text, nfc
from ttweet.security.rights import POST, READ
from ttweet.security.token_file import TokenFile

PIECES = [
    "a",
    "e\u0301",
    "é",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\u1100\u1161\u11a8",
    "\U0001f1f8\U0001f1ea",
    "👍🏽",
    "東",
    "\n",
    " ",
]
COUNT = """texts => texts.map(typed => {
    const text = document.getElementById("text");
    text.value = typed;
    text.dispatchEvent(new Event("input"));
    return [document.getElementById("count").value, text.checkValidity()];
})"""


def shown(page: Page) -> list[str]:
    return page.locator("article > p:first-of-type").all_inner_texts()


@pytest.mark.parametrize("has_scripts", [True, False])
def test_a_tweet_that_is_posted_is_shown(server: WebServer, open_page: OpenPage, has_scripts: bool) -> None:
    page = open_page("/", java_script_enabled=has_scripts)
    text = f"Two\nlines & <b>all</b> #shown{has_scripts}"
    page.get_by_label("Your tweet").fill(text)
    page.get_by_role("button", name="Post").click()
    page.wait_for_url("**/#t*")
    assert shown(page)[0] == text


def test_a_text_that_is_too_long_is_kept(open_page: OpenPage) -> None:
    page = open_page("/", java_script_enabled=False, expected="422")
    page.get_by_label("Your tweet").fill("a" * 151)
    page.get_by_role("button", name="Post").click()
    expect(page.get_by_role("alert")).to_have_text("Too long: 151 characters; use at most 150.")
    expect(page.get_by_label("Your tweet")).to_have_value("a" * 151)


def test_with_javascript_a_text_that_is_too_long_is_not_even_sent(open_page: OpenPage) -> None:
    page = open_page("/")
    page.get_by_label("Your tweet").fill("a" * 151)
    expect(page.locator("#count")).to_have_text("151 of 150")
    page.get_by_role("button", name="Post").click()
    assert page.url.endswith("/")
    assert page.evaluate("document.activeElement.id") == "text"


def test_a_page_counts_as_the_server_counts(open_page: OpenPage) -> None:
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    texts = ["".join(chance.choices(PIECES[: chance.randint(1, 10)], k=chance.randint(1, 170))) for _ in range(300)]
    counted = open_page("/").evaluate(COUNT, texts)
    for text, (count, is_valid) in zip(texts, counted, strict=True):
        assert count == f"{len(nfc(text))} of {MAX_CHARACTERS}", f"seed {seed}"
        assert is_valid is (accepted(text) and text.strip(" ") != ""), f"seed {seed}: {text!a}"


def accepted(text: str) -> bool:
    try:
        checked_text(text)
    except Refused:
        return False
    return True


def test_the_keyboard_alone_does_it(open_page: OpenPage) -> None:
    page = open_page("/")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "text"
    page.keyboard.type("By keyboard #keys")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/#t*")
    assert shown(page)[0] == "By keyboard #keys"


def test_no_stop_of_the_keyboard_is_invisible(server: WebServer, open_page: OpenPage) -> None:
    server.post("one #stops https://example.org/")
    page = open_page("/tags/stops")
    for _ in range(12):
        page.keyboard.press("Tab")
        box = page.evaluate(
            "(box => [box.width, box.height, box.left, box.top])(document.activeElement.getBoundingClientRect())"
        )
        assert min(box[:2]) >= 10, page.evaluate("document.activeElement.outerHTML")
        assert min(box[2:]) >= 0


def test_a_token_ends_in_the_browser_when_it_is_revoked(tmp_path: Path, open_page: OpenPage) -> None:
    file = TokenFile(tmp_path / "tweets.db")
    _, token = file.add("ann", frozenset({READ, POST}))
    with web_server(tmp_path, "--anonymous", "write") as server:
        page = open_page("/login", url=server.url, expected="401")
        page.get_by_label("Token").fill(token)
        page.get_by_role("button", name="Log in").click()
        expect(page.locator("#state")).to_contain_text("Live")
        expect(page.locator("form.post")).to_contain_text("as ann")
        file.revoke("ann")
        expect(page.locator("#state")).to_contain_text("Logged out")
        page.get_by_label("Your tweet").fill("for ann alone")
        page.get_by_role("button", name="Post").click()
        expect(page.get_by_role("heading", name="Log in first")).to_be_visible()
        assert page.request.get(f"{server.url}/tweets").json()["tweets"] == []
