"""Three servers that share a log in three nodes of etcd, and what may happen to any of them.

visitors    clients and followers that go from server to server
comparison  the files of the servers against each other, and against the answers of servers
at_work     a cluster with its clients
faults      nodes and servers are killed or paused, a majority is away, followers move
joining     servers join, and files are refused; gateway has what no server asks of etcd
keys        a key at all servers at once
partition   a machine is cut off; network has the machines
powercut    the power fails for all; node_disk is what a node of etcd has on its disk then
model       the model test at length
"""

from __future__ import annotations

from collections.abc import Callable

from proofs.cluster import faults, joining, keys, model, partition, powercut
from proofs.figure import Result
from proofs.stage import Stage

PROOFS: dict[str, Callable[[Stage, float, int], Result]] = {
    "cluster-kill9": faults.prove_kills,
    "cluster-pause": faults.prove_pauses,
    "cluster-quorum": faults.prove_quorum,
    "cluster-partition": partition.prove_partitions,
    "cluster-powercut": powercut.prove_power_cuts,
    "cluster-join": joining.prove_joins,
    "cluster-key": keys.prove_keys,
    "cluster-move": faults.prove_moves,
    "cluster-model": model.prove_model,
}
"""Each by its name."""
