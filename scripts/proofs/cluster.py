"""Three servers, three nodes of etcd and clients at work, while nodes and servers are killed, paused or cut off."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from unicodedata import normalize

from server_process import ServerProcess

from proofs.caller import PlainCaller
from proofs.figure import Verdict
from proofs.stage import Skipped, Stage, until
from ttweet.client.sync_client import Client
from ttweet.cluster import local_etcd
from ttweet.cluster.local_etcd import EtcdNode, LocalEtcd

SERVERS = 3
CLIENTS = 12
FOLLOWERS = 3
END = "the end"
"""The text of the last tweet that followers wait for."""
LONG_S = 60.0  # of a proof, at scale 1
LONGEST_GAP_S = 5.0  # without any acknowledgement, while two of three nodes are there
ANSWERED_S = 5.0  # for a post without a majority
FIRST_ACK_S = 3.0  # after there is a majority again
CATCH_UP_S = 30.0  # for all servers to have the same tweets in the end

Row = tuple[object, ...]


@dataclass
class Acknowledged:
    """The posts of one client, in their order, and what became of them."""

    stored: list[tuple[int, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    slowest_s: float = 0.0


@dataclass
class Cluster:
    """The nodes, the servers, and the clients that go from server to server."""

    stage: Stage
    etcd: LocalEtcd
    processes: ExitStack
    servers: list[ServerProcess] = field(default_factory=list)
    clients: list[RetryingPoster] = field(default_factory=list)
    acknowledged_at: list[float] = field(default_factory=list)

    def start(self, number: int, port: int = 0) -> ServerProcess:
        """Start a server, with the file that it had."""
        return self.processes.enter_context(self.stage_of(number).server_at(port))

    def stage_of(self, number: int) -> Stage:
        """Return where a server has its file."""
        url = ("--cluster", str(self.etcd.address("proof")))
        return replace(self.stage, folder=self.stage.folder / f"s{number}", options=url)

    def restart(self, number: int) -> None:
        """Let a server die, and start it again where its clients find it."""
        old = self.servers[number]
        old.kill()
        self.servers[number] = self.start(number, old.port)

    def finish(self) -> list[list[Row]]:
        """Let the clients end, stop the servers when they have the same tweets, and return the rows of each file."""
        for client in self.clients:
            client.stop()
        until(lambda: len({str(_rows(self.stage_of(n).db)) for n in range(SERVERS)}) == 1, CATCH_UP_S)
        for server in self.servers:
            server.stop()
        return [_rows(self.stage_of(number).db) for number in range(SERVERS)]

    def longest_gap_s(self, since: float) -> float:
        """Return the longest time without an acknowledgement, up to now."""
        times = [since, *(at for at in self.acknowledged_at if at > since), time.monotonic()]
        return max(later - earlier for earlier, later in pairwise(times))


class RetryingPoster(threading.Thread):
    """Posts one text after another with a key, each until it is stored, at the next server after a fault."""

    def __init__(self, name: str, cluster: Cluster, number: int) -> None:
        super().__init__(name=name, daemon=True)
        self._cluster = cluster
        self._turn = number
        self._stopping = threading.Event()
        self.seen = Acknowledged()

    def run(self) -> None:
        """Post until stopped."""
        number = 0
        while not self._stopping.is_set():
            number += 1
            text = f"{self.name}.{number} #proof"
            while not self._post(text):
                self._turn += 1
                if self._stopping.wait(0.05):
                    return  # what has no answer may be stored or not

    def stop(self) -> None:
        """End after the post on its way."""
        self._stopping.set()
        self.join()

    def _post(self, text: str) -> bool:
        """Whether the post has an answer for good."""
        began = time.monotonic()
        try:
            with PlainCaller(self._cluster.servers[self._turn % SERVERS].port) as caller:
                while not self._stopping.is_set():
                    kind, data = caller.request("u", {"text": text, "key": text})
                    if kind != "ok":
                        return self._note_refusal(text, data["code"], began)
                    self._cluster.acknowledged_at.append(time.monotonic())
                    self.seen.stored.append((data["id"], text))
                    return True
        except OSError:
            pass
        return False

    def _note_refusal(self, text: str, code: str, began: float) -> bool:
        self.seen.slowest_s = max(self.seen.slowest_s, time.monotonic() - began)
        if code == "no_quorum":
            self.seen.refused.append(text)
        return False


class MovingFollower(threading.Thread):
    """Follows all tweets up to the last one, at the first of its servers that answers."""

    def __init__(self, name: str, cluster: Cluster, turn: int) -> None:
        super().__init__(name=name, daemon=True)
        ports = [server.port for server in cluster.servers]
        self._servers = ",".join([f"127.0.0.1:{ports[(turn + n) % SERVERS]}" for n in range(SERVERS)])
        self.ids: list[int] = []

    def run(self) -> None:
        """Follow until the last tweet comes."""
        with Client(self._servers) as client:
            for tweet in client.follow(after=0):
                self.ids.append(tweet.id)
                if tweet.text == END:
                    return


@contextmanager
def cluster(stage: Stage) -> Iterator[Cluster]:
    """A cluster at work until the block ends. Raises Skipped without etcd."""
    if not local_etcd.is_installed():
        raise Skipped(f"etcd is not installed; {local_etcd.INSTALL}")
    with local_etcd.running(stage.folder, 3) as etcd, ExitStack() as processes:
        here = Cluster(stage, etcd, processes)
        here.servers = [here.start(number) for number in range(SERVERS)]
        here.clients = [RetryingPoster(f"c{number}", here, number) for number in range(CLIENTS)]
        for client in here.clients:
            client.start()
        until(lambda: len(here.acknowledged_at) > CLIENTS)
        try:
            yield here
        finally:
            for client in here.clients:
                client.stop()


def prove_kills(stage: Stage, scale: float, seed: int) -> Verdict:
    """Kill etcd's leader, a follower and a server in turn, and start each again."""
    chance = random.Random(seed)
    kills = 0
    with cluster(stage) as here:
        began = time.monotonic()
        while time.monotonic() < began + LONG_S * scale or not kills:
            _kill(here, chance, kills)
            kills += 1
            _wait(here, 1.0)
        here.etcd.wait_for_leader()
        gap = here.longest_gap_s(began)
        return _verdict(here, f"kills={kills} gap={gap:.1f}s", passed=gap <= LONGEST_GAP_S)


def _kill(here: Cluster, chance: random.Random, turn: int) -> None:
    if turn % 3 == 2:
        here.restart(chance.randrange(SERVERS))
        return
    leader = here.etcd.wait_for_leader()
    node = leader if turn % 3 == 0 else chance.choice([one for one in here.etcd.nodes if one is not leader])
    node.kill()
    _wait(here, 1.0)
    node.start()


def prove_pauses(stage: Stage, scale: float, seed: int) -> Verdict:
    """Stop etcd's leader, or another node, for 3 and for 12 s, with all connections open, and let it wake up."""
    chance = random.Random(seed)
    pauses = 0
    with cluster(stage) as here:
        began = time.monotonic()
        while time.monotonic() < began + LONG_S * scale or not pauses:
            leader = here.etcd.wait_for_leader()
            node = chance.choice([leader, *here.etcd.nodes])
            node.pause()
            time.sleep(12.0 if pauses % 2 and scale >= 1 else 3.0)
            node.resume()
            pauses += 1
            _wait(here, 1.0)
        here.etcd.wait_for_leader()
        gap = here.longest_gap_s(began)
        return _verdict(here, f"pauses={pauses} gap={gap:.1f}s", passed=gap <= LONGEST_GAP_S)


def prove_quorum(stage: Stage, scale: float, seed: int) -> Verdict:
    """Kill two nodes of three for 10 s: posts are refused in time, and queries have answers."""
    chance = random.Random(seed)
    losses, firsts, reads = 0, [0.0], 0
    with cluster(stage) as here:
        began = time.monotonic()
        while time.monotonic() < began + LONG_S * scale or not losses:
            nodes = chance.sample(here.etcd.nodes, 2)
            for node in nodes:
                node.kill()
            reads += _read_for(here, 10.0 if scale >= 1 else 6.0)
            firsts.append(_first_acknowledgement_s(here, nodes))
            losses += 1
            _wait(here, 1.0)
        slowest = max(client.seen.slowest_s for client in here.clients)
        passed = slowest <= ANSWERED_S and max(firsts) <= FIRST_ACK_S and reads > 0
        beside = f"losses={losses} slowest={slowest:.1f}s first={max(firsts):.1f}s reads={reads}"
        return _verdict(here, beside, passed=passed)


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


def _first_acknowledgement_s(here: Cluster, nodes: list[EtcdNode]) -> float:
    """Start the nodes, and return how long after the election the first post was acknowledged."""
    for node in nodes:
        node.start()
    here.etcd.wait_for_leader()
    began, acknowledged = time.monotonic(), len(here.acknowledged_at)
    until(lambda: len(here.acknowledged_at) > acknowledged)
    return time.monotonic() - began


def prove_moves(stage: Stage, scale: float, seed: int) -> Verdict:
    """Kill servers in turn while followers go from server to server: they miss nothing and see nothing twice."""
    chance = random.Random(seed)
    kills = 0
    with cluster(stage) as here:
        followers = [MovingFollower(f"f{number}", here, number) for number in range(FOLLOWERS)]
        for follower in followers:
            follower.start()
        until(lambda: all(follower.ids for follower in followers))
        began = time.monotonic()
        while time.monotonic() < began + LONG_S * scale or not kills:
            here.restart(chance.randrange(SERVERS))
            kills += 1
            _wait(here, chance.uniform(0.2, 1.0))
        for client in here.clients:
            client.stop()
        with PlainCaller(here.servers[0].port) as caller:
            assert caller.ask("u", END) == "ok"
        for follower in followers:
            follower.join(CATCH_UP_S)
        stored = [row[0] for row in _rows(here.stage_of(0).db)]
        wrong = sum(follower.ids != stored for follower in followers)
        return _verdict(here, f"kills={kills} followers={FOLLOWERS} wrong={wrong}", passed=not wrong)


def _wait(here: Cluster, seconds: float) -> None:
    """Let the clients work, and have something acknowledged."""
    acknowledged = len(here.acknowledged_at)
    time.sleep(seconds)
    until(lambda: len(here.acknowledged_at) > acknowledged)


def _verdict(here: Cluster, beside: str, *, passed: bool) -> Verdict:
    """Compare the files with each other, and with the answers that the clients got."""
    files = here.finish()
    found = Counter(dict.fromkeys(("lost", "dup", "order", "differ"), 0))
    found["differ"] = sum(rows != files[0] for rows in files[1:])
    texts = Counter(str(row[3]) for row in files[0])
    found["dup"] = sum(number > 1 for number in texts.values())
    by_id = {row[0]: row[3] for row in files[0]}
    for client in here.clients:
        stored = client.seen.stored
        found["lost"] += sum(by_id.get(id_) != normalize("NFC", text) for id_, text in stored)
        found["order"] += sum(one >= other for (one, _), (other, _) in pairwise(stored))
    acked = len(here.acknowledged_at)
    figures = " ".join(f"{kind}={number}" for kind, number in found.items())
    ok = passed and not found.total() and acked > 0
    return Verdict(ok, f"{figures} {beside} acked={acked}", [])


def _rows(db: Path) -> list[Row]:
    with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT id, at, author, text, tags FROM tweets ORDER BY id").fetchall()


PROOFS: dict[str, Callable[[Stage, float, int], Verdict]] = {
    "cluster-kill9": prove_kills,
    "cluster-pause": prove_pauses,
    "cluster-quorum": prove_quorum,
    "cluster-move": prove_moves,
}
