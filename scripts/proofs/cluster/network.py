"""Machines of a cluster: network namespaces on one bridge, whose traffic is cut in one direction or in both.

Nothing outside of the namespaces is changed. A cut is a false hardware address: packets are sent and
do not arrive, as if a cable were loose. Both ends keep their connections.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from proofs.stage import Skipped

_CLONE_NEWNET = 0x40000000
_NOWHERE = "02:00:00:00:00:01"
_OWN = Path("/proc/thread-self/ns/net")


@dataclass(frozen=True, slots=True)
class Network:
    """The namespaces of so many machines, and of the hub, which reaches all."""

    name: str
    machines: int

    def wrapper(self, machine: int) -> tuple[str, ...]:
        """Return the command line that becomes a program on a machine."""
        return ("ip", "netns", "exec", self._space(machine))

    def enter(self, machine: int | str) -> None:
        """Make the sockets of this thread, and of those that it starts, from now on on a machine."""
        _enter(Path("/run/netns") / self._space(machine))

    def host(self, machine: int) -> str:
        """Return the address of a machine."""
        return f"10.77.0.{machine + 1}"

    @contextmanager
    def cut(self, *ways: tuple[int, int]) -> Iterator[None]:
        """Lose all packets from one machine to another, for each of the ways, in the block."""
        for source, target in ways:
            self._neighbour("replace", source, target, "lladdr", _NOWHERE, "nud", "permanent")
        try:
            yield
        finally:
            for source, target in ways:
                self._neighbour("del", source, target)

    def _neighbour(self, action: str, source: int, target: int, *what: str) -> None:
        _ip("-n", self._space(source), "neigh", action, self.host(target), *what, "dev", "eth0")

    def _space(self, machine: int | str) -> str:
        return f"{self.name}-{machine}"

    def make_hub(self) -> None:
        """Make the namespace of the bridge. Raises Skipped where the system does not let us."""
        hub = self._space("hub")
        _ip("-n", hub, "link", "add", "br0", "type", "bridge")
        _ip("-n", hub, "address", "add", "10.77.0.254/24", "dev", "br0")
        _ip("-n", hub, "link", "set", "br0", "up")
        _ip("-n", hub, "link", "set", "lo", "up")

    def make_machine(self, machine: int) -> None:
        """Connect a machine with the bridge. Raises Skipped where the system does not let us."""
        hub, space, port = self._space("hub"), self._space(machine), f"port{machine}"
        _ip("-n", hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", space)
        _ip("-n", hub, "link", "set", port, "master", "br0", "up")
        _ip("-n", space, "address", "add", f"{self.host(machine)}/24", "dev", "eth0")
        _ip("-n", space, "link", "set", "eth0", "up")
        _ip("-n", space, "link", "set", "lo", "up")


@contextmanager
def network(machines: int) -> Iterator[Network]:
    """Make the machines of a network; this thread works at its hub until the block ends. Raises Skipped."""
    made = Network(f"ttweet-prove-{os.getpid()}", machines)
    with ExitStack() as spaces:
        for machine in ("hub", *range(machines)):
            space = made.wrapper(machine)[-1]
            _ip("netns", "add", space)
            spaces.callback(_ip, "netns", "del", space)
        made.make_hub()
        for machine in range(machines):
            made.make_machine(machine)
        spaces.enter_context(_inside(made))
        yield made


@contextmanager
def _inside(made: Network) -> Iterator[None]:
    before = os.open(_OWN, os.O_RDONLY)
    made.enter("hub")
    try:
        yield
    finally:
        _set_namespace(before)
        os.close(before)


def _enter(space: Path) -> None:
    descriptor = os.open(space, os.O_RDONLY)
    try:
        _set_namespace(descriptor)
    finally:
        os.close(descriptor)


def _set_namespace(descriptor: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def _ip(*arguments: str) -> None:
    """Run `ip`. Raises Skipped with its first line."""
    try:
        done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    except FileNotFoundError as exc:
        raise Skipped("network namespaces need ip; apt install iproute2") from exc
    if done.returncode:
        raise Skipped(f"no network namespaces here: {done.stderr.strip().splitlines()[:1]}")
