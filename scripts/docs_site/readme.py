"""README.md for an index of packages, which has the page alone: its links lead to the documentation site."""

import re

_LINK = re.compile(r"(\]\()(?!https?:|#)([^)#]+)((?:#[^)]*)?\))")
_INDEX = re.compile(r"(^|/)README\.md$")  # the first page of its folder


def absolute(readme: str, site: str) -> str:
    """Return the text with links to the pages and pictures of a site, given by its address."""
    return _LINK.sub(lambda link: f"{link[1]}{site.rstrip('/')}/{_published(link[2])}{link[3]}", readme)


def _published(path: str) -> str:
    return re.sub(r"\.md$", ".html", _INDEX.sub(r"\1index.html", path))
