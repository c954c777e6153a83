"""The longest turn of ttweet's event loop under one load, from a server of its own that `timed_server` runs."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import generator
from benchmarks.figures import Load, Sample
from benchmarks.peers import ttweet
from benchmarks.stage import BenchStage

_PROGRAM = Path(__file__).with_name("timed_server.py")


def longest(stage: BenchStage, protocol: str, load: Load) -> Sample:
    """The processor time, ms, of the longest turn in the window of the load; 0 if all are below half a millisecond."""
    lines = stage.folder("turns") / "turns"
    with ttweet.serve(stage, under=(sys.executable, "-P", _PROGRAM, lines)) as server:
        figures = generator.run(stage, server, protocol, load)
    start = float(figures["started"])
    return Sample(longest_between(lines, start, start + float(figures["seconds"])))


def longest_between(lines: Path, start: float, end: float) -> float:
    """Milliseconds of the longest turn that ended in a window of seconds since 1970."""
    turns = [tuple(map(float, line.split())) for line in lines.read_text().splitlines()]
    return max((took_s * 1000 for ended, took_s in turns if start <= ended < end), default=0.0)
