"""Followers: how many deliveries a second, how late the last one is, what idle ones cost, how fast one catches up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from benchmarks import generator
from benchmarks.figures import PartFigures, Sample
from benchmarks.parts import growth
from benchmarks.parts.part import Kind
from benchmarks.peers import mosquitto, redis, ttweet
from benchmarks.peers.peer import Subject
from benchmarks.plan import Plan, Running, Turn, say, serving, take_turns
from benchmarks.stage import BenchError, BenchStage, PeerServer

SUBJECTS = (
    Subject("ttweet", "ttweet", ttweet.PEER, "ttweet"),
    Subject("mosquitto", "Mosquitto, QoS 0", mosquitto.PEER, "mqtt"),
    Subject("redis", "Redis, pub/sub", redis.PEER, "redis"),
)
FOLLOWERS, MANY = 100, 1000
IN_FLIGHT = 16
TRICKLE_MS = 50.0  # between two tweets for many followers: each finds the server at rest
UPLOADERS = 64
BEHIND, QUICK_BEHIND = 1_000_000, 100_000  # tweets


def measure(stage: BenchStage, plan: Plan) -> PartFigures:
    """Publish to followers of every server in turn, then look at what only ttweet has: a log to catch up with."""
    part = PartFigures("follow")
    with serving(stage, plan, part, SUBJECTS) as running:
        for in_flight in (1, IN_FLIGHT):
            if not plan.cases or (FOLLOWERS, in_flight) in plan.cases:
                take_turns(plan, part, _publish_turns(stage, plan, part, running, in_flight))
        if not plan.cases:
            take_turns(plan, part, _trickle_turns(stage, plan, running))
    if not (plan.cases or plan.baseline):
        _measure_idle(stage, plan, part)
        _measure_catch_up(stage, plan, part)
    return part


def _publish_turns(stage: BenchStage, plan: Plan, part: PartFigures, running: Running, in_flight: int) -> list[Turn]:
    case = f"{FOLLOWERS}" if in_flight == 1 else f"{FOLLOWERS}x{in_flight}"

    def publish(subject: Subject, server: PeerServer) -> Sample:
        figures = generator.fan_out(
            stage, server, subject.protocol, FOLLOWERS, "--in-flight", str(in_flight), *_length(plan)
        )
        part.add(subject.name, f"{case}, last", "ms", Sample(figures["p50_us"] / 1000))
        part.add(subject.name, f"{case}, CPU", "us", Sample(figures["server_us"]))
        return generator.sample_of(figures, figures["rate"])

    return [Turn(subject.name, case, "1/s", partial(publish, subject, server)) for subject, server in running]


def _trickle_turns(stage: BenchStage, plan: Plan, running: Running) -> list[Turn]:
    def trickle(subject: Subject, server: PeerServer) -> Sample:
        options = ("--every", str(TRICKLE_MS), *_length(plan))
        figures = generator.fan_out(stage, server, subject.protocol, MANY, *options)
        return generator.sample_of(figures, figures["p50_us"] / 1000)

    return [
        Turn(subject.name, f"{MANY:,}, last", "ms", partial(trickle, subject, server)) for subject, server in running
    ]


def _length(plan: Plan) -> tuple[str, ...]:
    return ("--warmup", str(plan.warmup_s), "--seconds", str(plan.seconds))


def _measure_idle(stage: BenchStage, plan: Plan, part: PartFigures) -> None:
    """Upload to one server that has followers of an unused tag, and to one that has none."""
    load = plan.load(UPLOADERS)
    with ExitStack() as stack:
        servers = {name: stack.enter_context(ttweet.serve(stage)) for name in ("beside", "without")}
        stack.enter_context(generator.held_followers(stage, servers["beside"], MANY, "nobody"))
        turns = [
            Turn(name, "uploads", "1/s", partial(generator.measure, stage, server, "ttweet-upload", load))
            for name, server in servers.items()
        ]
        take_turns(plan, part, turns)


def _measure_catch_up(stage: BenchStage, plan: Plan, part: PartFigures) -> None:
    """Let a follower read a whole log, alone and then beside a client that uploads one tweet after another."""
    database = growth.database(stage, plan, QUICK_BEHIND if plan.quick else BEHIND)
    with ttweet.serve(stage, database) as server:
        upload = partial(generator.measure, stage, server, "ttweet-upload", plan.load(1))
        turns = [
            Turn("ttweet", "catch-up", "1/s", partial(_catch_up, stage, server)),
            Turn("alone", "one upload", "ms", lambda: _latency(upload())),
            Turn("beside a catch-up", "one upload", "ms", partial(_beside, stage, server, upload)),
        ]
        take_turns(plan, part, turns)


def _catch_up(stage: BenchStage, server: PeerServer) -> Sample:
    figures = generator.fan_out(stage, server, "ttweet", 1, "--after", "0", "--catch-up")
    return Sample(figures["rate"], cpu_share=figures["cpu_share"])


def _beside(stage: BenchStage, server: PeerServer, upload: Callable[[], Sample]) -> Sample:
    with _catching_up(stage, server):
        return _latency(upload())


def _latency(sample: Sample) -> Sample:
    assert sample.p50_us is not None
    return Sample(sample.p50_us / 1000, sample.p50_us, sample.p99_us, sample.max_us, sample.cpu_share)


@contextmanager
def _catching_up(stage: BenchStage, server: PeerServer) -> Iterator[None]:
    """Followers that read the whole log, one after the other, as long as the block lasts."""
    over = threading.Event()

    def follow() -> None:
        while not over.is_set():
            try:
                _catch_up(stage, server)
            except BenchError as error:
                say(f"follow: {error}")
                return

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


KIND = Kind(
    name="follow",
    title="Followers",
    about=f"One publisher and {FOLLOWERS} followers of its tag. ttweet sends a tweet when it is on the disk; "
    "the other servers have no log.\n\n"
    f"- `{FOLLOWERS}` and `{FOLLOWERS}x{IN_FLIGHT}`: deliveries a second with 1 and {IN_FLIGHT} tweets in flight.\n"
    "- `last`: the median time from sending a tweet until all followers have it.\n"
    "- `CPU`: the server's processor time for a delivery.\n"
    f"- `{MANY:,}, last`: one tweet every {TRICKLE_MS:g} ms, timed from its acknowledgement (Mosquitto: sending).\n"
    "- `uploads`: 64 clients upload, with and without 1,000 followers of another tag.\n"
    "- `catch-up`: tweets a second of a follower that starts 1,000,000 tweets back (with `--quick` 100,000).\n"
    "- `one upload`: the latency of a client during such a catch-up.",
    measure=measure,
    titles={
        **{subject.name: subject.title for subject in SUBJECTS},
        "beside": "ttweet beside 1,000 idle followers",
        "without": "ttweet without followers",
        "alone": "an upload to ttweet, alone",
        "beside a catch-up": "an upload beside a catch-up",
    },
    mine={"mosquitto": "ttweet", "redis": "ttweet", "without": "beside", "alone": "beside a catch-up"},
    case_title="followers",
    faster={
        "mosquitto": "Mosquitto stores nothing and sends from one loop in C.",
        "redis": "Redis publishes from memory and guarantees no delivery.",
    },
)
