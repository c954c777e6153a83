"""Servers join: from nothing, from a backup, from the file of a single server. Files that do not belong are refused."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace

from server_process import Broken, NotStarted, ServerProcess

from proofs.caller import PlainCaller, frame
from proofs.cluster import gateway
from proofs.cluster.at_work import SERVERS, Cluster, member, nodes
from proofs.cluster.comparison import read_position
from proofs.cluster.visitors import PostRecord, StoredPost
from proofs.figure import Result
from proofs.stage import Stage, until

TWEETS = 30_000  # at scale 1
CATCH_UP_RATE = 5_000.0  # tweets a second of a server that starts from nothing
TIMED_TWEETS = 10_000  # below, the time is that of the start
IN_FLIGHT = 64
STOP_S = 10.0  # for a server to notice that its file differs
EMPTY, FULL = "empty", "full"
"""The clusters: one begins with nothing, the other with the file of a single server."""

CUT = "needs the log after 0, which is no longer kept"
FOREIGN = "of another cluster, not "
NOT_BEGUN = "and follows no cluster"
DIFFERS = "differs from that of another server"
TWICE = "has record 1 of a server after its record 1"


def prove_joins(stage: Stage, scale: float, seed: int) -> Result:  # noqa: ARG001 - nothing is left to chance
    """Let servers join two clusters, try what must be refused, and forge entries that no server may apply."""
    tweets = max(200, int(TWEETS * scale))
    with nodes(stage, scale) as etcd, ExitStack() as processes, ThreadPoolExecutor() as threads:
        here = Cluster([member(stage, etcd, number, EMPTY) for number in range(SERVERS + 2)], etcd, processes)
        there = Cluster([_of_the_other(stage, here, number) for number in range(2)], etcd, processes)
        here.start_all()
        rate = _join_from_nothing(here, tweets)
        joined = threads.submit(_join_from_a_backup, here)
        refused = [_begin_with_a_file(there)]
        joined.result()
        foreign, late = _foreign(here, there), replace(here.stages[0], folder=stage.folder / "late")
        gateway.compact(etcd.wait_for_leader())
        refused += threads.map(_is_refused, (foreign, late), (FOREIGN, CUT))
        first, second = threads.map(_finish, (here, there))
        stopped = [*threads.map(_stops, (here, there), (EMPTY, FULL), (DIFFERS, TWICE))]
    first.findings.include(second.findings)
    beside = f"joined={len(here.files + there.files)} refused={sum(refused)}/3 stopped={sum(stopped)}/2"
    is_fast = rate >= CATCH_UP_RATE or tweets < TIMED_TWEETS
    return replace(first, beside=f"{beside} catch_up={rate:.0f}/s", passed=all(refused) and all(stopped) and is_fast)


def _of_the_other(stage: Stage, here: Cluster, number: int) -> Stage:
    return replace(member(stage, here.etcd, number, FULL), folder=stage.folder / f"{FULL}{number}")


def _join_from_nothing(here: Cluster, tweets: int) -> float:
    """Let a server join from nothing that has so many tweets to take; return how many it took in a second."""
    post(here.servers[0], here.record, "first", tweets)
    began = time.monotonic()
    here.servers.append(here.start(SERVERS))
    return tweets / (time.monotonic() - began)


def _join_from_a_backup(here: Cluster) -> None:
    """Let another server join from a backup, and post at all."""
    _back_up(here.stages[0], here.stages[-1])
    here.servers.append(here.start(len(here.servers)))
    for number, server in enumerate(here.servers):
        post(server, here.record, f"joined{number}", 10)


def _finish(here: Cluster) -> Result:
    return here.finish("", passed=True)


def _begin_with_a_file(there: Cluster) -> bool:
    """Begin a cluster with the file of a single server; return whether it is refused without --begin."""
    first, second = there.stages
    with replace(first, options=()).server() as single:
        post(single, there.record, "single", 100)
        single.stop()
    refused = _is_refused(first, NOT_BEGUN)
    beginner = replace(first, options=(*first.options, "--begin"))
    there.servers = [there.processes.enter_context(beginner.server())]
    _back_up(first, second)
    there.servers.append(there.start(1))
    for number, server in enumerate(there.servers):
        post(server, there.record, f"other{number}", 10)
    return refused


def _foreign(here: Cluster, there: Cluster) -> Stage:
    """Return the stage of a server of the other cluster that has a file of this one."""
    stage = replace(there.stages[0], folder=there.stages[0].folder / "foreign")
    _back_up(here.stages[0], stage)
    return stage


def _stops(here: Cluster, name: str, sentence: str) -> bool:
    """Whether a server stops, and says why, at an entry that is forged."""
    server, node = here.start(0), here.etcd.wait_for_leader()
    if sentence == TWICE:
        gateway.forge_number(node, name)
    else:
        gateway.forge_claim(node, name, read_position(here.files[0]))
    ended = until(lambda: server.process.poll() is not None, STOP_S)
    return ended and server.wait() == 1 and any(sentence in line for line in server.said)


def _is_refused(stage: Stage, sentence: str) -> bool:
    try:
        with stage.server():
            return False
    except NotStarted as refusal:
        if sentence not in str(refusal):
            raise Broken(f"{sentence!r} was expected, but {refusal}") from refusal
        return True


def _back_up(source: Stage, target: Stage) -> None:
    target.data.mkdir(parents=True)
    source.run("backup", str(target.db), "--db", str(source.db))


def post(server: ServerProcess, record: PostRecord, name: str, number: int) -> None:
    """Post so many tweets, many at once. Raises Broken for one that is not stored."""
    with PlainCaller(server.port) as caller:
        for start in range(0, number, IN_FLIGHT):
            texts = [f"{name}.{one} #join" for one in range(start, min(start + IN_FLIGHT, number))]
            began = time.monotonic()
            caller.sock.sendall(b"".join(frame("u", text) for text in texts))
            for text in texts:
                kind, data = caller.answer()
                if kind != "ok":
                    raise Broken(f"{text!r} is not stored: {data}")
                record.stored.append(StoredPost(name, text, data["id"], began, time.monotonic(), 0))
