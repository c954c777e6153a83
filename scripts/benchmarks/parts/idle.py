"""The cost of idle connections: resident memory of each, and how fast they are accepted."""

from __future__ import annotations

from benchmarks import generator
from benchmarks.figures import PartFigures, Sample
from benchmarks.parts.part import Kind
from benchmarks.peers.ttweet import serve
from benchmarks.plan import Plan, say
from benchmarks.stage import BenchError, BenchStage, resident_kib

CONNECTIONS = 5000
QUICK_CONNECTIONS = 1000
ROUNDS = 3  # each with a server of its own, as a process does not give its memory back


def measure(stage: BenchStage, plan: Plan) -> PartFigures:
    """Open the connections, each answered a ping, and look at the server's memory before and after."""
    part = PartFigures("idle")
    connections = QUICK_CONNECTIONS if plan.quick else CONNECTIONS
    part.note(f"{connections:,} connections.")
    for _ in range(min(ROUNDS, plan.rounds)):
        try:
            _measure_once(stage, part, connections)
        except BenchError as error:
            plan.fail(part, KIND.title, error)
            break
    return part


def _measure_once(stage: BenchStage, part: PartFigures, connections: int) -> None:
    with serve(stage) as server:
        before = resident_kib(server.process.pid)
        with generator.held_connections(stage, server, "ttweet-idle", connections) as figures:
            each = (resident_kib(server.process.pid) - before) / connections
        accepts = connections / figures["opening_s"]
    part.add("ttweet", "memory", "KiB", Sample(each))
    part.add("ttweet", "accepts", "1/s", Sample(accepts))
    say(f"idle: {each:.2f} KiB a connection, {accepts:,.0f} accepted a second")


KIND = Kind(
    name="idle",
    title="Idle connections",
    about="Connections that are idle after one answer: the server's resident memory for each, and the rate of "
    "accepting them.",
    measure=measure,
    titles={"ttweet": "ttweet"},
    case_title="figure",
)
