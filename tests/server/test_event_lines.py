"""Each kind of event as a line of text and as an object."""

import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.sqlite_files import NOW
from ttweet.model import events, reports
from ttweet.model.columns import width_of
from ttweet.model.events import Event, Peer
from ttweet.model.tweets import Tweet
from ttweet.server.config import LineStyle
from ttweet.server.event_lines import TEXTS, JsonLines, TextLines, cut

PEER = ("192.0.2.7", 52116)
CLIENT: dict[str, object] = {"by": None, "address": "192.0.2.7", "port": 52116}
ANN: dict[str, object] = {**CLIENT, "by": "ann"}
AT = time.strftime("%H:%M:%S", time.localtime(NOW / 1000))


def of_line(report: reports.Report) -> Event:
    """The event that a report line tells of."""
    assert report.event is not None
    return report.event


EVENTS: list[tuple[Event, str | None, dict[str, object]]] = [
    (Event(events.LISTENING, address="::1", port=13001), None, {"address": "::1", "port": 13001}),
    (of_line(reports.server_stopped()), "server stopped", {}),
    (of_line(reports.client_connected(PEER, 3)), None, {**CLIENT, "clients": 3}),
    (of_line(reports.client_left(PEER)), None, {**CLIENT, "reason": None}),
    (
        of_line(reports.client_left(PEER, "not one byte came")),
        "192.0.2.7 disconnected: not one byte came",
        {**CLIENT, "reason": "not one byte came"},
    ),
    (Event(events.IDENTIFIED, PEER, "ann"), None, ANN),
    (Event(events.SIGNED_IN, PEER, "ann"), None, ANN),
    (Event(events.SIGNED_OUT, PEER, "ann"), None, ANN),
    (
        Event(events.FOLLOWED, PEER, "ann", tags=["cs", "m"], query=None),
        "ann follows #cs #m",
        {**ANN, "tags": ["cs", "m"], "query": None},
    ),
    (
        Event(events.FOLLOWED, PEER, tags=[], query=None),
        "192.0.2.7 follows all tweets",
        {**CLIENT, "tags": [], "query": None},
    ),
    (
        Event(events.FOLLOWED, PEER, tags=[], query="#a -b"),
        "192.0.2.7 follows all tweets with #a -b",
        {**CLIENT, "tags": [], "query": "#a -b"},
    ),
    (
        Event(events.REQUESTED, PEER, "ann", method="GET", path="/tags/cs.json", status=200),
        None,
        {**ANN, "method": "GET", "path": "/tags/cs.json", "status": 200},
    ),
    (Event(events.UNFOLLOWED, PEER), "192.0.2.7 stopped following", CLIENT),
    (Event(events.DELETED, PEER, "ann", id=2), "ann deleted #2", {**ANN, "id": 2}),
    (
        of_line(reports.messages_removed(256, 300)),
        "server removed 256 old tweets, up to #300",
        {"tweets": 256, "up_to": 300},
    ),
    (
        of_line(reports.input_refused(PEER, "too_long", why="151 characters, the limit is 150")),
        "192.0.2.7 rejected (too_long): 151 characters, the limit is 150",
        {**CLIENT, "code": "too_long", "text": "151 characters, the limit is 150"},
    ),
    (
        of_line(reports.input_refused(PEER, "forbidden", "ann", why="no right to post")),
        "ann rejected (forbidden): no right to post",
        {**ANN, "code": "forbidden", "text": "no right to post"},
    ),
    (
        of_line(reports.input_refused(PEER, "bad_tag", name="ann", why="invalid tag 'a b'")),
        "ann rejected (bad_tag): invalid tag 'a b'",
        {**ANN, "code": "bad_tag", "text": "invalid tag 'a b'"},
    ),
    (
        of_line(reports.not_secured(PEER, "the client does not speak TLS")),
        "192.0.2.7 rejected (tls): the client does not speak TLS",
        {**CLIENT, "code": "tls", "text": "the client does not speak TLS"},
    ),
    (Event(events.LIMITED, PEER), "192.0.2.7 exceeded the rate limit", CLIENT),
    (of_line(reports.from_client("hello")), None, {"line": "CLIENT ALERT [GENERAL] hello"}),
    (
        of_line(reports.lines_lost(12)),
        "server lost 12 report lines: the disk could not store them in time",
        {"lines": 12},
    ),
]


@pytest.mark.parametrize(("event", "text", "values"), EVENTS)
def test_an_event_is_a_line_of_text_and_an_object(event: Event, text: str | None, values: dict[str, object]) -> None:
    assert TextLines(LineStyle()).event(NOW, event) == (None if text is None else f"{AT} {text}")
    assert json.loads(JsonLines().event(NOW, event)) == {"at": NOW, "event": event.kind, **values}


def test_every_kind_of_event_stands_in_all_tables() -> None:
    kinds = {value for name, value in vars(events).items() if name.isupper() and isinstance(value, str)}
    assert {event.kind for event, *_ in EVENTS} | {events.POSTED, events.MESSAGE} == kinds
    assert [*TEXTS] == [*events.FIELDS]
    assert set(TEXTS) == kinds


@pytest.mark.parametrize(("event", "values"), [(event, values) for event, _, values in EVENTS])
def test_the_table_lists_the_fields_of_an_event(event: Event, values: dict[str, object]) -> None:
    described = re.split("[:;]", events.FIELDS[event.kind])[0]
    assert set(re.findall(r"`(\w+)`", described)) == set(values) - (set(CLIENT) if event.peer else set())


def tweet(text: str, by: str | None = None, tags: tuple[str, ...] = ()) -> Tweet:
    return Tweet(2, NOW, by, text, tags)


@pytest.mark.parametrize(
    ("posted", "text"),
    [
        (tweet("Homework is out", "ann", ("cs",)), 'ann posted #2 "Homework is out" #cs'),
        (tweet("Homework is out #cs", "ann", ("cs", "m")), 'ann posted #2 "Homework is out #cs" #m'),
        (tweet("#python is out", "ann", ("python", "py")), 'ann posted #2 "#python is out" #py'),
        (tweet("#Straße is wet", "ann", ("Straße", "STRASSE")), 'ann posted #2 "#Straße is wet"'),
        (tweet("physics", None, ("cs",)), '192.0.2.7 posted #2 "physics" #cs'),
        (tweet("a\nb \x1b[31m \u202e"), r'192.0.2.7 posted #2 "a\nb \x1b[31m \u202e"'),
        (tweet(""), "192.0.2.7 posted #2, an empty message"),
    ],
)
def test_a_tweet_is_a_line_of_text_and_an_object(posted: Tweet, text: str) -> None:
    assert TextLines(LineStyle()).tweet(posted, PEER) == f"{AT} {text}"
    shown = {**CLIENT, "by": posted.by, "id": 2, "text": posted.text, "tags": [*posted.tags]}
    assert json.loads(JsonLines().tweet(posted, PEER)) == {"at": NOW, "event": "posted", **shown}


@pytest.mark.parametrize("peer", [PEER, None])
def test_a_tweet_without_a_client_is_the_server_s(peer: Peer | None) -> None:
    assert TextLines(LineStyle()).tweet(tweet("x"), peer) == f'{AT} {"192.0.2.7" if peer else "server"} posted #2 "x"'


def test_the_words_of_a_client_are_escaped_in_every_event() -> None:
    lines = TextLines(LineStyle())
    harmful = "\x1b]0;x\x07\n12:00:00 ann posted #1\u202e"
    for event in (
        Event(events.FOLLOWED, PEER, harmful, tags=[harmful]),
        Event(events.REJECTED, PEER, code="bad_tag", text=harmful),
    ):
        shown = lines.event(NOW, event)
        assert shown is not None
        assert shown.isprintable()
    assert lines.tweet(tweet(harmful, harmful, (harmful,)), PEER).isprintable()


def test_braces_of_a_text_are_no_fields() -> None:
    event = Event(events.REJECTED, PEER, code="bad_tag", text="{code} {0} {")
    assert TextLines(LineStyle()).event(NOW, event) == f"{AT} 192.0.2.7 rejected (bad_tag): {{code}} {{0}} {{"


def test_json_for_a_terminal_is_ascii() -> None:
    assert JsonLines(ascii_only=True).tweet(tweet("\x9b寿"), PEER).isascii()
    assert "寿" in JsonLines().tweet(tweet("寿"), PEER)


def test_colour_marks_time_name_and_what_is_wrong() -> None:
    lines = TextLines(LineStyle(colour=True))
    time_, name = f"\x1b[36m{AT}\x1b[0m", "\x1b[1m192.0.2.7\x1b[0m"
    assert lines.tweet(tweet("x"), PEER) == f'{time_} {name} posted #2 "x"'
    assert lines.event(NOW, Event(events.DELETED, PEER, id=2)) == f"{time_} {name} \x1b[2mdeleted #2\x1b[0m"
    rejected = Event(events.REJECTED, PEER, code="busy", text="full")
    assert lines.event(NOW, rejected) == f"{time_} {name} \x1b[31mrejected (busy): full\x1b[0m"
    assert lines.message(NOW, "error", "no") == f"{time_} \x1b[31mno\x1b[0m"


def test_a_line_is_cut_at_the_width_that_the_terminal_has_now() -> None:
    columns = 40
    lines = TextLines(LineStyle(columns=lambda: columns))
    assert lines.tweet(tweet("x" * 150), PEER) == f'{AT} 192.0.2.7 posted #2 "xxxxxxxxx…'
    columns = 30
    assert lines.tweet(tweet("x" * 150), PEER) == f"{AT} 192.0.2.7 posted #2…"


def test_the_last_line_covers_what_ctrl_c_has_left_on_a_terminal() -> None:
    stopped = Event(events.STOPPED)
    assert TextLines(LineStyle(columns=lambda: 80)).event(NOW, stopped) == f"\r{AT} server stopped"
    assert TextLines(LineStyle()).event(NOW, stopped) == f"{AT} server stopped"


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("寿司x", 5, "寿司x"),
        ("寿司x", 4, "寿…"),
        ("寿司x", 3, "寿…"),
        ("寿司x", 2, "…"),
        ("e\u0301e\u0301", 2, "e\u0301e\u0301"),
        ("ab", 1, "…"),
        ("ab", -5, "…"),
    ],
)
def test_a_text_is_cut_between_characters(text: str, columns: int, shown: str) -> None:
    assert cut(text, columns) == shown


@given(st.text(), st.integers(1, 50))
def test_a_cut_line_fits_the_terminal(text: str, columns: int) -> None:
    assert width_of(cut(text, columns)) <= columns
