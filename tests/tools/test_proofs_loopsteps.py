"""The proof that no request costs more than its bytes: what it measures with, and what it sends."""

import json
import os
import random
import socket
import subprocess
import sys
from pathlib import Path
from time import thread_time

import pytest
import trio
from proofs import instrument, loopsteps
from proofs.expensive import SCRIPTS, TAGS, ExpensiveRequest, requests, uploads
from proofs.findings import Findings
from proofs.good import apart
from proofs.history import History

from ttweet.protocol.frames import MAX_FRAME_BYTES

LONG_S = 0.02


def spin() -> None:
    end = thread_time() + LONG_S
    while thread_time() < end:
        pass


def run(gauge: Path) -> None:
    """Two steps, of which one is long."""

    async def steps() -> None:
        await trio.lowlevel.checkpoint()
        spin()
        await trio.lowlevel.checkpoint()

    trio.run(steps, instruments=[instrument.Steps(instrument._map(gauge))])


def test_the_longest_step_is_reported_with_its_place(tmp_path: Path) -> None:
    gauge = instrument.StepGauge(tmp_path / "gauge")
    gauge.reset()
    run(tmp_path / "gauge")
    longest = gauge.read()
    assert longest.step_ms >= LONG_S * 1000
    assert longest.where.endswith("steps")
    assert longest.call_ms == 0


@pytest.mark.parametrize("name", ["reader", "search"])
def test_the_longest_call_of_each_worker_but_the_one_that_searches_is_reported(name: str, tmp_path: Path) -> None:
    told = _calls_of(f"with Worker({name!r}) as worker:\n        await worker.run(spin)", tmp_path)
    assert (told.call_ms >= LONG_S * 1000, told.called) == ((name == "reader", "spin" if name == "reader" else ""))


def test_the_longest_call_of_the_writer_is_reported(tmp_path: Path) -> None:
    told = _calls_of(
        "with LoneWorker('w', idle_s=9, on_idle=print) as worker:\n        await worker.run(spin)", tmp_path
    )
    assert (told.call_ms >= LONG_S * 1000, told.called) == (True, "spin")


def _calls_of(block: str, folder: Path) -> instrument.Longest:
    """Run a module that makes a long call, with calls timed, and return the longest ones."""
    gauge = instrument.StepGauge(folder / "gauge")
    gauge.reset()
    (folder / "caller.py").write_text(f"""
from tests.tools.test_proofs_loopsteps import spin
from ttweet.broker.lone_worker import LoneWorker
from ttweet.broker.worker import Worker
import trio
async def main():
    {block}
trio.run(main)
""")
    command = [sys.executable, "-m", "proofs.instrument", str(folder / "gauge"), "caller"]
    path = os.pathsep.join([*sys.path, str(folder)])
    subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=True)
    return gauge.read()


def test_steps_before_a_reset_are_not_counted(tmp_path: Path) -> None:
    gauge = instrument.StepGauge(tmp_path / "gauge")
    gauge.reset()
    run(tmp_path / "gauge")
    gauge.reset()
    assert gauge.read() == (0, 0, "", "")


def test_a_seed_makes_the_same_requests_again() -> None:
    once, again = (list(requests(random.Random(1), 20)) for _ in range(2))
    assert once == again
    assert once != list(requests(random.Random(2), 20))


def test_each_request_is_well_formed_and_short_enough_to_be_looked_at() -> None:
    for request in requests(random.Random(1), 50):
        lines = request.data.splitlines(keepends=True)
        assert len(lines) == request.frames, request.name
        assert max(map(len, lines)) <= MAX_FRAME_BYTES, request.name
        assert all(isinstance(json.loads(line)[0], str) for line in lines), request.name


@pytest.mark.parametrize("script", SCRIPTS)
def test_each_script_is_in_names_texts_keys_and_tags(script: str) -> None:
    named = [request.name for request in requests(random.Random(1), 0) if request.name.endswith(f" {script}")]
    assert {name.split()[0] for name in named} == {"g", "n", "t", "u", "r", "s", "f"}
    assert any("key" in name for name in named)


def test_no_tag_of_an_upload_was_there_before() -> None:
    tags = [json.loads(line)[1]["tags"] for _ in range(3) for line in uploads(4, "é", "common").data.splitlines()]
    assert all(len(one) == TAGS and one[0] == "common" for one in tags)
    assert len({tag for one in tags for tag in one[1:]}) == 12 * (TAGS - 1)


def test_the_sent_requests_bound_the_memory_and_the_disk_that_they_may_take() -> None:
    sent = loopsteps.Sent()
    sent.add(ExpensiveRequest.of("one", "u", {"text": "#a", "tags": ["b", "c"]}, 2))
    assert (sent.frames, sent.tags) == (2, 6)
    assert sent.memory == 4 * sent.data + loopsteps.MEMORY_BYTES
    assert sent.disk == 4 * sent.data + 2 * 128 + 6 * 192


@pytest.mark.parametrize(
    ("step_ms", "call_ms", "over"), [(19, 99, False), (21, 0, True), (0, 101, True), (21, 101, True)]
)
def test_a_step_and_a_call_have_bars_of_their_own(step_ms: float, call_ms: float, over: bool) -> None:
    assert loopsteps.is_over(instrument.Longest(step_ms, call_ms, "", ""), 1.0) is over
    assert not loopsteps.is_over(instrument.Longest(step_ms, call_ms, "", ""), loopsteps.SLOWER)


def test_an_honest_client_that_is_let_down_is_found() -> None:
    findings = Findings()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with apart(closed.getsockname()[1], History(), findings):
            pass
    assert findings.counts == {"stale": 1}
    assert "the good client was let down: ConnectionRefusedError" in findings.told[0]
