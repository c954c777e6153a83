"""The links of a built site: each leads to a file that is there, and what a page loads is its own."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {("img", "src"), ("script", "src"), ("link", "href"), ("iframe", "src"), ("source", "src")}
NAMED = {"canonical", "next", "prev"}  # relations of a link that a browser does not follow


class _Links(HTMLParser):
    """Collects the links of a page, and whether the browser loads each."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See HTMLParser."""
        named = dict(attrs).get("rel") in NAMED
        self.found += [
            (value, (tag, name) in LOADED and not named) for name, value in attrs if name in ("href", "src") and value
        ]


def faults(site: Path) -> list[str]:
    """Return a sentence for each link that is wrong, in the order of the pages."""
    return [fault for page in sorted(site.rglob("*.html")) for fault in _faults_of(page, site)]


def _faults_of(page: Path, site: Path) -> Iterator[str]:
    links = _Links()
    links.feed(page.read_text())
    for link, is_loaded in links.found:
        parts = urlsplit(link)
        target = site / parts.path[1:] if parts.path.startswith("/") else page.parent / unquote(parts.path)
        if parts.scheme or parts.netloc:
            if is_loaded and parts.scheme != "data":
                yield f"{page.relative_to(site)} loads {link} from elsewhere"
        elif not target.exists():
            yield f"{page.relative_to(site)} links to {link}, which is missing"
