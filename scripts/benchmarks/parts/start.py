"""Whole processes, from exec to exit, beside an interpreter that does nothing."""

from __future__ import annotations

import os
import sys
import time
from functools import partial

from benchmarks.figures import PartFigures, Sample
from benchmarks.parts.part import Kind
from benchmarks.peers.ttweet import program, serve
from benchmarks.plan import Plan, Turn, take_turns
from benchmarks.stage import BenchError, BenchStage, pinned

RUNS = 15  # of each command a round, their median is the sample
QUICK_RUNS = 5


def measure(stage: BenchStage, plan: Plan) -> PartFigures:
    """Run every command in turn against one server that holds one message."""
    part = PartFigures("start")
    runs = QUICK_RUNS if plan.quick else RUNS
    with serve(stage) as server:
        ttweet, address = str(program()), ["127.0.0.1", str(server.port)]
        commands = {
            "python": [sys.executable, "-I", "-c", "pass"],
            "ttweet -u": [ttweet, "-u", *address, "starting #fast"],
            "ttweet -d": [ttweet, "-d", *address],
            "ttweet post": [ttweet, "post", "starting #fast", "--server", ":".join(address)],
            "ttweet last": [ttweet, "last", "--server", ":".join(address)],
            "ttweet tags": [ttweet, "tags", "fast", "--server", ":".join(address)],
            "ttweet find": [ttweet, "find", "starting", "--server", ":".join(address)],
            "ttweet --help": [ttweet, "--help"],
        }
        turns = [Turn(name, "process", "ms", partial(_median_ms, stage, argv, runs)) for name, argv in commands.items()]
        take_turns(plan, part, turns)
    return part


def _median_ms(stage: BenchStage, argv: list[str], runs: int) -> Sample:
    with pinned(stage.cores.generator):
        took = sorted(_milliseconds(argv) for _ in range(runs))
    return Sample(took[runs // 2])


def _milliseconds(argv: list[str]) -> float:
    """One run, its output thrown away. `posix_spawn` keeps the cost of starting a process out of the figure."""
    with open(os.devnull, "r+b") as nowhere:
        onto = [(os.POSIX_SPAWN_DUP2, nowhere.fileno(), number) for number in range(3)]
        start = time.perf_counter()
        pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=onto)
        _, status = os.waitpid(pid, 0)
        took = time.perf_counter() - start
    if status:
        raise BenchError(f"{argv!r} exited with {os.waitstatus_to_exitcode(status)}")
    return took * 1e3


KIND = Kind(
    name="start",
    title="Whole processes",
    about="From exec to exit with discarded output. An upload ends when it is on the disk.",
    measure=measure,
    titles={
        "python": "`python -I -c pass`",
        "ttweet -u": "`ttweet -u HOST PORT MESSAGE`",
        "ttweet -d": "`ttweet -d HOST PORT`",
        "ttweet post": "`ttweet post MESSAGE`",
        "ttweet last": "`ttweet last`",
        "ttweet tags": "`ttweet tags TAG`",
        "ttweet find": "`ttweet find QUERY`",
        "ttweet --help": "`ttweet --help`",
    },
    case_title="",
)
