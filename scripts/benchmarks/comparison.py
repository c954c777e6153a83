"""This checkout beside another one: for each case the ratios of processor time and rate, the medians of the rounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.figures import Figure, PartFigures, ratio
from benchmarks.parts import KINDS
from benchmarks.parts.part import Kind
from benchmarks.peers.peer import BEFORE
from benchmarks.tables import number, table

HEAD = ["what", "case", "CPU us before", "now", "ratio", "unit", "before", "now", "ratio", "p50 ms", "p99 ms"]


def render(parts: Sequence[PartFigures]) -> str:
    """The table of all figures that both checkouts have; empty when there are none."""
    kinds = {kind.name: kind for kind in KINDS}
    rows = [row for part in parts for row in _rows(kinds[part.name], part)]
    return table(HEAD, rows, words=2) if rows else ""


def _rows(kind: Kind, part: PartFigures) -> Iterator[list[str]]:
    costs = part.processor_time()
    for now in part.figures:
        before = part.find(now.subject + BEFORE, now.case)
        if before is not None:
            yield [
                f"{kind.title}: {kind.title_of(now.subject)}",
                now.case,
                *_pair(costs.find(before.subject, now.case), costs.find(now.subject, now.case)),
                now.unit,
                *_pair(before, now),
                _milliseconds(now, "p50_us"),
                _milliseconds(now, "p99_us"),
            ]


def _pair(before: Figure | None, now: Figure | None) -> list[str]:
    if before is None or now is None:
        return ["", "", ""]
    return [number(before.median, before.unit), number(now.median, now.unit), f"{ratio(now, before):.2f}"]


def _milliseconds(figure: Figure, name: str) -> str:
    microseconds = figure.median_of(name)
    return "" if microseconds is None else f"{microseconds / 1000:.3g}"
