"""The last message, the newest 20 of a tag and the list of tags, of servers that hold the same kind of tweets."""

from __future__ import annotations

from benchmarks.figures import PartFigures
from benchmarks.parts.part import Kind
from benchmarks.peers import ECHO, REDIS_LAST, REDIS_MULTI, TTWEET, TTWEET_LAST
from benchmarks.peers.peer import Subject
from benchmarks.peers.redis import PEER as REDIS
from benchmarks.peers.ttweet import PEER
from benchmarks.plan import Plan, Running, load_turns, serving, take_turns
from benchmarks.stage import BenchStage

SUBJECTS = (
    TTWEET_LAST,
    REDIS_LAST,
    Subject("ttweet-tag", "ttweet, newest 20 of a tag", PEER, "ttweet-tag"),
    Subject("redis-tag", "Redis, XREVRANGE 20 of a tag", REDIS, "redis-tag"),
    Subject("ttweet-tags", "ttweet, list of tags", PEER, "ttweet-tags"),
    ECHO,
)
WRITERS = {"ttweet": TTWEET, "redis": REDIS_MULTI}
CASES = ((1, 1), (64, 1), (256, 1), (16, 16))
QUICK_CASES = ((64, 1),)


def measure(stage: BenchStage, plan: Plan) -> PartFigures:
    """Fill the servers with uploads for the length of one round, then read at each number of clients."""
    part = PartFigures("reads")
    with serving(stage, plan, part, SUBJECTS) as running:
        _fill(stage, plan, running)
        for load in plan.loads(CASES, QUICK_CASES):
            take_turns(plan, part, load_turns(stage, running, load))
    return part


def _fill(stage: BenchStage, plan: Plan, running: Running) -> None:
    for peer, server in {subject.peer.name: server for subject, server in running}.items():
        if writer := WRITERS.get(peer):
            writer.peer.measure(stage, server, writer.protocol, plan.load(64, 16))


KIND = Kind(
    name="reads",
    title="Reads",
    about="The last message, the newest 20 tweets of a tag (one of 1,000 by Zipf's law), and the list of tags. "
    "All caches are warm. `16x16` are 16 clients with 16 requests in flight each.",
    measure=measure,
    titles={subject.name: subject.title for subject in SUBJECTS},
    mine={"redis-last": "ttweet-last", "redis-tag": "ttweet-tag", "echo": "ttweet-last"},
    faster={
        "redis-last": "Redis answers from one loop in C. Python bounds ttweet, as the echo server shows.",
        "redis-tag": "Redis reads a list in memory. ttweet reads 20 rows of a file and their tags.",
        "echo": "The echo server only returns each line: it is the bound.",
    },
)
