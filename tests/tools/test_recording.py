"""The picture of README.md shows what ttweet prints today, and a reader without animations sees all of it."""

import os
import re
import select
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from terminal_recording.__main__ import PICTURE
from terminal_recording.drawing import draw
from terminal_recording.session import COLUMNS, RecordedLine, on_terminal, record

SVG = "{http://www.w3.org/2000/svg}"


def shown(svg: str) -> list[str]:
    """The lines of a picture, without what differs from run to run."""
    lines = ["".join(text.itertext()) for text in ET.fromstring(svg).iter(f"{SVG}text")]
    return [re.sub(r"\d\d:\d\d:\d\d|\bnow\b|\b\d+ s\b|\d+\.\d+s", "TIME", line) for line in lines]


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
def test_the_picture_of_the_readme_shows_what_the_commands_print() -> None:
    assert shown(PICTURE.read_text()) == shown(draw(record())), "run scripts/recording"


def test_the_picture_can_be_read_on_a_phone() -> None:
    svg = PICTURE.read_text()
    (type_px,) = map(int, re.findall(r"font: (\d+)px", svg))
    column_px = 390 - 2 * 16  # of a page beside its margins
    assert type_px * min(1, column_px / float(ET.fromstring(svg).attrib["width"])) >= 12
    assert [line for line in shown(svg) if len(line) > COLUMNS] == []


def test_text_that_looks_like_markup_is_text_and_colours_are_classes() -> None:
    svg = draw([RecordedLine(0, 0, "$ a <b> & c"), RecordedLine(1, 1, "\x1b[2m#1\x1b[0m  \x1b[1m#team\x1b[0m")])
    assert "$ a <b> & c" in shown(svg)
    assert '<tspan class="dim">#1</tspan>  <tspan class="bold">#team</tspan>' in svg


def test_the_end_of_a_line_that_appears_is_the_line_itself() -> None:
    svg = draw([RecordedLine(0, 0, "$ a")])
    assert re.findall(r"opacity", svg) == ["opacity"]
    assert "from { opacity: 0 }" in svg


def test_nothing_that_ran_on_a_terminal_outlives_the_recording(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "held")
    reader = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    with on_terminal("exec 3>held; echo begun; sleep 60; true", tmp_path, dict(os.environ)) as lines:
        assert next(lines) == "begun"
    assert select.select([reader], [], [], 10)[0], "a process of the terminal still holds the pipe"
    assert os.read(reader, 1) == b""
    os.close(reader)
