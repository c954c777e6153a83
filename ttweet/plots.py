"""Bar charts of tweets a day as SVG: small ones for lists, one for a page with its own labels, and one that is a file.

A chart begins at zero, and today's bar is the last one. Its highest line is 4, 8, 12 or 20 times a power of ten, so
that the lines between have whole numbers too.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from html import escape

SPARK_WIDTH, SPARK_HEIGHT = 84, 20  # pixels of a small chart, beside a line of text
_PITCH, _BAR = 10, 7  # units from bar to bar, and of a bar
_HEIGHT = 100  # units of a chart
_LEFT, _HEAD, _HIGH = 60, 32, 160  # pixels of a picture: left of its charts, above each, and their height
_PANEL = _HEAD + _HIGH + 12
_LEAST_TOP = 4  # or a single tweet would look like a peak
_STEPS = (4, 8, 12, 20)
_SHORTEST = 0.03  # of the height: a single tweet is seen even beside thousands

_STYLE = (
    ":root{color-scheme:light dark}text{font:12px system-ui,sans-serif;fill:#595f69}"
    ".title{font-weight:600;fill:#1c1f23}"
    ".grid{stroke:#e3e0d8}.bars{fill:#7fa6c0}.today{fill:#a8480f}@media(prefers-color-scheme:dark){text{fill:#a3a9b1}"
    ".title{fill:#e8e6e1}.grid{stroke:#2d3238}.bars{fill:#4d7c9b}.today{fill:#f0a45d}}"
)


def top_of(counts: Sequence[int]) -> int:
    """Return the number at the highest line of a chart."""
    highest, scale = max(*counts, _LEAST_TOP, 0), 1
    while True:
        for step in _STEPS:
            if highest <= step * scale:
                return step * scale
        scale *= 10


def spark(counts: Sequence[int]) -> str:
    """Return a small chart for a list, without labels: the numbers stand beside it."""
    pitch = SPARK_WIDTH / len(counts)
    size = f'width="{SPARK_WIDTH}" height="{SPARK_HEIGHT}" viewBox="0 0 {SPARK_WIDTH} {SPARK_HEIGHT}"'
    bars = [*_bars(counts, max(*counts, _LEAST_TOP), pitch, pitch * 0.8, SPARK_HEIGHT)]
    line = f'<path class="grid" d="M0 {SPARK_HEIGHT - 0.5}h{SPARK_WIDTH}"/>'
    return f'<svg class="spark" {size} aria-hidden="true">{line}{_two_paths(bars)}</svg>'


def chart(counts: Sequence[int], label: str) -> str:
    """Return a chart that a page stretches to its width, without labels: text would be stretched as well."""
    width = _PITCH * len(counts)
    grid = "".join([f"M0 {_HEIGHT * part / 4:g}h{width}" for part in range(5)])
    bars = [*_bars(counts, top_of(counts), _PITCH, _BAR, _HEIGHT)]
    return (
        f'<svg viewBox="0 0 {width} {_HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{escape(label)}">'
        f'<path class="grid" d="{grid}" vector-effect="non-scaling-stroke"/>{_two_paths(bars)}</svg>'
    )


def picture(charts: Sequence[tuple[str, Sequence[int]]], today: date) -> str:
    """Return charts as a file of its own, with labels, for light and dark screens.

    Each is a title and the tweets of as many days. They stand one above the other, on one scale.
    """
    most = top_of([count for _, counts in charts for count in counts])
    days = len(charts[0][1])
    wide, below = 20 * days, _PANEL * len(charts) - 12
    panels = [_panel(title, counts, most, _PANEL * place) for place, (title, counts) in enumerate(charts)]
    first = today - timedelta(days - 1)
    names = ", ".join([title for title, _ in charts])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + wide + 12} {below + 30}" role="img">'
        f"<title>{escape(names)}</title><style>{_STYLE}</style>{''.join(panels)}"
        f'<text x="{_LEFT}" y="{below + 18}">{day_label(first)}</text>'
        f'<text x="{_LEFT + wide}" y="{below + 18}" text-anchor="end">{day_label(today)}</text></svg>\n'
    )


def _panel(title: str, counts: Sequence[int], most: int, begin: float) -> str:
    """Return one chart of a picture, which begins so far below its top."""
    top, wide = begin + _HEAD, 20 * len(counts)
    lines = [(top + _HIGH * part / 4, most * (4 - part) // 4) for part in range(5)]
    grid = "".join([f"M{_LEFT} {y:g}h{wide}" for y, _ in lines])
    numbers = [f'<text x="{_LEFT - 8}" y="{y + 4:g}" text-anchor="end">{number:,}</text>' for y, number in lines]
    bars = _two_paths([*_bars(counts, most, 20, 14, _HIGH)])
    return (
        f'<text class="title" x="{_LEFT}" y="{begin + 18}">{escape(title)}</text>{"".join(numbers)}'
        f'<path class="grid" d="{grid}"/><g transform="translate({_LEFT} {top})">{bars}</g>'
    )


def day_label(day: date) -> str:
    """Return a day as charts write it, such as `4 Nov`."""
    return f"{day.day} {day:%b}"


def _bars(counts: Sequence[int], top: int, pitch: float, width: float, height: float) -> Iterator[str]:
    """Yield the outline of each bar; that of a day without tweets is empty."""
    for place, count in enumerate(counts):
        high = max(height * count / top, height * _SHORTEST)
        x = place * pitch + (pitch - width) / 2
        yield f"M{x:.4g} {height:g}v-{high:.4g}h{width:.4g}v{high:.4g}z" if count else ""


def _two_paths(bars: Sequence[str]) -> str:
    *before, today = bars
    return f'<path class="bars" d="{"".join(before)}"/><path class="today" d="{today}"/>'
