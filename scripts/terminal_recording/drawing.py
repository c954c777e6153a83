"""The picture: two terminals in one SVG, light or dark as the reader's system is, without anything from elsewhere.

The lines appear one after another. A program that does not animate, or a reader who asks for less motion, sees the end.
"""

import re
from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise

from terminal_recording.session import RecordedLine

WIDTH, PANE_GAP, LINE_HEIGHT, MARGIN = 980, 20, 21, 16
BAR_HEIGHT = 30  # of a terminal's title bar
STEP_S = 1.2  # between two commands
DELAY_S = 0.4  # from a command to its output
TITLES = ("first terminal", "second terminal")

_SGR = re.compile(r"\x1b\[([\d;]*)m")
_CLASSES = {"1": "bold", "2": "dim", "36": "time"}
_STYLE = """
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #1f2328;
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
    rows = max(sum(line.pane == pane for line in lines) for pane in (0, 1))
    height = BAR_HEIGHT + 2 * MARGIN + rows * LINE_HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">',
        f"<style>{_STYLE}</style>",
        *(element for pane in (0, 1) for element in _pane(pane, height, [one for one in lines if one.pane == pane])),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _pane(pane: int, height: int, lines: Sequence[RecordedLine]) -> Iterator[str]:
    width = (WIDTH - PANE_GAP) // 2
    left = pane * (width + PANE_GAP)
    yield f'<rect class="pane" x="{left + 0.5}" y=".5" width="{width - 1}" height="{height - 1}" rx="8"/>'
    yield f'<path class="bar" d="M{left + 0.5} {BAR_HEIGHT + 0.5}h{width - 1}"/>'
    yield f'<text class="title" x="{left + MARGIN}" y="20">{TITLES[pane]}</text>'
    for number, line in enumerate(lines):
        y = BAR_HEIGHT + MARGIN + (number + 0.7) * LINE_HEIGHT
        delay = line.step * STEP_S + (0 if line.text.startswith("$ ") else DELAY_S)
        yield (
            f'<text class="line" style="animation-delay:{delay:.1f}s" x="{left + MARGIN}" y="{y:.0f}">'
            f"{_spans(line.text)}</text>"
        )


def _spans(text: str) -> str:
    """Return the spans of a line in their colours."""
    marks = [(0, 0, ""), *((each.start(), each.end(), each[1]) for each in _SGR.finditer(text)), (len(text), 0, "")]
    spans = [(_CLASSES.get(code, ""), text[end:begin]) for (_, end, code), (begin, _, _) in pairwise(marks)]
    return "".join(f'<tspan class="{kind}">{escape(part)}</tspan>' if kind else escape(part) for kind, part in spans)
