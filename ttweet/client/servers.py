"""Which server a client talks to: `[scheme://]HOST[:PORT]`, or several of them with commas, to be tried in order.

`ttweets://` wants TLS; `ttweet://` says no more than no scheme does. Quick to import.
"""

from __future__ import annotations

import os
import socket

from ttweet.defaults import HOST, PORT, SERVER
from ttweet.model.errors import SetupError
from ttweet.model.netloc import netloc

VARIABLE = "TTWEET_SERVER"
TLS = "ttweets"
SCHEMES = ("ttweet", TLS)
SHOWN = 80  # characters of a name that is wrong
USE_PORT = "use a port from 1 to 65535"


class ServerAddress:
    """The address of a server, and whether its name asks for TLS."""

    __slots__ = ("host", "port", "tls")

    def __init__(self, host: str, port: int, *, tls: bool = False) -> None:
        self.host = host
        self.port = port
        self.tls = tls

    def __str__(self) -> str:
        return f"{TLS}://" * self.tls + netloc(self.host, self.port)


def resolve(server: str | None, port: int | None) -> list[ServerAddress]:
    """Return the servers that a caller names, else those of TTWEET_SERVER, else SERVER. Raises SetupError.

    With a port the name is that of a host alone, and may be an IPv6 address with or without brackets. A port alone is
    one of this machine.
    """
    if port is not None:
        return [ServerAddress(HOST if server is None else _host_alone(server), _checked(port))]
    if server is not None:
        return parse(server)
    named = os.environ.get(VARIABLE)
    try:
        return parse(named or SERVER)
    except SetupError as error:
        raise SetupError(error.code, f"{VARIABLE}: {error.text}") from error


def parse(text: str) -> list[ServerAddress]:
    """Return the servers of a list with commas. Raises SetupError, which says what is wrong with which."""
    return [_parse(name.strip()) for name in text.split(",")]


def _parse(name: str) -> ServerAddress:
    scheme, found, place = name.partition("://")
    if not found:
        scheme, place = "", name
    elif scheme.lower() not in SCHEMES:
        raise _wrong_scheme(name, scheme.lower(), place)
    else:
        place = place.removesuffix("/")
    host, port = _host_and_port(name, place)
    return ServerAddress(host, port, tls=scheme.lower() == TLS)


def _wrong_scheme(name: str, scheme: str, place: str) -> SetupError:
    if scheme in ("http", "https"):
        host = place.partition("/")[0].partition(":")[0]
        return _invalid(name, f"HTTP is not supported; use {host or 'HOST'}:PORT")
    return _invalid(name, "use ttweet:// or, for TLS, ttweets://")


def _host_and_port(name: str, place: str) -> tuple[str, int]:
    host, port = _in_brackets(name, place) if place.startswith("[") else _without_brackets(name, place)
    if not host or host.isdigit():  # a port alone, which the system would take for the number of an address
        raise _invalid(name, f"use HOST:PORT, such as {SERVER}")
    if not host.isprintable() or any(mark in host for mark in " []@/?#"):
        raise _invalid(name, f"use HOST:PORT, such as {SERVER}")
    if port is None:
        return host, PORT
    if (number := port_of(port)) is None:
        raise _invalid(name, USE_PORT)
    return host, number


def _in_brackets(name: str, place: str) -> tuple[str, str | None]:
    host, bracket, rest = place[1:].partition("]")
    if not (bracket and _is_ipv6(host) and rest[:1] in ("", ":")):
        raise _invalid(name, f"use an IPv6 address in brackets and a port, such as [::1]:{PORT}")
    return host, rest[1:] if rest else None


def _without_brackets(name: str, place: str) -> tuple[str, str | None]:
    if _is_ipv6(place):
        raise _invalid(name, f"use brackets for an IPv6 address: [{place}]:{PORT}")
    if _is_ipv6(place.rpartition(":")[0]):
        raise _invalid(name, "use brackets for an IPv6 address: [{}]:{}".format(*place.rsplit(":", 1)))
    host, colon, port = place.partition(":")
    if ":" in port:
        raise _invalid(name, f"use HOST:PORT, such as {SERVER}")
    return host, port if colon else None


def _host_alone(text: str) -> str:
    """Return the host of a program or a classic command that gives the port apart. Raises SetupError."""
    host = text.removeprefix("[").removesuffix("]")
    if not _is_ipv6(host) and any(mark in host for mark in ":/,@"):
        raise SetupError("unreachable", f"invalid host {text[:SHOWN]!a}: give the port separately, as HOST PORT")
    return host


def _is_ipv6(host: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
    except (OSError, ValueError):
        return False
    return True


def port_of(text: str, lowest: int = 1) -> int | None:
    """Return the port that a text names, or None."""
    if text.isascii() and text.isdigit() and len(text) <= 5 and lowest <= int(text) <= 65535:
        return int(text)
    return None


def _checked(port: int) -> int:
    if port_of(str(port)) is None:  # the system would take it for another
        raise SetupError("unreachable", f"invalid port {port}: {USE_PORT}")
    return port


def _invalid(name: str, why: str) -> SetupError:
    return SetupError("unreachable", f"invalid server {name[:SHOWN]!a}: {why}")
