"""Properties of addresses: their network, and whether they are local. Knows no sockets."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_REMEMBERED = 1_024  # addresses; to take one apart costs a tenth of a connection


@lru_cache(_REMEMBERED)
def network_of(host: str) -> str:
    """Return the network of one owner: an IPv4 address, or an IPv6 network of 64 bits.

    Within the 64 bits that a household or a server gets (RFC 6177) addresses can be made up freely.
    """
    address = _address(host)
    return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) else str(address or host)


@lru_cache(_REMEMBERED)
def is_local(host: str) -> bool:
    """Whether it is an address of this machine's loopback. No name is one, whatever it looks like: look it up first."""
    address = _address(host)
    return address is not None and address.is_loopback


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address; an IPv4 one that was met on an IPv6 socket as what it is. None for what is no address."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
