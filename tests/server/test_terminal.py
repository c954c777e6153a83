"""The terminal of events: each once, in order, in bounded memory, and no client waits for it."""

import logging
import os
from collections.abc import Callable

import pytest
import trio
import trio.testing

from tests.support.guard import GUARD_S
from tests.support.memory_store import MemoryStore
from tests.support.posters import Poster, running
from tests.support.report_files import fill, pipe
from tests.support.sqlite_files import NOW
from ttweet.broker.receipts import Receipt
from ttweet.model import events
from ttweet.model.events import Event
from ttweet.model.tweets import Draft, Tweet
from ttweet.server import terminal
from ttweet.server.config import LineStyle
from ttweet.server.event_lines import JsonLines, TextLines
from ttweet.server.terminal import EventTerminal, MessageFormatter, show_messages_as
from ttweet.server.terminal_handler import TerminalHandler

PEER = ("192.0.2.7", 52116)


def a_receipt(number: int, peer: tuple[str, int] | None = PEER) -> Receipt:
    """A tweet that was committed, and where it came from."""
    receipt = Receipt(Draft(f"text {number}"), None)  # type: ignore[arg-type]
    receipt.outcome = Tweet(number, NOW, None, f"text {number}", ())
    receipt.peer = peer
    return receipt


def texts_of(shown: bytes) -> list[str]:
    """Return the lines without their time."""
    return [line.partition(" ")[2] for line in shown.decode().splitlines()]


def deleted(number: int) -> Event:
    return Event(events.DELETED, PEER, "ann", id=number)


async def shown_by(watch: Callable[[EventTerminal], None], lines: TextLines | JsonLines | None = None) -> bytes:
    """Return what a terminal shows of that, from its start until it has finished."""
    with pipe() as (reader, writer), trio.fail_after(GUARD_S):
        shows = EventTerminal(writer, lines or TextLines(LineStyle()), clock=lambda: NOW)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(shows.run)
            watch(shows)
            shows.finish()
        return await trio.to_thread.run_sync(os.read, reader, 65536)


async def test_events_and_tweets_are_shown_in_their_order() -> None:
    def watch(shows: EventTerminal) -> None:
        shows.happened(deleted(1))
        shows.posted([a_receipt(2), a_receipt(3, None)])
        shows.posted([])
        shows.happened(Event(events.CONNECTED, PEER, clients=1))
        shows.happened(Event(events.STOPPED))

    assert texts_of(await shown_by(watch)) == [
        "ann deleted #1",
        '192.0.2.7 posted #2 "text 2"',
        'server posted #3 "text 3"',
        "server stopped",
    ]


async def test_a_client_that_exceeds_its_rate_is_shown_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "MAX_LIMITED", 2)
    now = NOW

    def watch(shows: EventTerminal) -> None:
        nonlocal now
        shows._now_ms = lambda: now
        for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.2"):
            shows.happened(Event(events.LIMITED, (address, 1)))
        now += terminal.LIMITED_PAUSE_MS
        for address in ("192.0.2.1", "192.0.2.1", "192.0.2.3", "192.0.2.4"):
            shows.happened(Event(events.LIMITED, (address, 1)))
        assert len(shows._limited) <= 2
        now -= 10 * terminal.LIMITED_PAUSE_MS  # the clock was put back
        shows.happened(Event(events.LIMITED, ("192.0.2.4", 1)))

    assert [line.split()[0][-1] for line in texts_of(await shown_by(watch))] == ["1", "2", "1", "3", "4", "4"]


async def test_a_terminal_that_stands_still_delays_no_client_and_tells_later_how_much_it_lacks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(terminal, "MAX_WAITING_BYTES", 3 * terminal.EVENT_BYTES)
    monkeypatch.setattr(terminal, "SHOW_INTERVAL_S", 0)
    with pipe() as (reader, writer), trio.fail_after(GUARD_S):
        fill(writer)
        shows = EventTerminal(writer, TextLines(LineStyle()), clock=lambda: NOW)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(shows.run)
            shows.happened(deleted(1))
            await trio.testing.wait_all_tasks_blocked()
            for number in range(2, 12):
                shows.happened(deleted(number))
            shows.finish()
            seen = b""
            while not seen.endswith(b"at once\n"):
                seen += await trio.to_thread.run_sync(os.read, reader, 65536)
    said = texts_of(seen.lstrip(b"x"))
    assert said == [f"ann deleted #{number}" for number in range(1, 5)] + [
        "7 events are not shown: too many came at once"
    ]


async def test_a_terminal_that_is_gone_is_no_trouble(caplog: pytest.LogCaptureFixture) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with trio.fail_after(GUARD_S):
        shows = EventTerminal(writer, TextLines(LineStyle()))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(shows.run)
            shows.happened(deleted(1))
            shows.finish()
    os.close(writer)
    assert caplog.records == []


def test_lines_go_out_in_pieces_that_a_pipe_takes_whole() -> None:
    lines = [f"{number} ".ljust(1000, "x") for number in range(9)] + ["y" * 9000, "z"]
    pieces = [*terminal._pieces(lines)]
    assert b"".join(pieces).decode().splitlines() == lines
    assert [piece.count(b"\n") for piece in pieces] == [4, 4, 1, 1, 1]


async def test_a_journal_shows_each_new_tweet_once_and_the_event_of_each_line() -> None:
    with pipe() as (reader, writer):
        shows = EventTerminal(writer, TextLines(LineStyle()), clock=lambda: NOW)
        async with running(MemoryStore()) as journal:
            journal.watcher = shows
            poster = Poster(journal)
            for text in ("one", "two", "one"):
                poster.post(text, key=text).peer = PEER
            await poster.all_answered()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(shows.run)
            shows.finish()
        assert texts_of(os.read(reader, 65536)) == [
            f'192.0.2.7 posted #{id_} "{text}"' for id_, text in ((1, "one"), (2, "two"))
        ]


# Messages among the events


def record_of(text: str, event: Event | None = None) -> logging.LogRecord:
    record = logging.LogRecord("ttweet", logging.WARNING, __file__, 1, "%s", (text,), None)
    record.created = NOW / 1000
    if event is not None:
        record.event = event
    return record


def test_a_message_has_its_time_and_is_escaped() -> None:
    formatter = MessageFormatter(TextLines(LineStyle()))
    assert texts_of(formatter.format(record_of("disk \x1b[31m\nfull")).encode()) == [r"disk \x1b[31m\nfull"]


def test_a_message_is_an_object_or_that_of_its_event() -> None:
    formatter = MessageFormatter(JsonLines())
    assert formatter.format(record_of("full")) == f'{{"at":{NOW},"event":"message","level":"warning","text":"full"}}'
    listening = Event(events.LISTENING, address="::1", port=1)
    shown = f'{{"at":{NOW},"event":"listening","address":"::1","port":1}}'
    assert formatter.format(record_of("listening on [::1]:1", listening)) == shown
    text = MessageFormatter(TextLines(LineStyle())).format(record_of("listening on [::1]:1", listening))
    assert text.endswith(" listening on [::1]:1")


def test_messages_take_the_form_of_events_on_the_server_s_terminal_alone() -> None:
    root = logging.getLogger()
    with pipe() as (_, writer):
        ours, other = TerminalHandler(writer), logging.NullHandler()
        root.handlers += [ours, other]
        try:
            show_messages_as(TextLines(LineStyle()))
        finally:
            root.removeHandler(ours)
            root.removeHandler(other)
    assert isinstance(ours.formatter, MessageFormatter)
    assert other.formatter is None
