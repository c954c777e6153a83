"""The interface of systemd for services: it passes sockets that it has opened, and receives messages about the state.

Sources: sd_listen_fds(3), sd_notify(3).
"""

import os
import socket
from contextlib import suppress

from ttweet.model.errors import OpenError
from ttweet.server.net.listeners import prepare

FIRST_DESCRIPTOR = 3  # of the sockets that are passed; sd_listen_fds(3)
READY = "READY=1"
STOPPING = "STOPPING=1"


def passed_sockets() -> list[socket.socket]:
    """Return the sockets that systemd passes to this process. Raises OpenError for one that is no TCP listener."""
    count = os.environ.get("LISTEN_FDS", "")
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or not count.isdecimal():
        return []
    return [_listener(FIRST_DESCRIPTOR + number) for number in range(int(count))]


def notify(state: str) -> None:
    """Send READY or STOPPING, without waiting. Does nothing where systemd does not expect it."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if path:
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
            sender.sendto(state.encode(), f"\0{path[1:]}" if path.startswith("@") else path)


def _listener(descriptor: int) -> socket.socket:
    listener = socket.socket(fileno=descriptor)
    listens = listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    if listener.family not in (socket.AF_INET, socket.AF_INET6) or listener.type != socket.SOCK_STREAM or not listens:
        raise OpenError(
            "sockets",
            f"invalid socket from systemd: descriptor {descriptor} does not listen for TCP",
            "use ListenStream=127.0.0.1:PORT in the socket unit",
        )
    listener.set_inheritable(False)
    prepare(listener)
    return listener
