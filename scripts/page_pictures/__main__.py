"""Take the pictures of the pages in docs/pictures again.

Usage: scripts/pictures [--all FOLDER]

It needs chromium. With --all it also takes those that are to be looked at and not kept: other sizes and colours,
without JavaScript, and each page. Look at every picture before you commit it.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from playwright.sync_api import Browser, sync_playwright

from page_pictures import seed

CHROMIUM = "/usr/bin/chromium"
KEPT = Path(__file__).parents[2] / "docs" / "pictures"
TTWEET = [sys.executable, "-m", "ttweet"]
DESK, PHONE, NARROW = (1280, 800), (390, 844), (320, 640)


class Shot(NamedTuple):
    """A picture: its name, the path of its page, the size of the window, and options of a context of playwright."""

    name: str
    path: str
    size: tuple[int, int] = DESK
    options: dict[str, Any] = {}  # noqa: RUF012 no picture changes it


SHOTS = [
    Shot("timeline", "/"),
    Shot("tag", "/tags/ci", DESK, {"color_scheme": "dark"}),
    Shot("phone", "/tags/ci", PHONE),
    Shot("projector", "/tags/python/big"),
]
OTHERS = [
    Shot("timeline-dark", "/", DESK, {"color_scheme": "dark"}),
    Shot("timeline-no-scripts", "/", PHONE, {"java_script_enabled": False}),
    Shot("timeline-narrow", "/", NARROW),
    Shot("timeline-forced-colours", "/", DESK, {"forced_colors": "active"}),
    Shot("tag-forced-colours", "/tags/ci", DESK, {"forced_colors": "active"}),
    Shot("tags", "/tags"),
    Shot("author", "/by/ann"),
    Shot("tweet", "/tweets/608"),
    Shot("find", "/find?q=failed+%23ci"),
    Shot("find-nothing", "/find?q=nothing+like+this"),
    Shot("find-phone", "/find?q=failed+%23ci", PHONE, {"color_scheme": "dark"}),
    Shot("online", "/online"),
    Shot("login", "/login"),
    Shot("not-found", "/tweets/9999"),
]


def main(arguments: list[str]) -> int:
    """Take the pictures; return the exit code."""
    if arguments and (len(arguments) != 2 or arguments[0] != "--all"):
        print(__doc__)
        return 0 if arguments[0] in ("-h", "--help") else 2
    folder = Path(arguments[1]) if arguments else KEPT
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as work, _serving(Path(work)) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for shot in [*SHOTS, *(OTHERS if arguments else [])]:
            _take(browser, url, shot, folder / f"{shot.name}.png")
        browser.close()
    return 0


def _take(browser: Browser, url: str, shot: Shot, file: Path) -> None:
    width, height = shot.size
    context = browser.new_context(viewport={"width": width, "height": height}, locale="en-GB", **shot.options)
    page = context.new_page()
    page.goto(f"{url}{shot.path}")
    if shot.options.get("java_script_enabled", True) and page.locator("[data-live]").count():
        page.locator("#state .on").wait_for(state="attached")
    page.screenshot(path=file)
    context.close()


@contextmanager
def _serving(folder: Path) -> Iterator[str]:
    """Serve the tweets of the pictures until the block is left."""
    seed.write(folder / "tweets.jsonl")
    subprocess.run([*TTWEET, "import", "tweets.jsonl", "--db", "tweets.db"], cwd=folder, check=True)
    command = [*TTWEET, "serve", "0", "--http", "0", "--quiet"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            yield next(found[1] for line in process.stderr if (found := re.search(r"(http://127[.\d]+:\d+)", line)))
        finally:
            process.terminate()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
