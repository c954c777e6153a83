"""The edges of a server and where each listens: the one place that names the protocols that are spoken."""

import socket
from collections.abc import Callable
from contextlib import ExitStack
from typing import NamedTuple, Protocol

import trio

from ttweet.broker.session import Host
from ttweet.server.config import Config, EdgeSettings
from ttweet.server.net.admission import Admission
from ttweet.server.net.listeners import Address, listen_at
from ttweet.server.tcp.edge import tcp_edge


class Edge(Protocol):
    """A way in for clients, as a server runs it."""

    async def run(self) -> None:
        """Look after its sockets, until cancelled."""
        ...

    async def accept(self, listener: socket.socket, nursery: trio.Nursery) -> None:
        """Give each client that comes a task in the nursery, until cancelled."""
        ...


MakeEdge = Callable[[Host, Admission, EdgeSettings], Edge]


EDGES: list[tuple[MakeEdge, Callable[[Config], int | None]]] = [(tcp_edge, lambda config: config.port)]
"""What makes each edge, and its port by the config, None for an edge that is not wanted."""


class Entrance(NamedTuple):
    """An edge that is to be made, and the sockets that listen for its clients."""

    make: MakeEdge
    listeners: list[socket.socket]


def listen(config: Config, addresses: list[Address]) -> list[Entrance]:
    """Listen for the clients of every edge. Raises ListenError; then none of the sockets is left open."""
    wanted = [(make, port) for make, port_of in EDGES if (port := port_of(config)) is not None]
    entrances: list[Entrance] = []
    with ExitStack() as undo:
        for make, port in wanted:
            entrances.append(Entrance(make, listen_at(addresses, port)))
            for listener in entrances[-1].listeners:
                undo.enter_context(listener)
        undo.pop_all()
    return entrances
