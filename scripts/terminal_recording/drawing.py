"""The picture: two terminals in one SVG, one above the other. It is light or dark as the reader's system is.

The lines appear one after another. A program that does not animate, or a reader who asks for less motion, sees the end.
"""

import re
from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

from terminal_recording.session import COLUMNS, RecordedLine

MARGIN, PANE_GAP, LINE_HEIGHT = 14, 14, 21
CHARACTER_WIDTH = 8.5  # of the widest font below, at 14 px
WIDTH = round(COLUMNS * CHARACTER_WIDTH) + 2 * MARGIN  # a phone of 390 px shows it at nearly its own size
BAR_HEIGHT = 30  # of a terminal's title bar
STEP_S = 1.2  # between two commands
DELAY_S = 0.4  # from a command to its output
TITLES = ("first terminal", "second terminal")

_SGR = re.compile(r"\x1b\[([\d;]*)m")
_CLASSES = {"1": "bold", "2": "dim", "36": "time"}
_STYLE = """
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #1f2328;
       white-space: pre }
.pane { fill: #fff; stroke: #d0d7de } .bar { stroke: #d0d7de }
.title, .dim { fill: #656d76 } .bold { font-weight: 600; fill: #0550ae }
.time { fill: #1a7f6b }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .pane { fill: #0d1117; stroke: #30363d } .bar { stroke: #30363d }
  .title, .dim { fill: #8b949e } .bold { fill: #79c0ff } .time { fill: #56d4bc }
}
@media (prefers-reduced-motion: no-preference) { .line { animation: appear .2s both } }
@keyframes appear { from { opacity: 0 } }
"""


def draw(lines: Sequence[RecordedLine]) -> str:
    """Return the SVG of a recording."""
    panes = [[line for line in lines if line.pane == pane] for pane in (0, 1)]
    heights = [BAR_HEIGHT + 2 * MARGIN + len(pane) * LINE_HEIGHT for pane in panes]
    height = sum(heights) + PANE_GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">',
        f"<style>{_STYLE}</style>",
        *_pane(TITLES[0], 0, heights[0], panes[0]),
        *_pane(TITLES[1], heights[0] + PANE_GAP, heights[1], panes[1]),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _pane(title: str, top: int, height: int, lines: Sequence[RecordedLine]) -> Iterator[str]:
    yield f'<rect class="pane" x=".5" y="{top + 0.5}" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>'
    yield f'<path class="bar" d="M.5 {top + BAR_HEIGHT + 0.5}h{WIDTH - 1}"/>'
    yield f'<text class="title" x="{MARGIN}" y="{top + 20}">{title}</text>'
    for number, line in enumerate(lines):
        y = top + BAR_HEIGHT + MARGIN + (number + 0.7) * LINE_HEIGHT
        delay = line.step * STEP_S + (0 if line.text.startswith("$ ") else DELAY_S)
        yield (
            f'<text class="line" style="animation-delay:{delay:.1f}s" x="{MARGIN}" y="{y:.0f}">'
            f"{_spans(line.text)}</text>"
        )


def _spans(text: str) -> str:
    """Return the spans of a line in their colours."""
    marks = [(0, 0, ""), *((each.start(), each.end(), each[1]) for each in _SGR.finditer(text)), (len(text), 0, "")]
    spans = [(_CLASSES.get(code, ""), text[end:begin]) for (_, end, code), (begin, _, _) in pairwise(marks)]
    return "".join(f'<tspan class="{kind}">{escape(part)}</tspan>' if kind else escape(part) for kind, part in spans)
