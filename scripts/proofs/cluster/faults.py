"""Nodes of etcd and servers are killed or paused, two nodes are away, and followers change server."""

from __future__ import annotations

import random
import time

from proofs.caller import PlainCaller
from proofs.cluster.at_work import CATCH_UP_S, LONG_S, LONGEST_GAP_S, SERVERS, SHORT_SCALE, Cluster, cluster
from proofs.cluster.comparison import read_rows
from proofs.cluster.visitors import END, MovingFollower
from proofs.figure import Result
from proofs.stage import Stage, until
from ttweet.cluster.local_etcd import EtcdNode

ANSWERED_S = 5.0  # for a post without a majority
FIRST_ACK_S = 3.0  # after there is a majority again
FOLLOWERS = 3


def prove_kills(stage: Stage, scale: float, seed: int) -> Result:
    """Kill etcd's leader, another node and a server in turn, and start each again."""
    chance = random.Random(seed)
    down_s = 1.0 if scale >= SHORT_SCALE else 0.2
    kills = 0
    with cluster(stage, scale) as here:
        began = time.monotonic()
        while time.monotonic() < began + LONG_S * scale or kills < 3:
            _kill(here, chance, kills, down_s)
            kills += 1
            here.wait(down_s)
        here.etcd.wait_for_leader()
        gap = here.record.longest_gap_s(began)
        return here.finish(f"kills={kills} gap={gap:.1f}s", passed=gap <= LONGEST_GAP_S)


def _kill(here: Cluster, chance: random.Random, turn: int, down_s: float) -> None:
    if turn % 3 == 2:
        here.restart(chance.randrange(SERVERS))
        return
    leader = here.etcd.wait_for_leader()
    node = leader if turn % 3 == 0 else chance.choice([one for one in here.etcd.nodes if one is not leader])
    node.kill()
    here.wait(down_s)
    node.start()


def prove_pauses(stage: Stage, scale: float, seed: int) -> Result:
    """Stop etcd's leader, or another node, for 3 and for 12 s, with all connections open, and let it wake up."""
    chance = random.Random(seed)
    lengths = (3.0, 12.0) if scale >= SHORT_SCALE else (1.5, 1.5)
    pauses = 0
    with cluster(stage, scale) as here:
        began = time.monotonic()
        while time.monotonic() < began + LONG_S * scale or not pauses:
            leader = here.etcd.wait_for_leader()
            node = chance.choice([leader, *here.etcd.nodes])
            node.pause()
            time.sleep(lengths[pauses % 2])
            node.resume()
            pauses += 1
            here.wait(0.2)
        here.etcd.wait_for_leader()
        gap = here.record.longest_gap_s(began)
        return here.finish(f"pauses={pauses} gap={gap:.1f}s", passed=gap <= LONGEST_GAP_S)


def prove_quorum(stage: Stage, scale: float, seed: int) -> Result:
    """Kill two nodes of three for 10 s: posts are refused in time, and queries have answers."""
    chance = random.Random(seed)
    away_s = 10.0 if scale >= SHORT_SCALE else 1.5
    losses, firsts, reads = 0, [0.0], 0
    with cluster(stage, scale) as here:
        began = time.monotonic()
        while time.monotonic() < began + LONG_S * scale or not losses:
            lost = chance.sample(here.etcd.nodes, 2)
            for node in lost:
                node.kill()
            reads += _read_for(here, away_s)
            firsts.append(_first_acknowledgement_s(here, lost))
            losses += 1
            here.wait(0.2)
        slowest = here.record.slowest_s
        beside = f"losses={losses} refused={len(here.record.refused)} slowest={slowest:.1f}s first={max(firsts):.1f}s"
        passed = slowest <= ANSWERED_S and max(firsts) <= FIRST_ACK_S and reads > 0
        return here.finish(f"{beside} reads={reads}", passed=passed)


def _read_for(here: Cluster, seconds: float) -> int:
    """Ask each server for its last message meanwhile; return how often all of them answered. Raises OSError."""
    end, times = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        for server in here.servers:
            with PlainCaller(server.port) as caller:
                assert caller.ask("d") == "ok"
        times += 1
        time.sleep(0.1)
    return times


def _first_acknowledgement_s(here: Cluster, lost: list[EtcdNode]) -> float:
    """Start the nodes, and return how long after the election the first post was acknowledged."""
    for node in lost:
        node.start()
    here.etcd.wait_for_leader()
    began, acknowledged = time.monotonic(), len(here.record.stored)
    until(lambda: len(here.record.stored) > acknowledged)
    return time.monotonic() - began


def prove_moves(stage: Stage, scale: float, seed: int) -> Result:
    """Kill servers in turn while followers go from server to server: they miss nothing and see nothing twice."""
    chance = random.Random(seed)
    kills = 0
    with cluster(stage, scale) as here:
        followers = _follow(here)
        began = time.monotonic()
        while time.monotonic() < began + LONG_S * scale or not kills:
            here.restart(chance.randrange(SERVERS))
            kills += 1
            here.wait(chance.uniform(0.1, 1.0 if scale >= SHORT_SCALE else 0.2))
        here.stop_clients()
        with PlainCaller(here.servers[0].port) as caller:
            assert caller.ask("u", END) == "ok"
        for follower in followers:
            follower.join(CATCH_UP_S)
        stored = [row[0] for row in read_rows(here.files[0])]
        wrong = sum(follower.ids != stored for follower in followers)
        return here.finish(f"kills={kills} followers={FOLLOWERS} wrong={wrong}", passed=not wrong)


def _follow(here: Cluster) -> list[MovingFollower]:
    """Let followers begin, each at another server, and wait until they have something."""
    ports = [server.port for server in here.servers]
    followers = [MovingFollower(f"f{turn}", ports[turn:] + ports[:turn]) for turn in range(FOLLOWERS)]
    for follower in followers:
        follower.start()
    until(lambda: all(follower.ids for follower in followers))
    return followers
