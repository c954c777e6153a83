"""The chart of durable uploads as an SVG of its own: readable on a light and on a dark page, without any script.

A series is a subject; the columns are its cases; the scale is logarithmic, as the figures span three powers of ten.
A column with requests in flight stands apart and is not joined to those without.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pygal
from pygal.style import Style

from benchmarks.figures import Figure, PartFigures
from benchmarks.tables import number

SERIES = {
    "ttweet": ("ttweet", "#0080c8"),
    "redis-multi": ("Redis, MULTI with tag", "#d55e00"),
    "redis-xadd": ("Redis, plain XADD", "#e69f00"),
    "mosquitto": ("Mosquitto (not durable)", "#999999"),
    "postgresql": ("PostgreSQL", "#009e73"),
    "nats": ("JetStream", "#56b4e9"),
    "naive": ("FastAPI + sqlite3", "#cc79a7"),
    "bound": ("Bound of one process", "#777777"),
}
"""Label and colour of each subject. The colours are those of Okabe and Ito, apart for colour-blind readers too."""
REFERENCES = ("mosquitto", "bound")  # drawn as dashes
MARGIN = 1.3  # above the highest and below the lowest rate, as a factor
SVG = "http://www.w3.org/2000/svg"


class _Look(pygal.Config):  # type: ignore[misc]  # pygal has no types
    title = "Durable uploads a second: median with minimum and maximum"
    x_title = "clients, × requests in flight for each"
    width, height, margin, spacing = 900, 520, 20, 14
    margin_bottom = -20  # what the legend keeps for the series without a title
    logarithmic = legend_at_bottom = True
    legend_at_bottom_columns, truncate_legend, dots_size = 4, -1, 4
    js = ()
    css = ("file://style.css", "file://graph.css", f"file://{Path(__file__).with_suffix('.css')}")


def render(part: PartFigures) -> str:
    """The chart of the part `acks`."""
    shown = [subject for subject in SERIES if subject in part.subjects]
    joined = ["" if "x" in case else case for case in part.cases]
    apart = [case if "x" in case else "" for case in part.cases]
    chart = pygal.Line(_Look(), style=_style([SERIES[subject][1] for subject in shown]), **_axes(part, shown))
    chart.uuid = part.name
    for subject in shown:
        dashes = "5,4" if subject in REFERENCES else "none"
        chart.add(SERIES[subject][0], _points(part, subject, joined), stroke_style={"dasharray": dashes})
    for subject in shown:
        chart.add(None, _points(part, subject, apart), stroke=False)
    return _without_scripts(chart.render(is_unicode=True))


def _style(colours: list[str]) -> Style:
    return Style(
        background="#fff",
        plot_background="transparent",
        foreground="#333",
        foreground_strong="#333",
        font_family="system-ui, sans-serif",
        label_font_size=13,
        major_label_font_size=13,
        legend_font_size=13,
        opacity=1,
        stroke_opacity=1,
        colors=[*colours, *colours],
    )


def _axes(part: PartFigures, shown: list[str]) -> dict[str, Any]:
    rates = [rate for figure in part.figures if figure.subject in shown for rate in figure.values]
    low, high = min(rates) / MARGIN, max(rates) * MARGIN
    return {
        "range": (low, high),
        "y_labels": [10**power for power in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)],
        "x_labels": [" × ".join(f"{int(amount):,}" for amount in case.split("x")) for case in part.cases],
        "value_formatter": lambda rate: number(rate, "1/s"),
    }


def _points(part: PartFigures, subject: str, cases: list[str]) -> list[dict[str, Any] | None]:
    return [_point(part.find(subject, case)) for case in cases]


def _point(figure: Figure | None) -> dict[str, Any] | None:
    if figure is None:
        return None
    return {"value": figure.median, "ci": {"low": min(figure.values), "high": max(figure.values)}}


def _without_scripts(svg: str) -> str:
    """The chart without comments and what scripts would read; a browser shows the title of a dot, which is its rate."""
    ET.register_namespace("", SVG)
    chart = ET.fromstring(svg)
    for parent in list(chart.iter()):
        for child in list(parent):
            if child.tag == f"{{{SVG}}}desc" and child.get("class") == "value":
                child.tag, child.attrib = f"{{{SVG}}}title", {}
            elif child.tag in (f"{{{SVG}}}desc", f"{{{SVG}}}script"):
                parent.remove(child)
    ET.indent(chart)
    return ET.tostring(chart, encoding="unicode") + "\n"
