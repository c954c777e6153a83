"""A connection for each upload, as the classic command line makes: connect, upload, read the answer, close."""

from __future__ import annotations

from benchmarks.figures import Part
from benchmarks.parts.part import Kind
from benchmarks.peers import REDIS_MULTI, TTWEET
from benchmarks.plan import Plan, load_turns, serving, take_turns
from benchmarks.stage import BenchStage

SUBJECTS = (TTWEET, REDIS_MULTI)
CASES = (1, 16, 64)
QUICK_CASES = (16,)


def measure(stage: BenchStage, plan: Plan) -> Part:
    """Run each number of concurrent connections."""
    part = Part("connects")
    with serving(stage, plan, part, SUBJECTS) as running:
        for clients in plan.clients(CASES, QUICK_CASES):
            take_turns(plan, part, load_turns(stage, running, plan.load(clients, reconnect=True)))
    return part


KIND = Kind(
    name="connects",
    title="A connection for each upload",
    about="Each client connects, uploads one tweet, reads the durable acknowledgement and closes. "
    "Latency includes connecting.",
    measure=measure,
    titles={subject.name: subject.title for subject in SUBJECTS},
    mine={"redis-multi": "ttweet"},
    faster={
        "redis-multi": "A connection costs ttweet two report lines, a task and about a dozen system calls from Python. "
        "Redis logs no clients.",
    },
)
