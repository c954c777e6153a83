"""The events of clients, as a watcher gets them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import trio
import trio.testing

from tests.support.serving import SWEPT_S, Serving, jump, serving
from ttweet.broker.receipts import Receipt
from ttweet.model import events
from ttweet.model.events import Event, Peer
from ttweet.security.rate_limit import Rate
from ttweet.server.config import Limits, Rates


@dataclass
class Recorder:
    """Keeps the events, and the tweets with the peers that posted them."""

    events: list[Event] = field(default_factory=list)
    tweets: list[tuple[Any, Peer | None]] = field(default_factory=list)

    def happened(self, event: Event) -> None:
        self.events.append(event)

    def posted(self, receipts: Sequence[Receipt]) -> None:
        self.tweets += [(receipt.outcome, receipt.peer) for receipt in receipts]
        self.events += [Event(events.POSTED, receipt.peer) for receipt in receipts]

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


def record(here: Serving) -> Recorder:
    here.journal.watcher = recorder = Recorder()
    return recorder


async def gone(here: Serving) -> None:
    """Wait until the server has noticed that all its clients have gone."""
    while here.places.guests:
        await trio.testing.wait_all_tasks_blocked()


async def test_all_that_a_client_does_is_an_event() -> None:
    async with serving() as here:
        seen = record(here)
        ann = await here.call()
        for request in (("n", "ann"), ("u", "hello"), ("x", 1), ("s", {"tags": ["cs"]})):
            assert (await ann.ask(*request))[0] == "ok"
        await ann.stream.aclose()
        await gone(here)
    begun = [events.CONNECTED, events.SIGNED_IN, events.POSTED, events.DELETED, events.FOLLOWED]
    assert seen.kinds == [*begun, events.UNFOLLOWED, events.SIGNED_OUT, events.DISCONNECTED]
    assert [event.name for event in seen.events] == [None, "ann", None, "ann", "ann", "ann", "ann", None]
    assert {event.peer for event in seen.events} == {ann.peer}
    assert [(tweet.id, tweet.by, tweet.text, peer) for tweet, peer in seen.tweets] == [(1, "ann", "hello", ann.peer)]


async def test_a_refused_request_is_an_event_with_its_code_its_reason_and_the_name() -> None:
    async with serving() as here:
        seen = record(here)
        ann = await here.call()
        await ann.ask("n", "ann")
        kind, error = await ann.ask("u", "x" * 151)
        assert kind == "err"
    rejected = Event(events.REJECTED, ann.peer, "ann", code="too_long", text=error["text"])
    assert seen.events[2] == rejected


async def test_a_request_beyond_the_rate_is_an_event_and_no_report_line() -> None:
    async with serving(rates=Rates(Rate(1, "h", 1), loopback=True)) as here:
        seen = record(here)
        caller = await here.call()
        assert [(await caller.ask("p", ""))[0] for _ in range(2)] == ["ok", "err"]
        assert seen.events[1:] == [Event(events.LIMITED, caller.peer)]


async def test_a_silent_client_is_disconnected_with_the_reason(mock_clock: trio.testing.MockClock) -> None:
    async with serving() as here:
        seen = record(here)
        caller = await here.call()
        await jump(mock_clock, Limits().first_byte_s + SWEPT_S)
        await caller.rest()
        reason = "not one byte (within 10 seconds) came"
        assert seen.events[1:] == [Event(events.DISCONNECTED, caller.peer, reason=reason)]


async def test_a_client_that_made_room_is_disconnected_with_the_reason() -> None:
    async with serving(max_clients=1) as here:
        seen = record(here)
        first = await here.call()
        while not here.places.guests:
            await trio.testing.wait_all_tasks_blocked()
        await (await here.call()).ask("p", "")
        assert seen.events[1] == Event(events.DISCONNECTED, first.peer, reason="it made room for another client")


async def test_a_retry_is_not_shown_again() -> None:
    async with serving() as here:
        seen = record(here)
        caller = await here.call()
        for _ in range(2):
            assert (await caller.ask("u", {"text": "once", "key": "k"}))[1]["id"] == 1
        assert [tweet.text for tweet, _ in seen.tweets] == ["once"]
