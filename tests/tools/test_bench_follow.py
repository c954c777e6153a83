"""The generator of followers and the part that uses it: each server gives every follower every message, in order."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from benchmarks import fill, generator
from benchmarks import stage as stages
from benchmarks.parts.follow import SUBJECTS
from benchmarks.peers import ttweet
from benchmarks.peers.peer import Subject
from benchmarks.stage import BenchError

SCRIPTS = Path(__file__).parents[2] / "scripts"

pytestmark = [
    pytest.mark.skipif(generator.compiler() is None, reason="there is no C compiler"),
    pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="processes cannot be pinned here"),
]
SHORT = ("--warmup", "0.05", "--seconds", "0.2")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[stages.BenchStage]:
    with stages.make(tmp_path) as made:
        yield made


@pytest.mark.parametrize("options", [(), ("--in-flight", "16"), ("--every", "5")], ids=["one", "window", "trickle"])
@pytest.mark.parametrize("subject", SUBJECTS, ids=[subject.name for subject in SUBJECTS])
def test_a_message_counts_when_its_last_follower_has_it(
    stage: stages.BenchStage, subject: Subject, options: tuple[str, ...]
) -> None:
    if subject.peer.version() is None:
        pytest.skip(f"{subject.peer.title} is not installed")
    with subject.peer.serve(stage) as server:
        figures = generator.fan_out(stage, server, subject.protocol, 5, *options, *SHORT)
    assert figures["messages"] > 0
    window = int(options[1]) if "--in-flight" in options else 1
    assert figures["rate"] * 0.2 == pytest.approx(5 * figures["messages"], abs=5 * window)
    assert 0 < figures["p50_us"] <= figures["p99_us"]


def test_a_run_leaves_nothing_under_way_for_the_next(stage: stages.BenchStage) -> None:
    with ttweet.serve(stage) as server:
        for _ in range(5):
            generator.fan_out(stage, server, "ttweet", 1, "--in-flight", "128", "--warmup", "0.02", "--seconds", "0.02")
            generator.fan_out(stage, server, "ttweet", 300, "--warmup", "0.02", "--seconds", "0.02")


def test_a_follower_catches_up_with_a_whole_log(stage: stages.BenchStage, tmp_path: Path) -> None:
    database = tmp_path / "tweets.db"
    fill.fill(database, 3000)
    with ttweet.serve(stage, database) as server:
        figures = generator.fan_out(stage, server, "ttweet", 2, "--after", "0", "--catch-up")
    assert figures["deliveries"] == 6000
    assert figures["rate"] > 0


def sockets(pid: int) -> int:
    """How many sockets a process has open; its files come and go with its readers."""
    count = 0
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            count += str(descriptor.readlink()).startswith("socket:")
    return count


def test_followers_are_held_as_long_as_the_block_lasts(stage: stages.BenchStage) -> None:
    with ttweet.serve(stage) as server, generator.held_followers(stage, server, 20, "quiet"):
        before = sockets(server.process.pid)
        with generator.held_followers(stage, server, 30, "quiet"):
            assert sockets(server.process.pid) == before + 30


def test_a_server_that_speaks_something_else_is_an_error(stage: stages.BenchStage) -> None:
    with ttweet.serve(stage) as server, pytest.raises(BenchError, match=r"redis with 1 followers: .*bad_protocol"):
        generator.fan_out(stage, server, "redis", 1, *SHORT)


def test_the_part_runs_and_judges_its_bars(tmp_path: Path) -> None:
    written = tmp_path / "figures.json"
    argv = ["follow", "--quick", "--only", "ttweet", "--seconds", "0.1", "--warmup", "0.05", "--json", str(written)]
    done = subprocess.run([SCRIPTS / "bench", *argv], capture_output=True, text=True, check=False, timeout=1200)
    assert done.returncode == 0, done.stderr
    (part,) = json.loads(written.read_text())["parts"]
    cases = {figure["case"] for figure in part["figures"] if figure["subject"] == "ttweet"}
    assert cases >= {"100", "100x16", "100, last", "1,000, last", "catch-up"}
