"""Whether anything gets slower as the log grows: the same queries of databases of very different size."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks import fill, generator
from benchmarks.figures import PartFigures, Sample
from benchmarks.parts.part import Kind
from benchmarks.peers import ttweet
from benchmarks.plan import Plan, Turn, say, take_turns
from benchmarks.stage import BenchError, BenchStage, PeerServer, pinned

SIZES = (10_000, 1_000_000, 10_000_000)
QUICK_SIZES = (10_000, 200_000)
CLIENTS = 64
QUESTIONS = (  # subject, protocol of the generator, tag; what writes comes last
    ("last", "ttweet-last", None),
    ("hot tag", "ttweet-tag", fill.HOT_TAG),
    ("rare tag", "ttweet-tag", fill.RARE_TAG),
    ("tags", "ttweet-tags", None),
    ("insert", "ttweet-upload", None),
)


def measure(stage: BenchStage, plan: Plan) -> PartFigures:
    """Fill the databases, start servers on them, and ask all of them the same in turn."""
    part = PartFigures("growth")
    databases = {size: database(stage, plan, size) for size in (QUICK_SIZES if plan.quick else SIZES)}
    for size, path in databases.items():
        part.add("file", f"{size:,}", "MiB", Sample(path.stat().st_size / 2**20))
    starts = [Turn("first answer", f"{size:,}", "s", partial(_start, stage, path)) for size, path in databases.items()]
    take_turns(plan, part, starts)
    with ExitStack() as stack:
        servers = {size: stack.enter_context(ttweet.serve(stage, path)) for size, path in databases.items()}
        for question in QUESTIONS:
            take_turns(plan, part, [_ask(stage, plan, size, server, *question) for size, server in servers.items()])
    _compare(part, list(databases))
    return part


def database(stage: BenchStage, plan: Plan, size: int) -> Path:
    """A file of this many tweets to work on: filled now, or a copy of one from an earlier run."""
    path = stage.folder("growth") / "tweets.db"
    if plan.databases is None:
        _fill(stage, path, size)
        return path
    kept = plan.databases / f"tweets-{size}.db"
    if not kept.exists():
        _fill(stage, path, size)
        _keep(path, kept)
    else:
        shutil.copyfile(kept, path)
    return path


def _fill(stage: BenchStage, path: Path, size: int) -> None:
    start = time.perf_counter()
    with pinned(stage.cores.server):
        done = subprocess.run([sys.executable, "-m", "benchmarks.fill", path, str(size)], check=False)
    if done.returncode:
        raise BenchError(f"filling a database with {size:,} tweets failed")
    say(f"growth: {size:,} tweets written in {time.perf_counter() - start:.1f} s")


def _keep(path: Path, kept: Path) -> None:
    """Copy a database for later runs, whole or not at all."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    draft = kept.with_suffix(".part")
    shutil.copyfile(path, draft)
    draft.replace(kept)


def _start(stage: BenchStage, database: Path) -> Sample:
    start = time.perf_counter()
    with ttweet.serve(stage, database):
        return Sample(time.perf_counter() - start)


def _ask(
    stage: BenchStage, plan: Plan, size: int, server: PeerServer, subject: str, protocol: str, tag: str | None
) -> Turn:
    load = plan.load(CLIENTS, tag=tag)
    return Turn(subject, f"{size:,}", "1/s", partial(generator.measure, stage, server, protocol, load))


def _compare(part: PartFigures, sizes: Sequence[int]) -> None:
    """Add the time of a read at the largest size against the smallest, and what is left of the insert rate."""
    smallest, largest = f"{sizes[0]:,}", f"{sizes[-1]:,}"
    for subject, *_ in QUESTIONS:
        few, many = part.find(subject, smallest), part.find(subject, largest)
        for slow, fast in zip(many.values if many else [], few.values if few else [], strict=False):
            part.add(subject, "growth", "1", Sample(slow / fast if subject == "insert" else fast / slow))
    start = part.find("first answer", largest)
    for sample in start.samples if start else []:
        part.add("first answer", "largest", "s", sample)


KIND = Kind(
    name="growth",
    title="Growth",
    about=f"{CLIENTS} clients send the same queries to databases of different sizes with up to 100,000 tags. "
    "`growth` is the time at the largest size divided by the time at the smallest; for uploads, the rate. "
    "`start to first answer` is measured from starting `ttweet serve`, with the file in the page cache.",
    measure=measure,
    titles={
        "last": "last message",
        "hot tag": "newest 20 of a hot tag",
        "rare tag": "newest 20 of a rare tag",
        "tags": "list of tags",
        "insert": "uploads with a tag",
        "file": "size of the file",
        "first answer": "start to first answer",
    },
    case_title="tweets",
)
