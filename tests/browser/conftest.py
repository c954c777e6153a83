"""A browser, a server with tweets, and a page that fails its test for whatever no page of ours may do."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.web_server import WebServer, web_server

CHROMIUM = Path("/usr/bin/chromium")  # Debian's: `apt install chromium`

OpenPage = Callable[..., Page]
"""Opens a page with a path; the options are those of a context of playwright."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"no browser: {CHROMIUM} is missing; apt install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    """A server that the tests of a module share: each has a tag of its own."""
    with web_server(tmp_path_factory.mktemp("web")) as one:
        yield one


@pytest.fixture
def open_page(browser: Browser, server: WebServer) -> Iterator[OpenPage]:
    """Opens pages of the server. None may ask another server, write to the console, or open a dialog."""
    contexts: list[Any] = []
    faults: list[str] = []

    def opened(path: str, url: str = "", expected: str = "", **options: Any) -> Page:
        base = url or server.url
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: None if request.url.startswith(base) else faults.append(request.url))
        page.on("console", lambda said: None if expected and expected in said.text else faults.append(said.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", lambda dialog: faults.append(dialog.message))
        page.goto(f"{base}{path}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []
