"""Pages with generated tables, each between two marks: `<!-- generated: manual of post -->` names what it shows."""

import re
from collections.abc import Callable
from pathlib import Path

from docs_tables import errors, events, help_pages, limits, options, packages, performance, routes

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

_BLOCK = re.compile(r"(<!-- generated: (.+?) -->\n).*?(<!-- end of generated -->)", re.DOTALL)


def outdated() -> dict[Path, str]:
    """Return each page with a table that differs from the code, and each help page, with the text it should have."""
    renewed = {path: renew(path.read_text()) for path in PAGES} | help_pages.texts()
    return {path: text for path, text in renewed.items() if not path.exists() or text != path.read_text()}


def renew(page: str) -> str:
    """Return a page with all its generated tables made again. Raises ValueError for a table that cannot be made."""
    return _BLOCK.sub(lambda block: f"{block[1]}\n{_table(block[2])}\n\n{block[3]}", page)


def _table(name: str) -> str:
    if name in _TABLES:
        return _TABLES[name]()
    for start, make in _TABLES_OF.items():
        if name.startswith(start):
            return make(name.removeprefix(start))
    raise ValueError(f"there is no table {name!r}")


_TABLES: dict[str, Callable[[], str]] = {
    "classic options": options.classic,
    "commands": options.commands,
    "deadlines": limits.deadlines,
    "environment": options.variables,
    "error codes": errors.codes,
    "events": events.table,
    "exit codes": options.exit_codes,
    "packages": packages.table,
    "parameters": routes.parameters,
    "routes": routes.table,
    "uploads a second": performance.uploads,
    "cost of a tweet": performance.costs,
}
_TABLES_OF: dict[str, Callable[[str], str]] = {"manual of ": options.manual, "limits of ": limits.table}
