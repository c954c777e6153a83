"""The client behind a proxy: its address and whether it uses TLS, by the headers of a proxy that is trusted."""

from collections.abc import Collection
from ipaddress import ip_address
from typing import NamedTuple

from ttweet.model.events import Peer
from ttweet.server.http.request import HttpRequest

_ALWAYS = (
    "cdn-loop",
    "cf-connecting-ip",
    "fastly-client-ip",
    "forwarded",
    "true-client-ip",
    "via",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-forwarded",
    "x-original-forwarded-for",
    "x-real-ip",
)
"""The headers of proxies and content networks, beside those that begin with X-Forwarded."""


class Requester(NamedTuple):
    """The client that a request comes from, and whether all of its way here is encrypted."""

    peer: Peer
    is_secure: bool


def is_forwarded(request: HttpRequest) -> bool:
    """Whether a proxy has passed the request on."""
    return any(name in _ALWAYS or name.startswith("x-forwarded-") for name in request.headers)


def requester_of(request: HttpRequest, connected: Requester, proxies: Collection[str]) -> Requester:
    """Return the client of a request that came from a trusted proxy, given the one that the connection is of.

    That is the proxy, or the client of its PROXY header, whose own X-Forwarded-For counts for nothing. Each proxy adds
    the address before it, so the last one that is no proxy's counts: a client can send any before that.
    """
    address, port = connected.peer
    hops = reversed(request.header("x-forwarded-for").split(","))
    while address in proxies and (found := _address(next(hops, "").strip())) is not None:
        address = found
    return Requester((address, port), connected.is_secure or request.header("x-forwarded-proto").lower() == "https")


def _address(hop: str) -> str | None:
    """Return an address in its usual form, without brackets and port; None for what is no address."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        address = ip_address(hop)
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)
