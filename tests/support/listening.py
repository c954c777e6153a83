"""Listeners as a server makes them, of hosts by name."""

import socket

from ttweet.server.net.listeners import listen_at, resolve


def listen(hosts: tuple[str, ...], port: int) -> list[socket.socket]:
    """Sockets that listen on every address of the hosts. Raises ListenError."""
    return listen_at(resolve(hosts, port), port)
