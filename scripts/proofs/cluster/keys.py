"""A key comes to all servers at the same moment, and again after answers that were lost: it has one tweet."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial

from proofs.caller import PlainCaller
from proofs.cluster.at_work import SERVERS, Cluster, member, nodes
from proofs.cluster.visitors import PAUSE_S, StoredPost
from proofs.figure import Result
from proofs.stage import Stage
from ttweet.cluster.local_etcd import EtcdNode

ROUNDS = 1_000  # at scale 1
FAULTS = 4  # at scale 1: no majority for AWAY_S, so that posts get no answer
AWAY_S = 4.5  # longer than a server waits for a decision


def prove_keys(stage: Stage, scale: float, seed: int) -> Result:
    """Post each text with its key at all servers at once; some posters go away and ask the next server."""
    rounds = max(20, int(ROUNDS * scale))
    with nodes(stage, scale) as etcd, ExitStack() as processes:
        here = Cluster([member(stage, etcd, number) for number in range(SERVERS)], etcd, processes)
        here.start_all()
        retries = _post_all(here, rounds, int(FAULTS * scale), random.Random(seed))
        return here.finish(f"keys={rounds} retries={retries}", passed=len(here.record.stored) == rounds * SERVERS)


def _post_all(here: Cluster, rounds: int, faults: int, chance: random.Random) -> int:
    """Return how often a poster tried again."""
    retries = 0
    struck = set(chance.sample(range(rounds), faults))
    with ThreadPoolExecutor(SERVERS) as threads:
        for number in range(rounds):
            text, together = f"key {number} #proof", threading.Barrier(SERVERS)
            hasty = [chance.random() < 0.2 for _ in range(SERVERS)]
            with _majority_away(here, is_away=number in struck):
                retries += sum(threads.map(partial(_post, here, text, together), range(SERVERS), hasty))
    return retries


def _post(here: Cluster, text: str, together: threading.Barrier, number: int, hasty: bool) -> int:
    """Post at the server of this number and then at the next ones until it is stored; return how many were tried.

    A hasty poster does not wait for the first answer.
    """
    together.wait()
    began = time.monotonic()
    for attempt in range(10_000):
        server = (number + attempt) % SERVERS
        with PlainCaller(here.servers[server].port) as caller:
            caller.send("u", {"text": text, "key": text})
            if hasty and not attempt:
                continue
            kind, data = caller.answer()
        if kind == "ok":
            here.record.stored.append(StoredPost(f"k{number}", text, data["id"], began, time.monotonic(), server))
            return attempt
        time.sleep(PAUSE_S)
    return 0


@contextmanager
def _majority_away(here: Cluster, *, is_away: bool) -> Iterator[None]:
    """Pause two nodes for a while, if they are to be away."""
    paused = here.etcd.nodes[:2] if is_away else []
    for node in paused:
        node.pause()
    back = threading.Timer(AWAY_S, _resume, [paused])
    if paused:
        back.start()
    try:
        yield
    finally:
        if paused:
            back.join()


def _resume(paused: list[EtcdNode]) -> None:
    for node in paused:
        node.resume()
