"""Nodes of etcd on this machine, as processes that keep all they have in one folder: for trying a cluster out."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ttweet.cluster.address import ClusterAddress, Node
from ttweet.cluster.messages import STATUS, MalformedAnswerError, StatusResponse, decode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PROGRAM = "etcd"
OPTIONS = ("--snapshot-count", "5000", "--pre-vote")
"""As in docs/cluster.md. Without `--pre-vote`, a node that lags or returns starts the elections of the others over."""
INSTALL = "apt install etcd-server"
START_S = 20.0  # until there is a leader; 2 s on a quiet machine
STOP_S = 5.0  # for a node to end in order; it takes 0.1 s
POLL_S = 0.05  # between two checks for a leader
FIRST_PORT, PORTS = 10_000, 20_000  # of the nodes: below those that systems give to outgoing connections

_LOCAL = "127.0.0.1"


class MissingError(Exception):
    """There is no etcd here. The text has the command that installs it."""

    def __init__(self) -> None:
        super().__init__(f"{PROGRAM} is not installed; on Debian and Ubuntu: {INSTALL}")


class NotStartedError(Exception):
    """The nodes do not start. The text has the last line of one of them."""


@dataclass
class EtcdNode:
    """A node, running or not. Its data survives the process."""

    name: str
    client: Node
    command: list[str]
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; see `wait_for_leader`."""
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  # the program is one on PATH
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended by itself."""
        return self.process is not None and self.process.poll() is not None

    @property
    def pid(self) -> int:
        """The id of the process."""
        assert self.process is not None
        return self.process.pid

    def kill(self) -> None:
        """End the process at once, also one that is paused."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """End the process in order, or at once after a while."""
        if self.process is not None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_S)
            self.kill()

    def pause(self) -> None:
        """Have the process stand still. Its connections stay open."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        os.waitpid(self.process.pid, os.WUNTRACED)  # on a busy machine it answers for a while yet

    def resume(self) -> None:
        """Have the process continue."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def status(self) -> StatusResponse | None:
        """Ask the node for its state; None without an answer."""
        request = urllib.request.Request(f"http://{self.client}{STATUS}", b"{}")  # HTTP
        try:
            with urllib.request.urlopen(request, timeout=1.0) as answer:  # noqa: S310
                return decode(answer.read(), StatusResponse)
        except (OSError, MalformedAnswerError):
            return None


@dataclass
class LocalEtcd:
    """Nodes that make one etcd."""

    nodes: list[EtcdNode]

    def address(self, name: str) -> ClusterAddress:
        """Return the address of a cluster of this name."""
        return ClusterAddress(tuple(node.client for node in self.nodes), name)

    def leader(self) -> EtcdNode | None:
        """Return the node that leads; None in an election."""
        for node in self.nodes:
            status = node.status() if node.process else None
            if status is not None and status.leader:
                return next((each for each in self.nodes if _leads(each, status.leader)), None)
        return None

    def wait_for_leader(self) -> EtcdNode:
        """Wait for the end of an election. Raises NotStartedError."""
        until = time.monotonic() + START_S
        while time.monotonic() < until and not any(node.has_ended for node in self.nodes):
            if (leader := self.leader()) is not None:
                return leader
            time.sleep(POLL_S)
        raise NotStartedError(f"etcd does not start: {_last_line(self.nodes)}")


def is_installed() -> bool:
    """Return whether etcd can be started."""
    return shutil.which(PROGRAM) is not None


@contextmanager
def running(folder: Path, count: int, *options: str) -> Iterator[LocalEtcd]:
    """Run so many nodes until the context is left. Raises MissingError and NotStartedError."""
    if not is_installed():
        raise MissingError
    etcd = LocalEtcd(_nodes(folder, count, options))
    with ExitStack() as processes:
        for node in etcd.nodes:
            node.start()
            processes.callback(node.kill)
        etcd.wait_for_leader()
        yield etcd


def _nodes(folder: Path, count: int, options: Sequence[str]) -> list[EtcdNode]:
    ports = free_ports(2 * count)
    names = [f"n{number}" for number in range(1, count + 1)]
    peers = [f"http://{_LOCAL}:{port}" for port in ports[count:]]
    members = ",".join(f"{name}={peer}" for name, peer in zip(names, peers, strict=True))
    return [
        EtcdNode(name, Node(_LOCAL, port), [*_command(folder, name, port, peer, members), *options], folder)
        for name, port, peer in zip(names, ports, peers, strict=False)
    ]


def _command(folder: Path, name: str, port: int, peer: str, members: str) -> list[str]:
    client = f"http://{_LOCAL}:{port}"
    options = {
        "--name": name,
        "--data-dir": str(folder / name),
        "--listen-client-urls": client,
        "--advertise-client-urls": client,
        "--listen-peer-urls": peer,
        "--initial-advertise-peer-urls": peer,
        "--initial-cluster": members,
        "--initial-cluster-token": str(folder),
    }
    return [PROGRAM, *OPTIONS, *[word for option in options.items() for word in option]]


def free_ports(count: int) -> list[int]:
    """Return ports without a listener. Another program may take one before etcd does."""
    with ExitStack() as held:
        ports = set[int]()
        while len(ports) < count:
            port = FIRST_PORT + secrets.randbelow(PORTS)
            try:
                held.enter_context(socket.create_server((_LOCAL, port)))
            except OSError as exc:
                if exc.errno != errno.EADDRINUSE:
                    raise
            else:
                ports.add(port)
        return [*ports]


def _leads(node: EtcdNode, leader: int) -> bool:
    status = node.status() if node.process else None
    return status is not None and status.header.member_id == leader


def _last_line(nodes: Sequence[EtcdNode]) -> str:
    for node in nodes:
        lines = (node.folder / f"{node.name}.log").read_text("utf-8", "replace").splitlines()
        if lines:
            return lines[-1][-200:]
    return "it says nothing"
