"""Checks of a request before anything is done for it: the name of the server, the site that sent it, and proxies.

A web page in a browser on this machine can send requests to this server. So a request must name the server as its
users do, against DNS rebinding, and one that changes something must come from the server's own pages, against forgery.
"""

from collections.abc import Collection
from ipaddress import ip_address

from ttweet.server.http.forwarded import is_forwarded
from ttweet.server.http.problems import Unreachable, Unserved
from ttweet.server.http.request import SAFE, HttpRequest


def check(request: HttpRequest, names: Collection[str], *, trusted: bool) -> None:
    """Raise Unserved for a request that a browser should not have sent, or a proxy that is not `trusted`."""
    if is_forwarded(request) and not trusted:
        raise Unreachable(
            403, "forbidden", "request through an unknown proxy; the operator can allow it with --http-proxy ADDRESS"
        )
    check_host(request, names)
    check_origin(request)


def check_host(request: HttpRequest, names: Collection[str]) -> None:
    """Raise Unserved for a host that is neither an address, nor localhost, nor one of the server's names."""
    host = request.header("host")
    name = hostname(host)
    if not name and request.version != "1.0":
        raise Unreachable(400, "bad_request", "empty Host: name the server, such as Host: localhost")
    if not (name == "localhost" or name in names or _is_address(name) or (not host and request.version == "1.0")):
        raise Unreachable(
            421, "forbidden", f"unknown host {name[:60]!a}; the operator can allow it with --http-name NAME"
        )


def check_origin(request: HttpRequest) -> None:
    """Raise Unserved for a request that changes something, and that another site's page has sent."""
    if request.method in SAFE:
        return
    site = request.header("sec-fetch-site")
    origin = request.header("origin").partition("://")[2]
    foreign = (
        site not in ("same-origin", "none")
        if site
        else bool(request.header("origin")) and not _is_same(origin, request.header("host"))
    )
    if foreign:
        raise Unserved(403, "forbidden", "request from another site: post from this server's own pages, or without one")


def hostname(host: str) -> str:
    """Return the name or address in a Host header, in lower case, without its port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _is_same(origin: str, host: str) -> bool:
    return origin.lower() == host.lower() != ""


def _is_address(name: str) -> bool:
    """Addresses need no list: a name that was bound to another address is what must not get in."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
