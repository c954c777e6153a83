"""The reader of a client that is held to a rate: requests beyond it come out as `slow_down` errors in their place."""

from ttweet.model.errors import ProtocolError, SlowDown, TtweetError
from ttweet.model.requests import ClientReport, Identify
from ttweet.protocol.json_codec import Json
from ttweet.protocol.reader import Event, RequestReader
from ttweet.security.permissions import COSTS
from ttweet.server.net.throttle import Gauge

_FREE = (Identify, ProtocolError)  # a token opens another bucket; what is no frame ends the connection anyway


def reader_for(gauge: Gauge | None, json: Json) -> RequestReader:
    """What a client's bytes are read with."""
    return RequestReader(json) if gauge is None else ThrottledReader(json, gauge)


class ThrottledReader(RequestReader):
    """Lets requests through as fast as the client may make them."""

    __slots__ = ("_gauge",)

    def __init__(self, json: Json, gauge: Gauge) -> None:
        super().__init__(json)
        self._gauge = gauge

    def receive_data(self, data: bytes) -> list[Event]:
        """See RequestReader."""
        return self._held_back(super().receive_data(data))

    def receive_end(self) -> list[Event]:
        """See RequestReader."""
        return self._held_back(super().receive_end())

    def _held_back(self, events: list[Event]) -> list[Event]:
        allowed: list[Event] = []
        refused: dict[int, SlowDown] = {}  # by cost: what travels behind a refused request is refused too
        for event in events:
            error = None if isinstance(event, _FREE) else self._too_early(COSTS.get(type(event), 1), refused)
            if error is None:
                allowed.append(event)
            elif not isinstance(event, ClientReport):  # nobody reads an answer to that one
                allowed.append(self._refusal(error))
        return allowed

    def _too_early(self, cost: int, refused: dict[int, SlowDown]) -> SlowDown | None:
        """Why a request is not carried out now; the same for all of one read that cost as much as one in `refused`."""
        error = refused.get(cost)
        if error is not None:
            self._gauge.count_refused()
        elif (error := self._gauge.take(cost)) is not None:
            refused[cost] = error
        return error

    def _refusal(self, error: SlowDown) -> TtweetError:
        return ProtocolError("slow_down", error.text) if self.classic else error
