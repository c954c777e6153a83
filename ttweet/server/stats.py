"""How a running server is doing: what it has counted since it started, and the limits that it keeps to.

Events are counted where they happen, once a connection, a refusal or a batch, so that no tweet pays for it. The rest is
looked up for a query. Knows no bytes and no command line.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from ttweet import __version__
from ttweet.broker.journal import Journal
from ttweet.broker.retention import Retention
from ttweet.broker.subscriptions import LIVE
from ttweet.model.times import Clock, now_ms
from ttweet.server.net.admission import Admission
from ttweet.server.net.places import FORMS


class StatsCollector:
    """One document about a server, made again each time it is collected; docs/protocol.md explains it."""

    def __init__(
        self,
        journal: Journal,
        admission: Admission,
        limits: Mapping[str, object],
        *,
        retention: Retention | None = None,
        clock: Clock = now_ms,
    ) -> None:
        """`limits` becomes part of the document as it is."""
        self._journal = journal
        self._places, self._throttle = admission
        self._limits = limits
        self._retention = retention
        self._now_ms = clock
        self._started = clock()
        self.refusals: Counter[str] = Counter()
        """How many requests the edges refused, by code."""
        self.cluster: Callable[[], dict[str, Any]] | None = None
        """Returns the part of a server in a cluster."""

    def collect(self) -> dict[str, dict[str, Any]]:
        """Return the parts, each an object. Those that change most often come first."""
        return {
            "tweets": self._tweets(),
            "connections": self._connections(),
            "followers": self._followers(),
            "refusals": dict(sorted((self.refusals + self._journal.failed).items())),
            "rate": self._rate(),
            "retention": {
                "removed": self._retention.removed if self._retention else 0,
                "gone": self._journal.head.pruned_up_to,
            },
            **({} if self.cluster is None else {"cluster": self.cluster()}),
            "server": self._session(),
            "limits": dict(self._limits),
        }

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

    def _connections(self) -> dict[str, Any]:
        places = self._places
        return {"now": places.taken, "accepted": places.accepted, "rejected": places.rejected}

    def _followers(self) -> dict[str, Any]:
        following = [guest for guest in self._places.guests if guest.follows]
        live = sum(guest.follows == LIVE for guest in following)
        forms = Counter(guest.form for guest in following)
        return {"live": live, "behind": len(following) - live, **{form: forms[form] for form in FORMS}}

    def _rate(self) -> dict[str, Any]:
        limiter = self._throttle.limiter
        if limiter is None:
            return {"limit": None, "burst": None, "clients": 0, "refused": 0}
        rate = limiter.rate
        return {"limit": str(rate), "burst": rate.burst, "clients": len(limiter), "refused": limiter.refused}

    def _session(self) -> dict[str, Any]:
        uptime_s = (self._now_ms() - self._started) // 1000
        trouble = self._journal.trouble.text or None
        return {"version": __version__, "started": self._started, "uptime_s": uptime_s, "trouble": trouble}
