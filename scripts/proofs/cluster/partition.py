"""A machine with a node and a server is cut off from the two others, in both directions or in one."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from proofs.cluster.at_work import LONG_S, LONGEST_GAP_S, SERVERS, SHORT_SCALE, SOON, Cluster, at_work, member
from proofs.cluster.network import Network, network
from proofs.figure import Result
from proofs.stage import Skipped, Stage
from ttweet.cluster import local_etcd
from ttweet.cluster.address import ETCD_PORT, Node
from ttweet.cluster.local_etcd import EtcdNode, LocalEtcd

PEER_PORT = 2380  # of etcd's nodes to each other; each machine has its own


def prove_partitions(stage: Stage, scale: float, seed: int) -> Result:
    """Cut each machine off: it acknowledges nothing, and the others continue."""
    chance = random.Random(seed)
    away_s = 6.0 if scale >= SHORT_SCALE else 1.0
    cuts = minority = 0
    with network(SERVERS) as made, _cluster(stage, made, scale) as here:
        began = time.monotonic()
        while time.monotonic() < began + LONG_S * scale or not cuts:
            leader = here.etcd.nodes.index(here.etcd.wait_for_leader())
            alone = leader if cuts % 2 == 0 else chance.randrange(SERVERS)
            minority += _cut_off(here, made, alone, _ways(alone, cuts % 3), away_s)
            cuts += 1
            here.wait(away_s / 4)
        gap = here.record.longest_gap_s(began)
        passed = not minority and gap <= LONGEST_GAP_S
        return here.finish(f"cuts={cuts} minority={minority} gap={gap:.1f}s", passed=passed)


def _ways(alone: int, turn: int) -> list[tuple[int, int]]:
    """Return the ways that are cut: both, those from the machine alone, or those to it."""
    others = [machine for machine in range(SERVERS) if machine != alone]
    ways = [(alone, other) for other in others], [(other, alone) for other in others]
    return [*ways[0], *ways[1]] if turn == 0 else ways[turn - 1]


def _cut_off(here: Cluster, made: Network, alone: int, ways: list[tuple[int, int]], seconds: float) -> int:
    """Cut a machine off for a while; return how many posts its server acknowledged that came after the cut."""
    with made.cut(*ways):
        cut_at = time.monotonic()
        here.wait(seconds)
        mended_at = time.monotonic()
    return sum(one.server == alone and one.began > cut_at and one.at < mended_at for one in here.record.stored)


@contextmanager
def _cluster(stage: Stage, made: Network, scale: float) -> Iterator[Cluster]:
    """A cluster at work, on each machine a node and a server. Raises Skipped without etcd."""
    if not local_etcd.is_installed():
        raise Skipped(f"etcd is not installed; {local_etcd.INSTALL}")
    options = SOON if scale < SHORT_SCALE else ()
    etcd = LocalEtcd([_node(made, number, stage.folder, options) for number in range(SERVERS)])
    with ExitStack() as processes:
        for node in etcd.nodes:
            node.start()
            processes.callback(node.kill)
        etcd.wait_for_leader()
        stages = [replace(member(stage, etcd, number), wrapper=made.wrapper(number)) for number in range(SERVERS)]
        with at_work(Cluster(stages, etcd, processes, made.enter)) as here:
            yield here


def _node(made: Network, number: int, folder: Path, options: tuple[str, ...]) -> EtcdNode:
    client, peer = (f"http://{made.host(number)}:{port}" for port in (ETCD_PORT, PEER_PORT))
    members = ",".join(f"n{one}=http://{made.host(one)}:{PEER_PORT}" for one in range(made.machines))
    names = ("--name", f"n{number}", "--data-dir", str(folder / f"n{number}"), "--initial-cluster", members)
    clients = ("--listen-client-urls", client, "--advertise-client-urls", client)
    peers = ("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer)
    command = [*made.wrapper(number), local_etcd.PROGRAM, *local_etcd.OPTIONS, *names, *clients, *peers, *options]
    return EtcdNode(f"n{number}", Node(made.host(number), ETCD_PORT), command, folder)
