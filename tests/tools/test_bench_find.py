"""The part that measures find: uploads to the real server with and without an index, and searches of a filled file."""

import os
from pathlib import Path

import pytest
from benchmarks import generator
from benchmarks import stage as stages
from benchmarks.parts import find
from benchmarks.plan import Plan

pytestmark = [
    pytest.mark.skipif(generator.compiler() is None, reason="there is no C compiler"),
    pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="processes cannot be pinned here"),
]


def test_every_figure_of_the_part_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2] / "scripts"))
    monkeypatch.setattr(find, "QUICK_SIZES", (200,))
    plan = Plan(rounds=1, seconds=0.2, warmup_s=0.05, quick=True)
    with stages.make(tmp_path) as stage:
        part = find.measure(stage, plan)
    assert not plan.failures
    assert {figure.subject for figure in part.figures} == set(find.KIND.titles)
    for subject in ("indexing", "no index"):
        figure = part.find(subject, "64")
        assert figure is not None, subject
        assert figure.median > 0
