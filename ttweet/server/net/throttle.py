"""Which clients are held to a rate: those of each address and each token, this machine's own only when asked for.

Whether a connection is held to one is decided when it comes: one that is not gets no gauge and pays nothing.
"""

from collections.abc import Callable

import trio

from ttweet.model.addresses import is_local, network_of
from ttweet.model.errors import SlowDown
from ttweet.model.reports import Peer
from ttweet.security.rate_limit import RateLimiter
from ttweet.security.rights import Principal
from ttweet.server.config import Rates


class Gauge:
    """Counts one connection's requests, together with all others of its address or its token."""

    __slots__ = ("_limiter", "_network", "_principal")

    def __init__(self, limiter: RateLimiter, network: str, principal: Callable[[], Principal]) -> None:
        self._limiter = limiter
        self._network = network
        self._principal = principal

    def take(self, cost: int = 1) -> SlowDown | None:
        """Count a request that is to be carried out now, as `cost` of them.

        Returns the error to answer with when it comes too early.
        """
        token = self._principal().token
        wait_s = self._limiter.take(self._network if token is None else ("token", token), trio.current_time(), cost)
        if wait_s == 0:
            return None
        rate = self._limiter.rate
        return SlowDown(f"too many requests, the limit is {rate} after {rate.burst} at once; wait {wait_s} s", wait_s)

    def count_refused(self) -> None:
        """Count a request that is refused for the same reason as the one before it."""
        self._limiter.refused += 1


class Throttle:
    """Makes the gauge of each connection."""

    def __init__(self, rates: Rates) -> None:
        self.limiter = RateLimiter(rates.rate) if rates.rate is not None else None
        self._loopback = rates.loopback

    def gauge(self, peer: Peer, principal: Callable[[], Principal]) -> Gauge | None:
        """What counts a client's requests, or None when it may be as fast as it can. `principal` says who it is now."""
        if self.limiter is None or (is_local(peer[0]) and not self._loopback):
            return None
        return Gauge(self.limiter, network_of(peer[0]), principal)
