"""A cluster at work: nodes of etcd, servers that share them, and clients that go from server to server."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from server_process import Broken, ServerProcess

from proofs.cluster.comparison import compare, read_position
from proofs.cluster.visitors import LastPoster, PostRecord, RetryingPoster
from proofs.figure import Result
from proofs.findings import Kind
from proofs.stage import Skipped, Stage, until
from ttweet.cluster import local_etcd
from ttweet.cluster.local_etcd import LocalEtcd

SERVERS = 3
CLIENTS = 12
LONG_S = 60.0  # of a proof, at scale 1
LONGEST_GAP_S = 5.0  # without any acknowledgement, while two of three nodes are there
CATCH_UP_S = 30.0  # for all servers to have the same tweets in the end
SHORT_SCALE = 0.1  # below it a proof is short: etcd elects a leader soon, and faults do not last
SOON = ("--heartbeat-interval", "50", "--election-timeout", "500")  # ms: half of what etcd takes by itself
KINDS: tuple[Kind, ...] = ("lost", "dup", "order", "differ")


@dataclass
class Cluster:
    """The nodes, the servers with their stages, and the clients. `enter` is called before a connection with one."""

    stages: list[Stage]
    etcd: LocalEtcd
    processes: ExitStack
    enter: Callable[[int], None] = lambda _: None
    record: PostRecord = field(default_factory=PostRecord)
    servers: list[ServerProcess] = field(default_factory=list)
    clients: list[RetryingPoster] = field(default_factory=list)

    def start(self, number: int, port: int | None = None) -> ServerProcess:
        """Start a server, with the file that it has."""
        port = local_etcd.free_ports(1)[0] if port is None else port  # no other program takes it after a kill
        return self.processes.enter_context(self.stages[number].server_at(port))

    def start_all(self, ports: Sequence[int | None] = (None,) * SERVERS) -> None:
        """Start all servers beside each other."""
        with ThreadPoolExecutor(SERVERS) as threads:
            self.servers[:] = threads.map(self.start, range(SERVERS), ports)

    def restart(self, number: int) -> None:
        """Let a server die, and start it again where its clients find it."""
        old = self.servers[number]
        old.kill()
        self.servers[number] = self.start(number, old.port)

    def let_post(self) -> None:
        """Let clients post until `stop_clients`."""
        self.clients += [
            RetryingPoster(f"c{number}", self.servers, number, self.record, self.enter) for number in range(CLIENTS)
        ]
        for client in self.clients:
            client.start()

    def stop_clients(self) -> None:
        """Let the clients end."""
        for client in self.clients:
            client.stop()
        for client in self.clients:
            client.join()

    def wait(self, seconds: float) -> None:
        """Let the clients work for so long, and until something more is acknowledged."""
        acknowledged = len(self.record.stored)
        time.sleep(seconds)
        until(lambda: len(self.record.stored) > acknowledged)

    @property
    def files(self) -> list[Path]:
        """The databases of the servers."""
        return [stage.db for stage in self.stages]

    def finish(self, beside: str, *, passed: bool, kinds: Sequence[Kind] = KINDS) -> Result:
        """Let the clients end, stop the servers when all have the whole log, and compare their files.

        Raises Broken for a server that has ended by itself.
        """
        self.stop_clients()
        self._post_last()
        until(lambda: len({read_position(db) for db in self.files}) == 1, CATCH_UP_S)
        for server in self.servers:
            server.process.send_signal(signal.SIGTERM)
        for server in self.servers:
            server.wait()
        return Result(compare(self.record, self.files), tuple(kinds), self.record, beside, passed=passed)

    def _post_last(self) -> None:
        for server in self.servers:
            if server.process.poll() is not None:
                raise Broken(f"a server ended with {server.wait()}: {''.join([*server.said][-3:])}")
        last = [
            LastPoster(server, self.record, partial(self.enter, number)) for number, server in enumerate(self.servers)
        ]
        for poster in last:
            poster.start()
        for poster in last:
            poster.join(CATCH_UP_S)
            poster.stop()


def member(stage: Stage, etcd: LocalEtcd, number: int, name: str = "proof") -> Stage:
    """Return the stage of a server of this cluster."""
    options = (*stage.options, "--cluster", str(etcd.address(name)))
    return replace(stage, folder=stage.folder / f"s{number}", options=options)


@contextmanager
def nodes(stage: Stage, scale: float) -> Iterator[LocalEtcd]:
    """Three nodes of etcd until the block ends. Raises Skipped without etcd."""
    if not local_etcd.is_installed():
        raise Skipped(f"etcd is not installed; {local_etcd.INSTALL}")
    stage.folder.mkdir(parents=True, exist_ok=True)
    with local_etcd.running(stage.folder, 3, *(SOON if scale < SHORT_SCALE else ())) as etcd:
        yield etcd


@contextmanager
def at_work(here: Cluster) -> Iterator[Cluster]:
    """Start the servers of a cluster, and let clients post until the block ends."""
    here.start_all()
    here.let_post()
    try:
        until(lambda: len(here.record.stored) > CLIENTS)
        yield here
    finally:
        here.stop_clients()


@contextmanager
def cluster(stage: Stage, scale: float) -> Iterator[Cluster]:
    """A cluster at work until the block ends. Raises Skipped without etcd."""
    with nodes(stage, scale) as etcd, ExitStack() as processes:
        stages = [member(stage, etcd, number) for number in range(SERVERS)]
        with at_work(Cluster(stages, etcd, processes)) as here:
            yield here
