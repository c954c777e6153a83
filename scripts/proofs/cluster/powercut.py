"""The power fails for all nodes and servers at once: what was not synced is dropped, kept in part or torn."""

from __future__ import annotations

import random
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from proofs.cluster.at_work import LONG_S, SERVERS, Cluster, at_work, member, nodes
from proofs.cluster.node_disk import NodeDisk
from proofs.disk import LOSSES, Disk, recorded, restore
from proofs.figure import Result
from proofs.powercut import take_note
from proofs.stage import Stage

MIN_CUTS = 10  # at scale 1
MAX_LIFE_S = 2.0  # between two cuts


@dataclass
class ServerDisk:
    """The folder of a server's database: what of it is durable."""

    stage: Stage
    trace: Path
    durable: dict[str, bytes] = field(default_factory=dict)

    def cut_power(self, chance: random.Random) -> None:
        """Make the folder what the disk holds after a power cut."""
        disk = Disk(self.durable)
        take_note(disk, self.trace, self.stage.data)
        self.durable = disk.after(chance.choice(LOSSES), chance)
        restore(self.stage.data, self.durable)


def prove_power_cuts(stage: Stage, scale: float, seed: int) -> Result:
    """Cut the power again and again. In the end, a server that begins with nothing has all from the log alone."""
    chance, cuts = random.Random(seed), 0
    with nodes(stage, scale) as etcd, ExitStack() as processes:
        disks = [NodeDisk(node) for node in etcd.nodes]
        etcd.wait_for_leader()
        files = [ServerDisk(*recorded(member(stage, etcd, number))) for number in range(SERVERS)]
        with at_work(Cluster([one.stage for one in files], etcd, processes)) as here:
            began = time.monotonic()
            while time.monotonic() < began + LONG_S * scale or cuts < MIN_CUTS * scale:
                here.wait(chance.uniform(0.2, MAX_LIFE_S))
                _cut_power(here, disks, files, chance)
                cuts += 1
            here.stages.append(member(stage, etcd, SERVERS))
            here.wait(0.2)
            here.servers.append(here.start(SERVERS))
            return here.finish(f"cuts={cuts}", passed=True)


def _cut_power(here: Cluster, disks: list[NodeDisk], servers: list[ServerDisk], chance: random.Random) -> None:
    """Cut the power of all, and start all again."""
    for process in [*(node.process for node in here.etcd.nodes), *(server.process for server in here.servers)]:
        if process is not None:
            process.kill()
    for disk in disks:
        disk.cut_power(chance)
    for server in here.servers:
        server.wait()
    for one in servers:
        one.cut_power(chance)
    for node in here.etcd.nodes:
        node.start()
    here.etcd.wait_for_leader()
    here.start_all([server.port for server in here.servers])
