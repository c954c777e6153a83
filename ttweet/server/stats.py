"""How a running server is doing: what it has counted since it started, and the limits that it keeps to.

What is counted is counted where it happens, once a connection, a refusal or a batch, so that no tweet pays for it; the
rest is looked up when somebody asks. Knows no bytes and no command line.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from ttweet import __version__
from ttweet.broker.journal import Journal
from ttweet.broker.retention import Retention
from ttweet.broker.service import Service
from ttweet.server.tcp.server import Server


class Stats:
    """One document about a server, made anew each time it is collected; docs/protocol.md tells what is in it."""

    def __init__(
        self,
        service: Service,
        journal: Journal,
        server: Server,
        limits: Mapping[str, object],
        *,
        retention: Retention | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`limits` is told as it is."""
        self._service = service
        self._journal = journal
        self._server = server
        self._limits = limits
        self._retention = retention
        self._clock = clock
        self._started = clock()

    def collect(self) -> dict[str, dict[str, Any]]:
        """The parts, each an object."""
        return {
            "server": self._session(),
            "connections": self._connections(),
            "followers": dict(zip(("live", "behind"), self._server.followers, strict=True)),
            "tweets": self._tweets(),
            "retention": {"removed": self._retention.removed if self._retention else 0, "gone": self._journal.gone},
            "refusals": dict(sorted((self._service.refusals + self._journal.failed).items())),
            "rate": self._rate(),
            "limits": dict(self._limits),
        }

    def _session(self) -> dict[str, Any]:
        uptime_s = int(self._clock() - self._started)
        trouble = self._journal.trouble.text or None
        return {"version": __version__, "started": int(self._started * 1000), "uptime_s": uptime_s, "trouble": trouble}

    def _connections(self) -> dict[str, Any]:
        server = self._server
        return {"now": server.clients, "accepted": server.accepted, "turned_away": server.turned_away}

    def _tweets(self) -> dict[str, Any]:
        journal = self._journal
        waiting, lines_waiting = journal.waiting
        return {
            "newest": journal.newest,
            "acknowledged": journal.acknowledged,
            "deleted": journal.deleted,
            "commits": journal.commits,
            "waiting": waiting,
            "lines_waiting": lines_waiting,
        }

    def _rate(self) -> dict[str, Any]:
        limiter = self._server.limiter
        if limiter is None:
            return {"limit": None, "burst": None, "clients": 0, "refused": 0}
        rate = limiter.rate
        return {"limit": str(rate), "burst": rate.burst, "clients": len(limiter), "refused": limiter.refused}
