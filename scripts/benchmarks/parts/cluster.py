"""A cluster of three servers and three nodes of etcd on this machine, beside one server of the same machine."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from server_process import Broken, ServerProcess

from benchmarks import generator, priority
from benchmarks.figures import Load, PartFigures, Sample, quantile
from benchmarks.parts.part import Kind
from benchmarks.peers import ttweet
from benchmarks.plan import Plan, Turn, take_turns
from benchmarks.stage import BenchError, BenchStage, PeerServer
from ttweet.client.sync_client import Client
from ttweet.cluster import local_etcd
from ttweet.cluster.local_etcd import LocalEtcd, NotStartedError

SERVERS = 3
CASES = ((1, 1), (64, 1), (64, 16))
QUICK_CASES = ((1, 1), (64, 16))
LAG_POSTS, QUICK_LAG_POSTS = 300, 50
FILL_TURNS = 4  # of the length of a turn, for the log that a new server catches up with
PROTOCOL = "ttweet-upload"
NOWHERE = "etcd://127.0.0.1:1/memory"
_ONE_LOG = Path(__file__).parents[1] / "one_log.py"


def measure(stage: BenchStage, plan: Plan) -> PartFigures:
    """Load one server, one over a log in memory, and the first of three in turn; then see how far behind others are."""
    part = PartFigures("cluster")
    with ExitStack() as stack:
        servers = {"alone": stack.enter_context(ttweet.serve(stage))}
        servers["memory"] = stack.enter_context(
            ttweet.serve(stage, under=(sys.executable, "-P", _ONE_LOG), options=("--cluster", NOWHERE))
        )
        if not local_etcd.is_installed():
            part.note(f"etcd is not installed here and was left out (`{local_etcd.INSTALL}`).")
            _measure_loads(stage, plan, part, servers)
            return part
        etcd = stack.enter_context(_nodes(stage))
        first, second, _ = [stack.enter_context(_serve(stage, etcd, "team")) for _ in range(SERVERS)]
        _measure_loads(stage, plan, part, {**servers, "etcd": first})
        posts = QUICK_LAG_POSTS if plan.quick else LAG_POSTS
        turns = [
            Turn("etcd", "lag p99", "ms", partial(_lag, first, second, posts)),
            Turn("etcd", "catch-up", "1/s", partial(_catch_up, stage, plan, etcd)),
        ]
        take_turns(plan, part, turns)
    return part


def _measure_loads(stage: BenchStage, plan: Plan, part: PartFigures, servers: dict[str, PeerServer]) -> None:
    for load in plan.loads(CASES, QUICK_CASES):
        turns = [
            Turn(name, load.case, "1/s", partial(_upload, stage, part, name, server, load))
            for name, server in servers.items()
        ]
        take_turns(plan, part, turns)


def _upload(stage: BenchStage, part: PartFigures, name: str, server: PeerServer, load: Load) -> Sample:
    sample = generator.measure(stage, server, PROTOCOL, load)
    if load.clients == 1 and sample.p50_us is not None:
        part.add(name, "1, p50", "ms", Sample(sample.p50_us / 1000))
    return sample


@contextmanager
def _nodes(stage: BenchStage) -> Iterator[LocalEtcd]:
    try:
        with local_etcd.running(stage.folder("etcd"), SERVERS) as etcd:
            for node in etcd.nodes:
                priority.share(node.pid)
            yield etcd
    except NotStartedError as exc:
        raise BenchError(str(exc)) from exc


@contextmanager
def _serve(stage: BenchStage, etcd: LocalEtcd, name: str) -> Iterator[PeerServer]:
    """Run a server of a cluster, which may use all cores: each would have a machine of its own."""
    directory = stage.folder("member")
    argv: list[str | Path] = [ttweet.program(), "serve", "0", "--db", directory / "tweets.db", "--quiet"]
    argv += ["--max-clients", str(ttweet.MAX_CLIENTS), "--cluster", str(etcd.address(name))]
    try:
        with ServerProcess.serving(argv, directory, os.environ, last=signal.SIGTERM) as server:
            priority.share(server.process.pid)
            yield PeerServer(server.port, directory, server.process)
    except Broken as exc:
        raise BenchError(str(exc)) from exc


def _lag(first: PeerServer, second: PeerServer, posts: int) -> Sample:
    """How long after its acknowledgement by one server a tweet comes to a follower of another, ms."""
    acknowledged, arrived = dict[int, float](), dict[int, float]()
    with Client("127.0.0.1", first.port) as client:
        begin = client.post("the lag is measured from here").id
        follower = threading.Thread(target=_note_arrivals, args=(second, begin, posts, arrived))
        follower.start()
        for number in range(posts):
            tweet = client.post(f"post {number} of those whose lag is measured #lag")
            acknowledged[tweet.id] = time.monotonic()
    follower.join()
    late_ms = [max(0.0, arrived[id_] - at) * 1000 for id_, at in acknowledged.items()]
    return Sample(quantile(late_ms, 0.99))


def _note_arrivals(server: PeerServer, after: int, number: int, arrived: dict[int, float]) -> None:
    with Client("127.0.0.1", server.port) as client:
        for tweet in client.follow(after=after):
            arrived[tweet.id] = time.monotonic()
            if len(arrived) == number:
                return


def _catch_up(stage: BenchStage, plan: Plan, etcd: LocalEtcd) -> Sample:
    """Tweets a second that a new server takes from the log until it serves them, its start included."""
    name = stage.folder("log").name.replace("_", "-")
    fill = Load(64, 16, FILL_TURNS * plan.seconds, 0.0)
    with _serve(stage, etcd, name) as server:
        generator.measure(stage, server, PROTOCOL, fill)
        with Client("127.0.0.1", server.port) as client:
            tweets = client.post("the last one").id
        began = time.monotonic()
        with _serve(stage, etcd, name):
            return Sample(tweets / (time.monotonic() - began))


KIND = Kind(
    name="cluster",
    title="Clusters",
    about="Durable uploads to the first server of a cluster of three, with three nodes of etcd on the same cores, "
    "beside one server. The log in memory is that of one server: it shows what the replicated store costs without "
    "etcd.\n\n"
    "- `1, p50`: the median latency of a lone client.\n"
    "- `lag p99`: the time from the acknowledgement by one server until a follower of another has the tweet.\n"
    "- `catch-up`: tweets a second of a server that starts from nothing, its start included.",
    measure=measure,
    titles={
        "alone": "one server, no cluster",
        "memory": "one server, its log in memory",
        "etcd": "three servers, three nodes of etcd",
    },
    mine={"alone": "etcd"},
)
