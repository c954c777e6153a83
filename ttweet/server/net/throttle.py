"""Which clients have a rate limit: each address and each token, this machine's own clients only with `--rate`.

This is decided when a connection comes: one without a limit gets no quota, and its requests cost nothing.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import trio

from ttweet.model.addresses import is_local, network_of
from ttweet.model.errors import ProtocolError, SlowDown
from ttweet.model.events import Peer
from ttweet.model.requests import ClientReport, Identify
from ttweet.security.permissions import COSTS
from ttweet.security.rate_limit import RateLimiter
from ttweet.security.rights import Principal
from ttweet.server.config import Rates

R = TypeVar("R")

_FREE = (Identify, ProtocolError)  # a token opens another bucket; what is no frame ends the connection anyway


class Quota:
    """Counts one connection's requests, together with all others of its address or its token."""

    __slots__ = ("_limiter", "_network", "_principal")

    def __init__(self, limiter: RateLimiter, network: str, principal: Callable[[], Principal]) -> None:
        self._limiter = limiter
        self._network = network
        self._principal = principal

    def hold_back(self, requests: Sequence[R]) -> list[R | SlowDown]:
        """Return the requests, with the error to answer with in place of each that comes too early.

        A request that arrives behind a refused one, and counts as much, is refused too, without a look at the rate. A
        report line that comes too early is left out, as no client reads an answer to it.
        """
        allowed: list[R | SlowDown] = []
        refused: dict[int, SlowDown] = {}  # by cost
        for request in requests:
            error = None if isinstance(request, _FREE) else self._too_early(COSTS.get(type(request), 1), refused)
            if error is None:
                allowed.append(request)
            elif not isinstance(request, ClientReport):
                allowed.append(error)
        return allowed

    def _too_early(self, cost: int, refused: dict[int, SlowDown]) -> SlowDown | None:
        error = refused.get(cost)
        if error is not None:
            self.count_refused()
        elif (error := self.take(cost)) is not None:
            refused[cost] = error
        return error

    def take(self, cost: int = 1) -> SlowDown | None:
        """Count a request that is to be carried out now, as `cost` of them.

        Returns the error to answer with when it comes too early.
        """
        token = self._principal().token
        wait_s = self._limiter.take(self._network if token is None else ("token", token), trio.current_time(), cost)
        if wait_s == 0:
            return None
        rate = self._limiter.rate
        return SlowDown(
            f"too many requests: the limit is {rate} after {rate.burst} at once; retry in {wait_s} s", wait_s
        )

    def count_refused(self) -> None:
        """Count a request that is refused for the same reason as the one before it."""
        self._limiter.refused += 1


class Throttle:
    """Makes the quota of each connection."""

    def __init__(self, rates: Rates) -> None:
        self.limiter = RateLimiter(rates.rate) if rates.rate is not None else None
        self._loopback = rates.loopback

    def quota(self, peer: Peer, principal: Callable[[], Principal], *, proxied: bool = False) -> Quota | None:
        """Return the counter of a client's requests, or None without a limit. `principal` returns its identity.

        A client that may be `proxied` is never taken for this machine's own.
        """
        if self.limiter is None or (is_local(peer[0]) and not (self._loopback or proxied)):
            return None
        return Quota(self.limiter, network_of(peer[0]), principal)
