"""Listeners: every address of the hosts that a server is given, of both families, at one port."""

import errno
import socket
from contextlib import ExitStack
from ipaddress import IPv6Address, ip_address
from typing import Any, NamedTuple

from ttweet import system
from ttweet.descriptors import RAISE_LIMIT

BACKLOG = 1024  # connections that the kernel holds until they are accepted; net.core.somaxconn may lower it
DEAD_LINK_S = 30.0  # for sent data without a confirmation, so that a dead link frees its name; Linux waits 15 min
PORT_TRIES = 16  # for a port that is free at every address; a busy machine uses one in four
ANY = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}  # noqa: S104  # whether others may reach it is decided elsewhere
_ABSENT = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)  # this machine has no such family, or no such address

SocketAddress = tuple[Any, ...]
"""The arguments of `bind`: host and port, with IPv6 flow and scope as well."""


class ListenError(OSError):
    """A server cannot listen. `strerror` says why and what would work, `host` which host it was."""

    def __init__(self, host: str, port: int, cause: OSError) -> None:
        super().__init__(cause.errno, why_not_listening(host, port, cause))
        self.host = host


class Address(NamedTuple):
    """An address to listen on, the host that was given for it, and whether that host has no other address."""

    host: str
    family: socket.AddressFamily
    socket_address: SocketAddress
    only: bool

    @property
    def ip(self) -> str:
        """The address itself, without a port."""
        return str(self.socket_address[0])


def listen_at(addresses: list[Address], port: int) -> list[socket.socket]:
    """Sockets that listen on the addresses, at the same port, which 0 leaves to the kernel. Raises ListenError."""
    for _ in range(PORT_TRIES - 1):
        try:
            return _listen(addresses, port)
        except ListenError as exc:
            if port or exc.errno != errno.EADDRINUSE:
                raise
    return _listen(addresses, port)


def prepare(listener: socket.socket) -> None:
    """Set the options of a socket that listens.

    Accepted sockets inherit TCP_NODELAY, as an answer leaves in one write and must not wait, and DEAD_LINK_S, so that
    a dead link that is sent to, if only a ping, ends its connection.
    """
    listener.setblocking(False)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    system.drop_dead_links(listener, DEAD_LINK_S)


def resolve(hosts: tuple[str, ...], port: int) -> list[Address]:
    """Every address of the hosts once, without those that the wildcard address of their family includes.

    Two sockets would else want the same port. A server asks once: what it may do on its addresses and where it listens
    must not come from two answers. Raises ListenError.
    """
    found: dict[SocketAddress, Address] = {}
    for host in hosts:
        addresses = _addresses(host, port)
        for family, socket_address in addresses:
            found.setdefault(socket_address, Address(host, family, socket_address, only=len(addresses) == 1))
    any_of = {one.family for one in found.values() if _is_any(one)}
    return [one for one in found.values() if _is_any(one) or one.family not in any_of]


def why_not_listening(host: str, port: int, exc: OSError) -> str:
    """Return the sentence about an error of `listen_at`, with what would work."""
    if isinstance(exc, socket.gaierror):
        return f"invalid host {host!a}: use an address of this machine, such as 127.0.0.1"
    match exc.errno:
        case errno.EADDRINUSE:
            return f"port {port} of {host} is in use; choose another, or 0 for any free port"
        case errno.EADDRNOTAVAIL:
            return f"{host} is not an address of this machine; use 127.0.0.1, or :: for all addresses"
        case errno.EAFNOSUPPORT:
            return f"cannot listen on {host}: this machine has no IPv6; use 0.0.0.0 for all IPv4 addresses"
        case errno.EMFILE | errno.ENFILE:
            return f"cannot listen on {host}:{port}: too many open files; {RAISE_LIMIT}"
        case errno.EACCES:
            return f"no permission to listen on port {port}; choose a port above 1023"
    reason = (exc.strerror or str(exc)).partition(" (while")[0]  # Python's own words about the attempt
    return f"cannot listen on {host}:{port}: {reason}; choose another address or port"


def _is_any(address: Address) -> bool:
    return address.ip == ANY[address.family]


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, SocketAddress]]:
    """Return the addresses of one host.

    The wildcard of IPv6 stands for both families, an IPv4-mapped address for IPv4.
    """
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except UnicodeError as exc:
        raise ListenError(host, port, socket.gaierror(socket.EAI_NONAME, "no name of a host")) from exc
    except OSError as exc:
        raise ListenError(host, port, exc) from exc
    addresses: list[tuple[socket.AddressFamily, SocketAddress]] = []
    for family, _, _, _, socket_address in found:
        ip = ip_address(str(socket_address[0]).partition("%")[0])
        mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
        if str(ip) == ANY[socket.AF_INET6]:
            addresses.append((socket.AF_INET, (ANY[socket.AF_INET], 0)))
        addresses.append((family, socket_address) if mapped is None else (socket.AF_INET, (str(mapped), 0)))
    return list(dict.fromkeys(addresses))


def _listen(addresses: list[Address], port: int) -> list[socket.socket]:
    """Listen on all of them, or on none. A host may have an address that this machine does not, if it has others."""
    listeners: list[socket.socket] = []
    absent: list[ListenError] = []
    with ExitStack() as undo:
        for address in addresses:
            chosen = listeners[0].getsockname()[1] if listeners else port
            try:
                listeners.append(undo.enter_context(_listener(address, chosen)))
            except OSError as exc:
                error = ListenError(address.host, chosen, exc)
                if address.only or exc.errno not in _ABSENT:
                    raise error from exc
                absent.append(error)
        if not listeners:
            raise absent[0]
        undo.pop_all()
    return listeners


def _listener(address: Address, port: int) -> socket.socket:
    """Return a socket that listens at one address, of its own family alone. Raises OSError."""
    host, _, *rest = address.socket_address
    listener = socket.create_server((host, port, *rest), family=address.family, backlog=BACKLOG)
    prepare(listener)
    return listener
