"""scripts/docs: the site has all pages, and a link that leads nowhere or loads from elsewhere is a fault."""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from docs_site import build, links

ROOT = Path(__file__).parents[2]


def pages_of(nav: list[dict[str, object]]) -> Iterator[str]:
    for entry in nav:
        for target in entry.values():
            if isinstance(target, list):
                yield from pages_of(target)
            else:
                yield str(target)


def site(folder: Path, body: str) -> Path:
    (folder / "docs").mkdir()
    (folder / "index.html").write_text("home")
    (folder / "docs" / "page.html").write_text(body)
    return folder


def test_the_navigation_has_every_page_of_docs_once() -> None:
    listed = list(pages_of(tomllib.loads(build.CONFIG.read_text())["project"]["nav"]))
    assert len(listed) == len(set(listed))
    assert {str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")} <= set(listed)
    assert [page for page in listed if not (ROOT / page).is_file()] == []


def test_no_line_of_a_page_begins_with_a_hashtag(tmp_path: Path) -> None:
    """The Markdown of the site takes it for a title."""
    build.lay_out(tmp_path / "pages")
    for page in (tmp_path / "pages").rglob("*.md"):
        text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
        assert re.findall(r"^#+[^# ].*", text, re.MULTILINE) == [], page


def test_a_file_that_a_page_links_to_is_laid_out_too(tmp_path: Path) -> None:
    build.lay_out(tmp_path / "pages")
    assert (tmp_path / "pages" / "docs" / "recording.svg").is_file()
    assert (tmp_path / "pages" / "ttweet" / "model" / "hashtags.py").is_file()
    assert not (tmp_path / "pages" / "ttweet" / "__init__.py").exists()


def test_a_link_to_a_page_an_anchor_or_another_site_is_no_fault(tmp_path: Path) -> None:
    body = '<a href="../index.html#top">a</a> <a href="#here">b</a> <a href="/docs/page.html">c</a>'
    assert links.faults(site(tmp_path, f'{body} <a href="https://example.org">d</a>')) == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<a href="gone.html">', "docs/page.html links to gone.html, which is missing"),
        ('<img src="/gone.png">', "docs/page.html links to /gone.png, which is missing"),
        ('<script src="https://cdn.org/x.js">', "docs/page.html loads https://cdn.org/x.js from elsewhere"),
        ('<link rel="stylesheet" href="//cdn.org/x.css">', "docs/page.html loads //cdn.org/x.css from elsewhere"),
    ],
)
def test_a_link_that_leads_nowhere_or_loads_from_elsewhere_is_a_fault(tmp_path: Path, body: str, fault: str) -> None:
    assert links.faults(site(tmp_path, body)) == [fault]


def test_the_site_is_built_without_a_warning_or_a_fault(tmp_path: Path) -> None:
    if not Path(sys.executable).with_name("zensical").exists():
        pytest.skip("there is no zensical here; run scripts/docs once")
    assert build.build(tmp_path / "site")
    assert (tmp_path / "site" / "docs" / "commands.html").is_file()
    assert links.faults(tmp_path / "site") == []
