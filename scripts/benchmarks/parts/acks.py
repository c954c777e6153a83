"""Durable uploads with one hashtag: ttweet beside its peers, the echo server and the floor of SQLite."""

from __future__ import annotations

from functools import partial

from benchmarks import floor, strace, turns
from benchmarks.figures import Load, PartFigures, Sample, serial_bound
from benchmarks.parts.part import Kind
from benchmarks.peers import ECHO, MOSQUITTO, NAIVE, NATS, POSTGRESQL, REDIS_MULTI, REDIS_XADD, TTWEET
from benchmarks.plan import Plan, Turn, load_turns, say, serving, take_turns
from benchmarks.stage import BenchError, BenchStage

SUBJECTS = (TTWEET, REDIS_MULTI, REDIS_XADD, POSTGRESQL, NATS, NAIVE, MOSQUITTO, ECHO)
CASES = ((1, 1), (16, 1), (64, 1), (256, 1), (1000, 1), (64, 16))
QUICK_CASES = ((1, 1), (64, 1), (256, 1))


def measure(stage: BenchStage, plan: Plan) -> PartFigures:
    """Run every case; in each round each server has one turn, the floor of SQLite too."""
    part = PartFigures("acks")
    with serving(stage, plan, part, SUBJECTS) as running:
        for load in plan.loads(CASES, QUICK_CASES):
            floors = [] if plan.baseline else [_floor(stage, plan, part, load)]
            longest = Turn("longest turn", load.case, "ms", partial(turns.longest, stage, TTWEET.protocol, load))
            take_turns(plan, part, [*load_turns(stage, running, load), longest, *floors])
            _add_bound(part, load.case)
            _add_tail(part, load.case)
    return part


def _floor(stage: BenchStage, plan: Plan, part: PartFigures, load: Load) -> Turn:
    batch = _batch_that_occurs(stage, part, load)
    part.add("batch", load.case, "tweets", Sample(batch))
    return Turn("sqlite", load.case, "1/s", partial(floor.measure, stage, batch, plan.seconds))


def _batch_that_occurs(stage: BenchStage, part: PartFigures, load: Load) -> float:
    """Tweets that ttweet commits with one sync under this load; without strace, half of those that are under way."""
    try:
        acknowledged, syncs = strace.count(stage, load)
    except BenchError as error:
        say(f"strace: {error}")
        part.note("Syncs could not be counted: the SQLite floor is that of batches of half the requests under way.")
        return max(1.0, load.clients * load.in_flight / 2)
    return max(1.0, acknowledged / max(1, syncs))


def _add_bound(part: PartFigures, case: str) -> None:
    """One process has to receive and answer each tweet and to store it: no server of this shape is faster than both."""
    echo, sqlite = part.find("echo", case), part.find("sqlite", case)
    if echo is not None and sqlite is not None:
        for rates in zip(echo.values, sqlite.values, strict=False):
            part.add("bound", case, "1/s", Sample(serial_bound(rates)))


def _add_tail(part: PartFigures, case: str) -> None:
    figure = part.find("ttweet", case)
    for sample in figure.samples if figure else []:
        if sample.p50_us and sample.p99_us:
            part.add("p99/p50", case, "1", Sample(sample.p99_us / sample.p50_us))


KIND = Kind(
    name="acks",
    title="Durable uploads",
    about="One tweet of 100 bytes with one hashtag, acknowledged when it is on the disk. `64x16` are 64 clients with "
    "16 requests in flight each. The SQLite floor only stores the same rows in batches of the same size. ttweet "
    "indexes tags in chunks behind the log; the floor indexes each batch. The bound of one process is "
    "1 / (1/echo + 1/SQLite). pgbench and HTTP have no requests in flight, so PostgreSQL and the FastAPI service are "
    "measured with 1 to 256 clients only.",
    measure=measure,
    titles={
        **{subject.name: subject.title for subject in SUBJECTS},
        "sqlite": "SQLite floor, the same rows",
        "batch": "tweets a sync (ttweet)",
        "bound": "Bound of one process",
        "p99/p50": "p99 against p50 (ttweet)",
        "longest turn": "longest turn of ttweet's loop, CPU ms",
    },
    mine={**{subject.name: "ttweet" for subject in SUBJECTS[1:]}, "sqlite": "ttweet", "bound": "ttweet"},
    faster={subject.name: subject.faster for subject in SUBJECTS},
)
