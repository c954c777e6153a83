"""How a running server is doing: what it has counted since it started, and the limits that it keeps to.

What is counted is counted where it happens, once a connection, a refusal or a batch, so that no tweet pays for it; the
rest is looked up when somebody asks. Knows no bytes and no command line.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

from ttweet import __version__
from ttweet.broker.journal import Journal
from ttweet.broker.retention import Retention
from ttweet.model.times import Clock, now_ms
from ttweet.security.rate_limit import RateLimiter


class Edge(Protocol):
    """What clients connect to, as far as it is counted."""

    @property
    def clients(self) -> int:
        """How many have a place."""
        ...

    @property
    def accepted(self) -> int:
        """How many have connected so far."""
        ...

    @property
    def turned_away(self) -> int:
        """How many got no place, or made room for another client."""
        ...

    @property
    def followers(self) -> tuple[int, int]:
        """How many follow: those that have caught up, and those that are behind."""
        ...

    @property
    def limiter(self) -> RateLimiter | None:
        """What holds them to a rate, where there is one."""
        ...


class StatsCollector:
    """One document about a server, made anew each time it is collected; docs/protocol.md tells what is in it."""

    def __init__(
        self,
        journal: Journal,
        limits: Mapping[str, object],
        *,
        retention: Retention | None = None,
        clock: Clock = now_ms,
    ) -> None:
        """`limits` is told as it is."""
        self._journal = journal
        self._edges: list[Edge] = []
        self._limits = limits
        self._retention = retention
        self._now_ms = clock
        self._started = clock()
        self.refusals: Counter[str] = Counter()
        """How many requests the edges refused, by code."""

    def watch(self, edge: Edge) -> None:
        """Count the clients of an edge in."""
        self._edges.append(edge)

    def collect(self) -> dict[str, dict[str, Any]]:
        """The parts, each an object."""
        return {
            "server": self._session(),
            "connections": self._connections(),
            "followers": self._followers(),
            "tweets": self._tweets(),
            "retention": {
                "removed": self._retention.removed if self._retention else 0,
                "gone": self._journal.head.pruned_up_to,
            },
            "refusals": dict(sorted((self.refusals + self._journal.failed).items())),
            "rate": self._rate(),
            "limits": dict(self._limits),
        }

    def _session(self) -> dict[str, Any]:
        uptime_s = (self._now_ms() - self._started) // 1000
        trouble = self._journal.trouble.text or None
        return {"version": __version__, "started": self._started, "uptime_s": uptime_s, "trouble": trouble}

    def _connections(self) -> dict[str, Any]:
        return {
            "now": sum([edge.clients for edge in self._edges]),
            "accepted": sum([edge.accepted for edge in self._edges]),
            "turned_away": sum([edge.turned_away for edge in self._edges]),
        }

    def _followers(self) -> dict[str, Any]:
        followers = [edge.followers for edge in self._edges]
        return {"live": sum([live for live, _ in followers]), "behind": sum([behind for _, behind in followers])}

    def _tweets(self) -> dict[str, Any]:
        journal = self._journal
        waiting, lines_waiting = journal.waiting
        return {
            "newest": journal.head.newest,
            "acknowledged": journal.acknowledged,
            "deleted": journal.head.deletions,
            "commits": journal.commits,
            "waiting": waiting,
            "lines_waiting": lines_waiting,
        }

    def _rate(self) -> dict[str, Any]:
        limiters = [edge.limiter for edge in self._edges if edge.limiter is not None]
        rate = limiters[0].rate if limiters else None  # one for all edges
        return {
            "limit": rate and str(rate),
            "burst": rate and rate.burst,
            "clients": sum([len(limiter) for limiter in limiters]),
            "refused": sum([limiter.refused for limiter in limiters]),
        }
