"""The edges of a server and where each listens: the one place that names the protocols that are spoken."""

import socket
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import NamedTuple, Protocol

import trio

from ttweet.broker.session import Backend
from ttweet.model.errors import OpenError
from ttweet.server.config import Config, EdgeSettings
from ttweet.server.net.admission import Admission
from ttweet.server.net.listeners import Address, listen_at
from ttweet.server.tcp.protocol import tcp_edge


class Edge(Protocol):
    """A way in for clients, as a server runs it."""

    async def run(self) -> None:
        """Look after its sockets, until cancelled."""
        ...

    async def accept(self, listener: socket.socket, nursery: trio.Nursery) -> None:
        """Give each client that comes a task in the nursery, until cancelled."""
        ...


MakeEdge = Callable[[Backend, Admission, EdgeSettings], Edge]


def _http_edge(backend: Backend, admission: Admission, settings: EdgeSettings) -> Edge:
    """Return the edge of HTTP, which is loaded by servers that have one alone."""
    from ttweet.server.http.protocol import http_edge

    return http_edge(backend, admission, settings)


def _metrics_edge(backend: Backend, admission: Admission, settings: EdgeSettings) -> Edge:
    from ttweet.server.http.protocol import metrics_edge

    return metrics_edge(backend, admission, settings)


class EdgeKind(NamedTuple):
    """A kind of edge: its maker, its port by the config (None: not wanted), and the scheme of its URLs, if any."""

    make: MakeEdge
    port_of: Callable[[Config], int | None]
    scheme: str = ""


EDGES = [
    EdgeKind(tcp_edge, lambda config: config.port),
    EdgeKind(_http_edge, lambda config: config.http, "http"),
    EdgeKind(_metrics_edge, lambda config: config.metrics, "http"),
]
"""All edges that there are."""


class Entrance(NamedTuple):
    """An edge that is to be made, the sockets that listen for its clients, and the scheme of its URLs, if any."""

    make: MakeEdge
    listeners: list[socket.socket]
    scheme: str = ""


def listen(config: Config, addresses: list[Address], passed: Sequence[socket.socket] = ()) -> list[Entrance]:
    """Listen for the clients of every edge, on copies of the sockets that were passed, if any, else on the addresses.

    Raises ListenError; then none of the new sockets is left open.
    """
    entrances: list[Entrance] = []
    with ExitStack() as undo:
        for kind, port in _wanted(config):
            listeners = [one.dup() for one in passed if _port(one) == port] if passed else listen_at(addresses, port)
            entrances.append(Entrance(kind.make, listeners, kind.scheme))
            for listener in listeners:
                undo.enter_context(listener)
        undo.pop_all()
    return entrances


def check_ports(config: Config, passed: Iterable[socket.socket]) -> None:
    """Raise OpenError if the ports of the sockets that were passed are not those of the edges."""
    wanted = {port for _, port in _wanted(config)}
    given = {_port(one) for one in passed}
    for port in sorted(wanted - given):
        remedy = f"add ListenStream=127.0.0.1:{port} to the socket unit"
        raise OpenError("sockets", f"no socket from systemd for port {port}", remedy)
    for port in sorted(given - wanted):
        remedy = f"serve HTTP at port {port} too, or remove the port from the socket unit"
        raise OpenError("sockets", f"unexpected socket from systemd at port {port}", remedy)


def _wanted(config: Config) -> list[tuple[EdgeKind, int]]:
    return [(kind, port) for kind in EDGES if (port := kind.port_of(config)) is not None]


def _port(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])
