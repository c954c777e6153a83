"""Each page at each size and in each colour: accessible, nothing cut off, nothing too small."""

import random
from itertools import product
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import OpenPage
from tests.support.web_server import WebServer

PATHS = [
    "/",
    "/tags",
    "/tags/looks",
    "/tags/looks/big",
    "/by/ann",
    "/tweets/1",
    "/online",
    "/find?q=one",
    "/login",
    "/nothing",
]
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=//a.b onerror=alert(1)>",
    "javascript:alert(1)",
    "</li></ol>",
    "<!--",
    "&lt;",
    "{{ 7 * 7 }}",
    "http://a.b/'onclick='alert(1)",
    'http://a.b/"onclick="alert(1)',
    '"',
    "'",
    "#",
    "/",
    "\u202e",
    "\x1b[31m",
    "\r",
    "\n",
    "\u2067",
    "<svg/onload=alert(1)>",
    "\ufeff",
    "<style>*{display:none}</style>",
]
WIDTHS = [320, 390, 768, 1280]
SCHEMES = ["light", "dark"]
WRAPPED = """() => [...document.querySelectorAll("button, .top a")].filter(one => {
    const range = document.createRange();
    range.selectNodeContents(one);
    return one.offsetParent && new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1;
}).map(one => one.outerHTML)"""
SMALLEST = """() => Math.min(...[...document.body.querySelectorAll("*")]
    .filter(one => [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
    .map(one => parseFloat(getComputedStyle(one).fontSize)))"""


@pytest.fixture(scope="module", autouse=True)
def tweets(server: WebServer) -> None:
    server.post(
        "one #looks https://example.org/a", "a" * 150, "two\nlines #looks #another", "שלום #שלום", "\u202ex #looks"
    )


def seen(open_page: OpenPage, path: str, **options: Any) -> Page:
    return open_page(path, expected="404", **options)


@pytest.mark.parametrize(("path", "scheme"), [*product(PATHS, SCHEMES)])
def test_a_page_is_accessible(open_page: OpenPage, path: str, scheme: str) -> None:
    found = Axe().run(seen(open_page, path, color_scheme=scheme))
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("path", PATHS)
def test_a_page_fits_every_width(open_page: OpenPage, path: str) -> None:
    page = seen(open_page, path)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(WRAPPED) == []
        assert page.evaluate(SMALLEST) >= 12


def test_colours_of_the_reader_leave_bars_and_buttons_visible(open_page: OpenPage) -> None:
    page = seen(open_page, "/tags/looks", forced_colors="active")
    fills = page.evaluate('["bars", "today"].map(name => getComputedStyle(document.querySelector("." + name)).fill)')
    paper = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert paper not in fills
    page = seen(open_page, "/", forced_colors="active")
    assert page.evaluate('getComputedStyle(document.querySelector("main button")).borderTopWidth') == "1px"


def test_nothing_moves_for_a_reader_who_wants_no_motion(open_page: OpenPage) -> None:
    page = seen(open_page, "/", reduced_motion="reduce")
    durations = "[...document.querySelectorAll('*')].map(one => getComputedStyle(one).transitionDuration)"
    assert {*page.evaluate(durations)} == {"0s"}


def test_paper_gets_the_tweets_alone(open_page: OpenPage) -> None:
    page = seen(open_page, "/")
    page.emulate_media(media="print")
    assert (
        page.locator("header.top, form, aside, footer").evaluate_all(
            "all => all.filter(one => one.offsetParent).length"
        )
        == 0
    )
    assert page.locator("article").count() > 0


def test_paper_gets_the_time_of_a_tweet_and_not_how_long_ago_that_is(open_page: OpenPage) -> None:
    page = seen(open_page, "/")
    page.emulate_media(media="print")
    sizes = page.locator("time").evaluate_all("all => all.map(one => getComputedStyle(one).fontSize)")
    shown = page.locator("time").evaluate_all("all => all.map(one => getComputedStyle(one, '::after').content)")
    times = page.locator("time").evaluate_all("all => all.map(one => one.getAttribute('datetime'))")
    assert {*sizes} == {"0px"}
    assert shown == [f'"{time}"' for time in times]
    assert not page.locator(".day").evaluate_all("all => all.filter(one => one.offsetParent).length")


def test_no_text_does_more_than_be_shown(server: WebServer, open_page: OpenPage) -> None:
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    texts = ["".join(chance.choices(HOSTILE, k=chance.randint(1, 6)))[:140] for _ in range(100)]
    server.post(*[f"{text} #hostile" for text in texts])
    page = open_page("/tags/hostile?limit=200")
    shown = page.locator("article > p:first-of-type").evaluate_all("all => all.map(one => one.textContent)")
    assert 0 < len(shown) <= len(texts)
    elements = "all => all.map(one => one.localName)"
    assert {*page.locator("article > p *").evaluate_all(elements)} <= {"a", "span"}, f"seed {seed}"
