"""Bar charts of tweets a day for a terminal: one above the other, on one scale, as wide as there is room.

The scale and the days' labels are those of `ttweet.plots`, which draws the same charts as SVG.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from ttweet.plots import day_label, top_of

ROWS = 8  # of a chart alone; a line of labels every other row
ROWS_OF_SEVERAL = 4
WIDEST_DAY = 5  # columns of a day, the gap included: wider bars are blocks and no chart


class Marks(NamedTuple):
    """The characters of a chart; `bars` has those for a part of a row, the last one fills it."""

    bars: str
    tick: str
    axis: str
    corner: str
    base: str


UNICODE = Marks("▁▂▃▄▅▆▇█", "┤", "│", "└", "─")
ASCII = Marks("#", "+", "|", "+", "-")


def draw(charts: Sequence[tuple[str, Sequence[int]]], today: date, width: int, marks: Marks) -> Iterator[str]:
    """Yield the lines of charts: each a title and the tweets of each day, today last.

    A terminal that is too narrow for all days gets the last ones.
    """
    top = _top(charts)
    margin = _margin(top)
    days = days_with_room(charts, width)
    rows = ROWS if len(charts) == 1 else ROWS_OF_SEVERAL
    pitch = max(1, min((width - margin) // days, WIDEST_DAY))
    for title, counts in charts:
        yield title
        yield from _rows([*counts][-days:], top, rows, pitch, margin, marks)
    yield _labels(today, days, pitch * days, margin)


def days_with_room(charts: Sequence[tuple[str, Sequence[int]]], width: int) -> int:
    """Return how many days a terminal of so many columns has room for, at most all."""
    return min(len(charts[0][1]), max(width - _margin(_top(charts)), 1))


def _top(charts: Sequence[tuple[str, Sequence[int]]]) -> int:
    return top_of([count for _, counts in charts for count in counts])


def _margin(top: int) -> int:
    """Return the columns beside the bars: a label, a space and the axis."""
    return len(f"{top:,}") + 3


def _rows(counts: Sequence[int], top: int, rows: int, pitch: int, margin: int, marks: Marks) -> Iterator[str]:
    for row in range(rows, 0, -1):
        label = f"{top * row // rows:,}" if row % 2 == 0 else ""
        bars = "".join([_bar(count * rows / top - (row - 1), row, count, pitch, marks) for count in counts])
        yield f"{label:>{margin - 2}} {marks.tick if label else marks.axis}{bars}".rstrip()
    yield f"{'0':>{margin - 2}} {marks.corner}{marks.base * pitch * len(counts)}"


def _bar(high: float, row: int, count: int, pitch: int, marks: Marks) -> str:
    """Return one day's columns in a row, of which `high` rows are filled; a single tweet is always seen."""
    steps = len(marks.bars)
    filled = min(steps, round(high * steps))
    if row == 1 and count:
        filled = max(filled, 1)
    mark = marks.bars[filled - 1] if filled > 0 else " "
    return mark * max(pitch - 1, 1) + " " * (pitch > 1)


def _labels(today: date, days: int, width: int, margin: int) -> str:
    first, last = day_label(today - timedelta(days - 1)), day_label(today)
    between = width - len(first) - len(last)
    return " " * margin + (first + " " * between + last if between > 0 else last)
