"""The part that measures HTTP: its requests and its followers speak to the real server, and its bars are judged."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks import generator
from benchmarks import stage as stages
from benchmarks.figures import Load
from benchmarks.parts.http import ASKED
from benchmarks.peers import ttweet
from benchmarks.stage import BenchError

SCRIPTS = Path(__file__).parents[2] / "scripts"
SHORT = Load(clients=4, seconds=0.5, warmup_s=0.05)
LENGTH = ("--warmup", "0.05", "--seconds", "0.2")

pytestmark = [
    pytest.mark.skipif(generator.compiler() is None, reason="there is no C compiler"),
    pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="processes cannot be pinned here"),
]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[stages.BenchStage]:
    with stages.make(tmp_path) as made:
        yield made


def test_each_request_of_the_part_is_answered(stage: stages.BenchStage) -> None:
    with ttweet.serve(stage, http=True) as server:
        for protocol in ASKED.values():
            assert generator.run(stage, replace(server, port=server.http_port), protocol, SHORT)["count"] > 0


def test_an_answer_that_the_client_lacks_is_no_304(stage: stages.BenchStage) -> None:
    with ttweet.serve(stage, http=True) as server:
        at_http = replace(server, port=server.http_port)
        options = ("--follow-port", str(server.http_port), "--every", "1")  # each tweet makes another version
        with (
            generator.held_followers(stage, server, 1, "live", *options, dialect="sse"),
            pytest.raises(BenchError, match=r"http-304 at 4: .* refused"),
        ):
            generator.run(stage, at_http, "http-304", SHORT)


@pytest.mark.parametrize("options", [(), ("--in-flight", "16"), ("--every", "5")], ids=["one", "window", "trickle"])
def test_a_message_counts_when_its_last_follower_by_sse_has_it(
    stage: stages.BenchStage, options: tuple[str, ...]
) -> None:
    with ttweet.serve(stage, http=True) as server:
        at_http = ("--follow-port", str(server.http_port))
        figures = generator.fan_out(stage, server, "sse", 5, *at_http, *options, *LENGTH)
    assert figures["messages"] > 0
    window = int(options[1]) if "--in-flight" in options else 1
    assert figures["rate"] * 0.2 == pytest.approx(5 * figures["messages"], abs=5 * window)


def test_the_part_runs_and_judges_its_bars(tmp_path: Path) -> None:
    written = tmp_path / "figures.json"
    argv = ["http", "--quick", "--seconds", "0.2", "--warmup", "0.05", "--json", str(written)]
    done = subprocess.run([SCRIPTS / "bench", *argv], capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    (part,) = json.loads(written.read_text())["parts"]
    assert {figure["case"] for figure in part["figures"]} == {"64", "100", "100x16", "memory", "upload p99"}
    assert "of 8 bars met" in done.stderr
