"""HTTP: posts, reads and answers that a client has already, and server-sent events beside the framed protocol."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial

from benchmarks import generator
from benchmarks.figures import Load, PartFigures, Sample
from benchmarks.parts.part import Kind
from benchmarks.peers import ttweet
from benchmarks.peers.peer import BEFORE
from benchmarks.plan import Plan, Turn, say, take_turns
from benchmarks.stage import BenchError, BenchStage, PeerServer, resident_kib

ASKED = {"post": "http", "json": "http-json", "page": "http-page", "304": "http-304"}
CASES = ((1, 1), (64, 1))
QUICK_CASES = ((64, 1),)
FOLLOWERS, MANY = 100, 1000
IN_FLIGHT = 16
TRICKLE_MS = 50
UPLOADERS = 16
MEMORY_ROUNDS = 3  # each with a server of its own, as a process does not give its memory back

Servers = list[tuple[str, PeerServer]]
"""Servers of this checkout and of the one that it is measured against, each with the end of its subjects' names."""


def measure(stage: BenchStage, plan: Plan) -> PartFigures:
    """Send requests to one server and follow it by both protocols in turn; then look at what many followers cost."""
    part = PartFigures("http")
    with _serving(stage, plan) as servers:
        for load in plan.loads(CASES, QUICK_CASES):
            take_turns(plan, part, _request_turns(stage, servers, load))
        if not plan.cases:
            for in_flight in (1, IN_FLIGHT):
                take_turns(plan, part, _follow_turns(stage, plan, servers, in_flight))
    if not (plan.cases or plan.baseline):
        _measure_memory(stage, plan, part)
        _measure_uploads(stage, plan, part)
    return part


@contextmanager
def _serving(stage: BenchStage, plan: Plan) -> Iterator[Servers]:
    """Run the servers in the block, each with more tweets than a page shows."""
    peers = {"": ttweet.PEER} if plan.baseline is None else {"": ttweet.PEER, BEFORE: plan.baseline}
    with ExitStack() as stack:
        servers = [(end, stack.enter_context(peer.serve(stage, http=True))) for end, peer in peers.items()]
        for _, server in servers:
            generator.measure(stage, server, "ttweet-upload", Load(16, seconds=0.5, warmup_s=0))
        yield servers


def _request_turns(stage: BenchStage, servers: Servers, load: Load) -> list[Turn]:
    return [
        Turn(name + end, load.case, "1/s", partial(generator.measure, stage, _by_http(server), protocol, load))
        for name, protocol in ASKED.items()
        for end, server in servers
    ]


def _by_http(server: PeerServer) -> PeerServer:
    return replace(server, port=server.http_port)


def _follow_turns(stage: BenchStage, plan: Plan, servers: Servers, in_flight: int) -> list[Turn]:
    case = f"{FOLLOWERS}" if in_flight == 1 else f"{FOLLOWERS}x{in_flight}"

    def follow(dialect: str, server: PeerServer, *options: str) -> Sample:
        length = ("--warmup", str(plan.warmup_s), "--seconds", str(plan.seconds), "--in-flight", str(in_flight))
        figures = generator.fan_out(stage, server, dialect, FOLLOWERS, *length, *options)
        return generator.sample_of(figures, figures["rate"])

    return [
        turn
        for end, server in servers
        for turn in (
            Turn(f"framed{end}", case, "1/s", partial(follow, "ttweet", server)),
            Turn(f"sse{end}", case, "1/s", partial(follow, "sse", server, *_at_http(server))),
        )
    ]


def _at_http(server: PeerServer) -> tuple[str, str]:
    return "--follow-port", str(server.http_port)


def _measure_memory(stage: BenchStage, plan: Plan, part: PartFigures) -> None:
    """Look at a server's memory before and after it has many followers."""
    for _ in range(min(MEMORY_ROUNDS, plan.rounds)):
        try:
            each = _memory(stage)
        except BenchError as error:
            plan.fail(part, "memory", error)
            break
        part.add("sse", "memory", "KiB", Sample(each))
        say(f"http: {each:.2f} KiB a follower")


def _memory(stage: BenchStage) -> float:
    with ttweet.serve(stage, http=True) as server:
        followers = partial(generator.held_followers, stage, server, dialect="sse")
        with followers(1, "live", *_at_http(server)):  # so that all is imported
            before = resident_kib(server.process.pid)
            with followers(MANY, "live", *_at_http(server)):
                return (resident_kib(server.process.pid) - before) / MANY


def _measure_uploads(stage: BenchStage, plan: Plan, part: PartFigures) -> None:
    """Upload by the framed protocol, alone and while many followers get tweets of another client."""
    with ttweet.serve(stage, http=True) as server:

        def upload() -> Sample:
            sample = generator.measure(stage, server, "ttweet-upload", plan.load(UPLOADERS))
            assert sample.p99_us is not None
            return replace(sample, value=sample.p99_us / 1000)

        def upload_beside() -> Sample:
            options = (*_at_http(server), "--every", str(TRICKLE_MS))
            with generator.held_followers(stage, server, MANY, "live", *options, dialect="sse"):
                return upload()

        turns = [Turn("alone", "upload p99", "ms", upload), Turn("beside", "upload p99", "ms", upload_beside)]
        take_turns(plan, part, turns)


KIND = Kind(
    name="http",
    title="HTTP",
    about="Requests over connections that stay open, and followers by server-sent events. The publisher uses the "
    "framed protocol.\n\n"
    "- `1` and `64`: requests a second with as many clients.\n"
    f"- `{FOLLOWERS}` and `{FOLLOWERS}x{IN_FLIGHT}`: deliveries a second with 1 and {IN_FLIGHT} tweets in flight.\n"
    f"- `memory`: resident memory of each of {MANY:,} followers.\n"
    f"- `upload p99`: {UPLOADERS} clients upload by the framed protocol, alone and while {MANY:,} followers get a "
    f"tweet every {TRICKLE_MS} ms.",
    measure=measure,
    titles={
        "post": "POST /tweets, durable",
        "json": "GET /tweets.json, 20 tweets",
        "page": "GET /, the first page",
        "304": "GET /tweets.json, not modified",
        "framed": "followers, framed protocol",
        "sse": "followers, server-sent events",
        "alone": "uploads alone",
        "beside": f"uploads beside {MANY:,} followers",
    },
    mine={"framed": "sse", "alone": "beside"},
    case_title="clients",
)
