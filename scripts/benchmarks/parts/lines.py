"""`ttweet post --lines`, end to end: the process starts, reads its input, posts and ends."""

from __future__ import annotations

import subprocess
import time
from functools import partial
from pathlib import Path

from benchmarks.figures import PartFigures, Sample
from benchmarks.parts.part import Kind
from benchmarks.peers import ttweet
from benchmarks.plan import Plan, Turn, take_turns
from benchmarks.stage import BenchError, BenchStage, PeerServer, pinned

LINES = 100_000
QUICK_LINES = 10_000


def measure(stage: BenchStage, plan: Plan) -> PartFigures:
    """Post the same lines once a round."""
    part = PartFigures("lines")
    count = QUICK_LINES if plan.quick else LINES
    source = stage.folder("lines") / "lines.txt"
    source.write_text("".join(f"line {number} of a file that somebody posts, with its tag #topic{number % 1000}\n"
                              for number in range(count)))  # fmt: skip
    with ttweet.serve(stage) as server:
        take_turns(plan, part, [Turn("ttweet", f"{count:,}", "1/s", partial(_post, stage, server, source, count))])
    return part


def _post(stage: BenchStage, server: PeerServer, source: Path, count: int) -> Sample:
    argv = [str(ttweet.program()), "post", "--lines", "--server", f"127.0.0.1:{server.port}"]
    start = time.perf_counter()
    with source.open("rb") as lines, pinned(stage.cores.generator):
        done = subprocess.run(argv, stdin=lines, capture_output=True, check=False)
    if done.returncode:
        raise BenchError(f"post --lines exited with {done.returncode}: {done.stderr.decode()[-500:]}")
    return Sample(count / (time.perf_counter() - start))


KIND = Kind(
    name="lines",
    title="Posting a file",
    about="`ttweet post --lines` with one tagged tweet a line, from exec to exit, every tweet acknowledged.",
    measure=measure,
    titles={"ttweet": "`ttweet post --lines`"},
    case_title="lines",
)
