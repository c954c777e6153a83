"""docs/performance.md: prose that people write, figures that the benchmark writes between two marks.

The figures are kept beside it, a line of JSON a part, so that one part can be measured again without the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import chart, tables
from benchmarks.figures import PartFigures, from_line, to_line
from benchmarks.parts import KINDS

DOCS = Path(__file__).parents[2] / "docs"
PAGE, DATA, CHART = DOCS / "performance.md", DOCS / "performance.jsonl", DOCS / "performance.svg"
BEGIN = "<!-- figures: written by scripts/bench --write-docs, not by hand -->"
END = "<!-- end of figures -->"
NEW_PAGE = f"# Performance\n\n{BEGIN}\n{END}\n"


def write(parts: Sequence[PartFigures], machine: Sequence[tuple[str, str]]) -> None:
    """Put these parts into the page, its chart and its data; the other parts stay as they were."""
    known = {part.name: part for part in (*load(), *parts)}
    ordered = [known[kind.name] for kind in KINDS if kind.name in known]
    DATA.write_text("".join(f"{to_line(part)}\n" for part in ordered))
    if "acks" in known:
        CHART.write_text(chart.render(known["acks"]))
    page = PAGE.read_text() if PAGE.exists() else NEW_PAGE
    PAGE.write_text(replace_figures(page, render(known, machine)))


def load() -> list[PartFigures]:
    """The parts that the page has now."""
    if not DATA.exists():
        return []
    return [from_line(line) for line in DATA.read_text().splitlines()]


def render(parts: Mapping[str, PartFigures], machine: Sequence[tuple[str, str]]) -> str:
    """Everything between the marks."""
    blocks = [f"![Durable uploads a second]({CHART.name})"] if "acks" in parts else []
    blocks += [tables.render(kind, parts[kind.name]) for kind in KINDS if kind.name in parts]
    blocks += ["## Machine and versions", machine_table(machine)]
    return "\n\n".join(blocks)


def machine_table(machine: Sequence[tuple[str, str]]) -> str:
    """Return the table of the machine and the versions."""
    return tables.table(["", "what was used"], machine, words=2)


def replace_figures(page: str, figures: str) -> str:
    """The page with new figures between its marks. Raises ValueError when a mark is missing: prose would be lost."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has lost a mark; it needs {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{figures}\n{END}{after}"
