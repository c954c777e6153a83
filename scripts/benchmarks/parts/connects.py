"""A connection for each request, as the classic command line makes: connect, ask, read the answer, close."""

from __future__ import annotations

from benchmarks.figures import PartFigures
from benchmarks.parts.part import Kind
from benchmarks.peers import REDIS_LAST, REDIS_MULTI, TTWEET, TTWEET_LAST
from benchmarks.plan import Plan, load_turns, serving, take_turns
from benchmarks.stage import BenchStage

SUBJECTS = (TTWEET, REDIS_MULTI, TTWEET_LAST, REDIS_LAST)
CASES = (1, 16, 64)
QUICK_CASES = (16,)


def measure(stage: BenchStage, plan: Plan) -> PartFigures:
    """Run each number of concurrent connections."""
    part = PartFigures("connects")
    with serving(stage, plan, part, SUBJECTS) as running:
        for clients in plan.clients(CASES, QUICK_CASES):
            take_turns(plan, part, load_turns(stage, running, plan.load(clients, reconnect=True)))
    return part


KIND = Kind(
    name="connects",
    title="A connection for each request",
    about="Each client connects, uploads a tweet or asks for the last message, reads the answer and closes. "
    "Latency includes connecting.",
    measure=measure,
    titles={subject.name: subject.title for subject in SUBJECTS},
    mine={"redis-multi": "ttweet", "redis-last": "ttweet-last"},
    faster={
        "redis-multi": "A connection costs ttweet two report lines, a task and about a dozen system calls from Python. "
        "Redis logs no clients.",
        "redis-last": "As with uploads.",
    },
)
