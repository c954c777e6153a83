"""Who is held to a rate: each address and each token, those of this machine only when that is asked for.

Whether a connection is held to one is decided when it comes: who is not gets the plain reader of requests and pays
nothing. With the other one, requests beyond the rate come out as `slow_down` errors in their place.
"""

from collections.abc import Callable, Hashable

import trio

from ttweet.broker.session import Session
from ttweet.model.addresses import is_local, network_of
from ttweet.model.errors import ProtocolError, SlowDown, TtweetError
from ttweet.model.reports import Peer
from ttweet.model.requests import ClientReport, Identify
from ttweet.protocol.json_codec import Json
from ttweet.protocol.reader import Event, RequestReader
from ttweet.security.rate_limit import RateLimiter
from ttweet.server.config import Rates


class Throttle:
    """Makes the reader of each connection's requests."""

    def __init__(self, rates: Rates, json: Json) -> None:
        self.limiter = RateLimiter(rates.rate) if rates.rate is not None else None
        self._loopback = rates.loopback
        self._json = json

    def reader(self, peer: Peer, session: Session) -> RequestReader:
        """What a client's bytes are read with."""
        if self.limiter is None or (is_local(peer[0]) and not self._loopback):
            return RequestReader(self._json)
        network = network_of(peer[0])
        return ThrottledReader(self._json, self.limiter, lambda: _key(session, network))


_FREE = (Identify, ProtocolError)  # a token opens another bucket; what is no frame ends the connection anyway


class ThrottledReader(RequestReader):
    """Lets requests through as fast as the client may make them."""

    __slots__ = ("_key", "_limiter")

    def __init__(self, json: Json, limiter: RateLimiter, key: Callable[[], Hashable]) -> None:
        super().__init__(json)
        self._limiter = limiter
        self._key = key

    def receive_data(self, data: bytes) -> list[Event]:
        """See RequestReader."""
        return self._held_back(super().receive_data(data))

    def receive_end(self) -> list[Event]:
        """See RequestReader."""
        return self._held_back(super().receive_end())

    def _held_back(self, events: list[Event]) -> list[Event]:
        key, now = self._key(), trio.current_time()
        allowed: list[Event] = []
        for event in events:
            if isinstance(event, _FREE):
                allowed.append(event)
                continue
            wait_s = self._limiter.take(key, now)
            if wait_s == 0:
                allowed.append(event)
            elif not isinstance(event, ClientReport):  # nobody reads an answer to that one
                allowed.append(self._refusal(wait_s))
        return allowed

    def _refusal(self, wait_s: int) -> TtweetError:
        rate = self._limiter.rate
        text = f"too many requests, the limit is {rate} after {rate.burst} at once; wait {wait_s} s"
        return ProtocolError("slow_down", text) if self.classic else SlowDown(text, wait_s)


def _key(session: Session, network: Hashable) -> Hashable:
    token = session.principal.token
    return network if token is None else ("token", token)
