"""The chart of durable uploads as an SVG of its own: readable on a light and on a dark page, without any script.

A series is a subject; the columns are its cases; the scale is logarithmic, as the figures span three powers of ten.
A column with requests in flight stands apart and is not joined to those without.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.figures import Figure, Part
from benchmarks.tables import number

WIDTH, HEIGHT = 900, 520
LEFT, RIGHT, TOP, BOTTOM = 80, 210, 70, 50  # margins; the right one holds the names of the series
LABEL_GAP = 17  # between the names of two series
MARGIN = 0.15  # above the highest and below the lowest rate, in powers of ten

_STYLE = """\
  svg { color-scheme: light dark; }
  text { font: 13px system-ui, sans-serif; fill: #333; }
  .page { fill: #fff; }
  .title { font-size: 17px; font-weight: 600; }
  .quiet { fill: #666; font-size: 12px; }
  .grid { stroke: #ddd; }
  .leader { stroke-opacity: .4; stroke-dasharray: 1 3; }
  .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
  .ours { stroke-width: 4; }
  .reference { stroke-dasharray: 5 4; }
  @media (prefers-color-scheme: dark) {
    text { fill: #ddd; }
    .page { fill: #16191d; }
    .quiet { fill: #999; }
    .grid { stroke: #33373d; }
  }
"""


@dataclass(frozen=True, slots=True)
class Series:
    """A subject on the chart. The colours are those of Okabe and Ito, apart for colour-blind readers too."""

    subject: str
    label: str
    colour: str
    kind: str = ""


SERIES = (
    Series("ttweet", "ttweet", "#0080c8", "ours"),
    Series("redis-multi", "Redis, MULTI with tag", "#d55e00"),
    Series("redis-xadd", "Redis, plain XADD", "#e69f00"),
    Series("postgresql", "PostgreSQL", "#009e73"),
    Series("nats", "JetStream", "#56b4e9"),
    Series("naive", "FastAPI + sqlite3", "#cc79a7"),
    Series("mosquitto", "Mosquitto (not durable)", "#999999", "reference"),
    Series("bound", "Bound of one process", "#777777", "reference"),
)


@dataclass(frozen=True, slots=True)
class Scale:
    """Places of cases and rates on the chart; `low` and `high` are its edges as exponents of ten."""

    cases: Sequence[str]
    low: float
    high: float

    def x(self, case: str) -> float:
        """The middle of a case's column."""
        column = (WIDTH - LEFT - RIGHT) / len(self.cases)
        return LEFT + column * (self.cases.index(case) + 0.5)

    def y(self, rate: float) -> float:
        """The height of a rate."""
        share = (math.log10(rate) - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def render(part: Part) -> str:
    """The chart of the part `acks`."""
    shown = [(series, _figures(part, series.subject)) for series in SERIES]
    shown = [(series, figures) for series, figures in shown if figures]
    scale = _scale(part, [figure for _, figures in shown for figure in figures])
    body = [*_frame(scale)]
    for series, figures in reversed(shown):  # the first of the list lies on top
        body += _series(scale, series, figures)
    body += _labels(scale, shown)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
    return "\n".join([head, f"<style>\n{_STYLE}</style>", *body, "</svg>"]) + "\n"


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """The heights moved down as little as needed to stand `gap` apart; given and returned in the same order."""
    placed = list(heights)
    previous = -math.inf
    for index in sorted(range(len(heights)), key=heights.__getitem__):
        placed[index] = previous = max(heights[index], previous + gap)
    return placed


def _figures(part: Part, subject: str) -> list[Figure]:
    return [figure for figure in part.figures if figure.subject == subject]


def _scale(part: Part, figures: Sequence[Figure]) -> Scale:
    rates = [value for figure in figures for value in figure.values if value > 0]
    return Scale(part.cases, math.log10(min(rates)) - MARGIN, math.log10(max(rates)) + MARGIN)


def _frame(scale: Scale) -> Iterator[str]:
    yield "<title>Durable uploads a second</title>"
    yield f'<rect class="page" width="{WIDTH}" height="{HEIGHT}" rx="8"/>'
    yield f'<text class="title" x="{LEFT - 60}" y="30">Durable uploads a second</text>'
    yield f'<text class="quiet" x="{LEFT - 60}" y="48">logarithmic; median with minimum and maximum</text>'
    for power in range(math.ceil(scale.low), math.floor(scale.high) + 1):
        y = scale.y(10**power)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="quiet" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{10**power:,}</text>'
    for case in scale.cases:
        name = " × ".join(f"{int(amount):,}" for amount in case.split("x"))
        yield f'<text x="{scale.x(case):.1f}" y="{HEIGHT - BOTTOM + 22}" text-anchor="middle">{name}</text>'
    yield f'<text class="quiet" x="{LEFT}" y="{HEIGHT - 10}">clients, × requests in flight for each</text>'


def _series(scale: Scale, series: Series, figures: Sequence[Figure]) -> Iterator[str]:
    joined = [figure for figure in figures if "x" not in figure.case]
    points = " ".join(f"{scale.x(one.case):.1f},{scale.y(one.median):.1f}" for one in joined)
    yield f'<polyline class="line {series.kind}" stroke="{series.colour}" points="{points}"/>'
    for figure in figures:
        x, y = scale.x(figure.case), scale.y(figure.median)
        low, high = scale.y(min(figure.values)), scale.y(max(figure.values))
        words = f"{series.label}, {figure.case}: {number(figure.median, figure.unit)}"
        yield f'<line stroke="{series.colour}" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>'
        yield f'<circle fill="{series.colour}" cx="{x:.1f}" cy="{y:.1f}" r="4"><title>{escape(words)}</title></circle>'


def _labels(scale: Scale, shown: Sequence[tuple[Series, Sequence[Figure]]]) -> Iterator[str]:
    ends = [figures[-1] for _, figures in shown]
    heights = [scale.y(end.median) for end in ends]
    x = WIDTH - RIGHT + 12
    for (series, _), end, from_y, to_y in zip(shown, ends, heights, spread(heights, LABEL_GAP), strict=True):
        place = f'x1="{scale.x(end.case) + 6:.1f}" y1="{from_y:.1f}" x2="{x - 3}" y2="{to_y:.1f}"'
        yield f'<line class="leader" stroke="{series.colour}" {place}/>'
        weight = ' font-weight="700"' if series.kind == "ours" else ""
        text = escape(series.label)
        yield f'<text x="{x}" y="{to_y + 4:.1f}"{weight} style="fill:{series.colour}">{text}</text>'
