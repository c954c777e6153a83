"""The errors of a connection that cannot be made or was lost. Quick to import, and loaded before it is needed.

A process that lacks descriptors could not load it any more.
"""

from __future__ import annotations

import socket

from ttweet.defaults import PORT
from ttweet.descriptors import RAISE_LIMIT, SHORTAGES, lacks_descriptors
from ttweet.model.errors import ConnectError, ResolverError, SetupError
from ttweet.model.netloc import netloc

RESOLVER_DESCRIPTORS = 2  # that the system's resolver opens at a time: a file, and a library that reads it

_RESOLVER_FAULTS = (socket.EAI_FAIL, socket.EAI_SYSTEM, socket.EAI_MEMORY)


def none_reached(failures: list[ConnectError]) -> ConnectError:
    """Return the error for servers that all failed. It is a ResolverError if a look-up of a name may succeed later."""
    setup = [failure for failure in failures if isinstance(failure, SetupError)]
    if setup or len(failures) == 1:
        return (setup or failures)[0]
    kind = ResolverError if any(isinstance(failure, ResolverError) for failure in failures) else ConnectError
    first, problems = failures[0], "; ".join([failure.problem for failure in failures])
    return kind("unreachable", f"no server can be reached: {problems}", first.remedy, *first.about)


def unreachable(host: str, port: int, exc: OSError | UnicodeError) -> ConnectError:
    """Return the error for a connection that was not made, with a remedy."""
    where = netloc(host, port)
    if (way_out := _shortage(exc)) is not None:
        return ConnectError("unreachable", f"cannot connect to {where}: too many open files; {way_out}")
    if isinstance(exc, ConnectionRefusedError):
        from ttweet.model.addresses import is_local  # most clients find their server
        from ttweet.model.remedies import START, START_THERE

        remedy = START if host == "localhost" or is_local(host) else START_THERE
        problem = f"no server is listening on {where}" + (", the default port" if port == PORT else "")
        return ConnectError("unreachable", problem, remedy, host, str(port))
    if isinstance(exc, socket.gaierror) and exc.errno == socket.EAI_AGAIN:
        return ResolverError("unreachable", f"cannot look up {host!a}: {exc.strerror}; retry, or use an IP address")
    if isinstance(exc, TimeoutError):
        return ConnectError("unreachable", f"no answer from {where}; check the address and the firewall")
    if isinstance(exc, UnicodeError) or (isinstance(exc, socket.gaierror) and exc.errno not in _RESOLVER_FAULTS):
        return ConnectError(
            "unreachable", f"unknown host {host!a}; check its spelling, or use 127.0.0.1 for this machine"
        )
    problem = f"cannot connect to {where}: {exc.strerror or exc}"
    return ConnectError("unreachable", problem, "check the address and the network")


def _shortage(exc: OSError | UnicodeError) -> str | None:
    """Return the remedy when no descriptor was left for a socket, or the resolver, which reports an unknown host."""
    if isinstance(exc, socket.gaierror):
        lacks = lacks_descriptors(RESOLVER_DESCRIPTORS)
    else:
        lacks = isinstance(exc, OSError) and exc.errno in SHORTAGES
    return RAISE_LIMIT if lacks else None


def left_at_once(where: str) -> ConnectError:
    """Say that a server has ended a connection before anything was asked."""
    return ConnectError("unreachable", f"{where} closed the connection at once; retry, or check the port")


def gone(where: str) -> ConnectError:
    """Say that a server has ended a connection on which it owes an answer."""
    return ConnectError("unknown", f"{where} closed the connection without an answer")


def not_ttweet() -> ConnectError:
    """Say that the other end speaks another protocol."""
    return ConnectError("unknown", "the other end is not a ttweet server; check the port")


def too_slow(where: str, timeout_s: float | None) -> ConnectError:
    """Say that an answer has not come in time; None for a time that the caller has set as a whole."""
    within = "" if timeout_s is None else f" within {timeout_s:g} seconds"
    return ConnectError("unknown", f"no answer from {where}{within}")


def of_upload(error: ConnectError, key: str | None) -> ConnectError:
    """Add to the error of an upload whether the tweet is stored, and what to do about it."""
    if error.code != "unknown":
        return error
    from ttweet.model.remedies import WITH_KEY, WITHOUT_KEY  # most uploads have an answer

    return ConnectError("unknown", f"{error.text}; the tweet may be stored or not", WITH_KEY if key else WITHOUT_KEY)
