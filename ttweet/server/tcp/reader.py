"""The reader of a client that is held to a rate: requests beyond it come out as `slow_down` errors in their place."""

from ttweet.model.errors import ProtocolError, SlowDown
from ttweet.protocol.json_codec import Json
from ttweet.protocol.reader import ReaderEvent, RequestReader
from ttweet.server.net.throttle import Quota


def reader_for(quota: Quota | None, json: Json) -> RequestReader:
    """Return the reader of a client's bytes."""
    return RequestReader(json) if quota is None else ThrottledReader(json, quota)


class ThrottledReader(RequestReader):
    """Lets requests through as fast as the client may make them."""

    __slots__ = ("_quota",)

    def __init__(self, json: Json, quota: Quota) -> None:
        super().__init__(json)
        self._quota = quota

    def receive_data(self, data: bytes) -> list[ReaderEvent]:
        """See RequestReader."""
        return self._held_back(super().receive_data(data))

    def receive_end(self) -> list[ReaderEvent]:
        """See RequestReader."""
        return self._held_back(super().receive_end())

    def _held_back(self, events: list[ReaderEvent]) -> list[ReaderEvent]:
        held_back = self._quota.hold_back(events)
        return [self._classic_error(event) for event in held_back] if self.classic else held_back

    def _classic_error(self, event: ReaderEvent) -> ReaderEvent:
        """Return the refusal as an error that ends the connection, as the classic protocol has one request."""
        return ProtocolError("slow_down", event.text) if isinstance(event, SlowDown) else event
