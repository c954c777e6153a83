"""Figures as Markdown: a glance, every figure with its spread, the bars, and what is to be said beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tabulate import tabulate

from benchmarks.bars import BarVerdict, judge
from benchmarks.figures import Figure, PartFigures, ratio
from benchmarks.parts.part import Kind


def render(kind: Kind, part: PartFigures) -> str:
    """The section of one part."""
    blocks = [f"## {kind.title}", kind.about]
    if len(part.cases) > 1:
        blocks += [_glance(kind, part), *_multiples(kind, part, "ttweet divided by each other system:")]
        blocks += [*_processor_time(kind, part.processor_time()), _folded(_details(kind, part))]
    elif part.figures:
        blocks += [_details(kind, part)]
    blocks += [*_verdicts(judge(part)), *_ahead(kind, part), *part.notes, f"`{part.command}`, {part.date}"]
    return "\n\n".join(blocks)


def number(value: float, unit: str) -> str:
    """A value with as many digits as it deserves."""
    if unit == "1/s" or value >= 1000:
        return f"{value:,.0f}"
    if unit == "1":
        return f"{value:.4f}" if value < 0.1 else f"{value:.2f}"
    return f"{value:.3g}" if value >= 0.01 else f"{value:.4f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, words: int = 1) -> str:
    """A Markdown table; the first `words` columns are set to the left, numbers to the right."""
    sides = ["left"] * words + ["right"] * (len(head) - words)
    return tabulate([*rows], head, tablefmt="pipe", colalign=sides, disable_numparse=True)


def _glance(kind: Kind, part: PartFigures) -> str:
    rows = (
        [kind.title_of(subject), *(_median(part.find(subject, case)) for case in part.cases)]
        for subject in part.subjects
    )
    return table([kind.case_title, *part.cases], rows)


def _processor_time(kind: Kind, costs: PartFigures) -> Iterator[str]:
    if costs.figures:
        yield "The server's processor time for an operation, in microseconds:"
        yield _glance(kind, costs)
        yield from _multiples(kind, costs, "That of ttweet divided by that of each other system:")


def _multiples(kind: Kind, part: PartFigures, text: str) -> Iterator[str]:
    rows = [
        [kind.title_of(subject), *(_multiple(kind, part, subject, case) for case in part.cases)]
        for subject in part.subjects
        if kind.mine_of(subject)
    ]
    if rows:
        yield text
        yield table([kind.case_title, *part.cases], rows)


def _folded(text: str) -> str:
    return f"<details><summary>Every figure with its spread</summary>\n\n{text}\n\n</details>"


def _details(kind: Kind, part: PartFigures) -> str:
    head = [kind.case_title, "what", "median", "min", "max", "unit", "p50 ms", "p99 ms", "ttweet is"]
    head += ["CPU us", "of ttweet", "generator's CPU"]
    costs = part.processor_time()
    rows = [_detail(kind, part, costs, figure) for figure in _by_case(part)]
    used = [column for column in range(len(head)) if any(row[column] for row in rows)]
    return table([head[column] for column in used], ([row[column] for column in used] for row in rows), words=2)


def _by_case(part: PartFigures) -> Iterator[Figure]:
    for case in part.cases:
        yield from (figure for figure in part.figures if figure.case == case)


def _detail(kind: Kind, part: PartFigures, costs: PartFigures, figure: Figure) -> list[str]:
    cpu_share, server_us = figure.median_of("cpu_share"), figure.median_of("server_us")
    return [
        figure.case,
        kind.title_of(figure.subject),
        number(figure.median, figure.unit),
        number(min(figure.values), figure.unit),
        number(max(figure.values), figure.unit),
        "" if figure.unit == "1" else figure.unit,
        _milliseconds(figure.median_of("p50_us")),
        _milliseconds(figure.median_of("p99_us")),
        _multiple(kind, part, figure.subject, figure.case),
        "" if not server_us else number(server_us, "us"),
        _multiple(kind, costs, figure.subject, figure.case),
        "" if cpu_share is None else f"{cpu_share:.0%}",
    ]


def _multiple(kind: Kind, part: PartFigures, subject: str, case: str) -> str:
    value = multiple(kind, part, subject, case)
    return "" if value is None else f"{value:.2f} x"


def multiple(kind: Kind, part: PartFigures, subject: str, case: str) -> float | None:
    """How many times this subject's figure ours is; None where there is nothing to compare."""
    mine = part.find(kind.mine_of(subject) or "", case)
    figure = part.find(subject, case)
    return None if mine is None or figure is None else ratio(mine, figure)


def _verdicts(verdicts: Sequence[BarVerdict]) -> Iterator[str]:
    measured = [verdict for verdict in verdicts if verdict.met is not None]
    if measured:
        yield table(["bar", "wanted", "measured", ""], map(_verdict, measured))
    if missing := len(verdicts) - len(measured):
        yield f"{missing} of this part's {len(verdicts)} bars were not measured."


def _verdict(verdict: BarVerdict) -> list[str]:
    limit = f"{verdict.bar.sense} {verdict.bar.limit:,.4g}"
    return [verdict.bar.text, limit, number(verdict.value or 0, "1"), "met" if verdict.met else "**not met**"]


def _ahead(kind: Kind, part: PartFigures) -> Iterator[str]:
    """For each peer that is faster somewhere: where, and why."""
    for subject, reason in kind.faster.items():
        cases = [case for case in part.cases if (multiple(kind, part, subject, case) or 1) < 1]
        if cases and reason:
            yield f"{kind.title_of(subject)} is faster at {', '.join(cases)}. {reason}"


def _median(figure: Figure | None) -> str:
    return "" if figure is None else number(figure.median, figure.unit)


def _milliseconds(microseconds: float | None) -> str:
    return "" if microseconds is None else f"{microseconds / 1000:.3g}"
