"""Report lines: the vocabulary to the letter, and no text that could forge, break or steer a line."""

import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proofs import report_log

from ttweet.model import reports
from ttweet.model.reports import Report, escape, from_client

PEER = ("127.0.0.1", 52116)
VOCABULARY = [
    (reports.server_started("127.0.0.1"), "SERVER ALERT [GENERAL] SERVER ON HAS INITIALIZED ON IP: 127.0.0.1"),
    (reports.start_failed("127.0.0.1"), "SERVER ALERT [ERROR] SERVER COULD NOT BE STARTED ON IP: 127.0.0.1"),
    (reports.server_stopped(), "SERVER ALERT [CONNECTION] SERVER HAS DISCONNECTED"),
    (
        reports.client_connected(PEER, 1),
        "SERVER ALERT [CONNECTION] NEW CONNECTION OF CLIENT: ('127.0.0.1', 52116) Total: 1",
    ),
    (reports.client_left(PEER), "SERVER ALERT [CONNECTION] DISCONNECTION OF CLIENT: ('127.0.0.1', 52116)"),
    (reports.message_received("hello"), "SERVER ALERT [GENERAL] Message Received: hello"),
    (reports.message_received(""), "SERVER ALERT [GENERAL] Message Received: Empty Message"),
    (
        reports.input_refused(PEER, "bad_tag"),
        "SERVER ALERT [ERROR] INPUT COULD NOT BE PROCESSED FROM CLIENT: ('127.0.0.1', 52116)",
    ),
    (reports.client_activated("127.0.0.1"), "CLIENT ALERT [GENERAL] CLIENT HAS INITIALIZED ON IP: 127.0.0.1"),
    (reports.client_deactivated(), "CLIENT ALERT [GENERAL] CLIENT HAS DISCONNECTED"),
    (reports.message_shown("123123"), "Received Message: 123123"),
    (reports.message_shown(""), "Received Message: Empty Message"),
    (reports.transmission_done(), "Transmission Successfull..."),
]
ESCAPES = [
    ("plain, ä 寿司 🎉 \\ '\"", "plain, ä 寿司 🎉 \\ '\""),
    ("a\nb\rc\td", "a\\nb\\rc\\td"),
    ("\x1b[31mred\x07\x00", "\\x1b[31mred\\x07\\x00"),
    ("\x7f\x85\x9f", "\\x7f\\x85\\x9f"),
    ("\u2028\u2029", "\\u2028\\u2029"),
    ("\u202eevil\u2066\u200f\u061c", "\\u202eevil\\u2066\\u200f\\u061c"),
    ("soft\xadhyphen, \u200b\u2060\ufeff", "soft\\xadhyphen, \\u200b\\u2060\\ufeff"),
    ("\ufff9a\ufffab\ufffb \u180e", "\\ufff9a\\ufffab\\ufffb \\u180e"),
    ("tags \U000e0041\U000e007f", "tags \\U000e0041\\U000e007f"),
    ("fillers \u3164\u115f\u1160\uffa0 \u034f", "fillers \\u3164\\u115f\\u1160\\uffa0 \\u034f"),
    (
        "drawn \u0600\u06dd and \u270c\ufe0f \u845b\U000e0100 stay",
        "drawn \u0600\u06dd and \u270c\ufe0f \u845b\U000e0100 stay",
    ),
    (
        "zero-width non-joiner \u0645\u06cc\u200c\u0631\u0648\u0645 stays",
        "zero-width non-joiner \u0645\u06cc\u200c\u0631\u0648\u0645 stays",
    ),
    ("no-break\xa0space and \u200djoiner stay", "no-break\xa0space and \u200djoiner stay"),
]


@pytest.mark.parametrize(("report", "line"), VOCABULARY, ids=[line for _, line in VOCABULARY])
def test_the_vocabulary_is_that_of_the_first_ttweet(report: Report, line: str) -> None:
    assert report.line == line
    assert repr(report) == f"Report({line!r})"


@pytest.mark.parametrize(("text", "escaped"), ESCAPES, ids=[ascii(text) for text, _ in ESCAPES])
def test_characters_that_break_a_line_or_control_a_terminal_are_escaped(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@given(st.text())
def test_an_escaped_text_is_one_line_and_stays_as_it_is(text: str) -> None:
    assert len(escape(text).splitlines()) <= 1
    assert "\x1b" not in escape(text)
    assert escape(escape(text)) == escape(text)


def test_the_longest_message_stands_whole_in_its_line() -> None:
    assert reports.message_received("\U000e0041" * 150).text == "Message Received: " + "\\U000e0041" * 150


@pytest.mark.no_cover  # a million characters
def test_each_character_of_unicode_is_escaped_as_the_proofs_do_it() -> None:
    for start in range(0, sys.maxunicode + 1, 256):
        text = "".join([f"{chr(point)}\u5bff" for point in range(start, start + 256)])
        assert escape(text) == report_log.escaped(text)


@given(st.text())
def test_a_message_can_forge_no_line(text: str) -> None:
    assert reports.message_received(text).line.splitlines() == [reports.message_received(text).line]


def of_server(text: str) -> Report:
    return Report("SERVER", "GENERAL", text)


LINES = [(of_server, reports.MAX_BYTES), (from_client, reports.MAX_CLIENT_BYTES)]
PIECES = ["a", "é", "寿", "🎉", "\\", "\x1b", "\n", "\u202e"]


@pytest.mark.parametrize(("make", "most"), LINES)
@pytest.mark.parametrize("head", ["-" * length for length in range(7)])
@pytest.mark.parametrize("piece", PIECES, ids=ascii)
def test_a_report_line_is_cut_at_its_limit_of_bytes_behind_a_whole_character_or_escape(
    make: Callable[[str], Report], most: int, head: str, piece: str
) -> None:
    text = make(head + piece * 100_000).text
    shown = escape(piece)
    assert text == head + shown * text.count(shown)
    assert most - len(shown.encode()) - len("\\") < len(text.encode()) <= most


@given(st.text(alphabet="".join(PIECES), max_size=reports.MAX_BYTES))
def test_a_line_is_cut_in_the_same_place_whether_the_client_has_escaped_it_or_not(text: str) -> None:
    assert from_client(escape(text)) == from_client(text)


@pytest.mark.parametrize("start", ["", "Received Message: ", "CLIENT ALERT [ERROR] "])
def test_no_form_of_a_clients_line_is_longer(start: str) -> None:
    assert len(from_client(start + "🎉" * 1000).text.encode()) <= reports.MAX_CLIENT_BYTES


@given(st.text(max_size=150))
def test_the_traces_of_a_text_are_the_lines_that_repeat_it(text: str) -> None:
    told = reports.message_shown(text).line
    assert {reports.message_received(text).text, from_client(told).text, told} <= {*reports.traces(text)}


@pytest.mark.parametrize(
    "line", [line for _, line in VOCABULARY[-5:]] + ["CLIENT ALERT [ERROR] a", "CLIENT ALERT [CONNECTION] "]
)
def test_a_clients_own_lines_are_filed_as_they_are(line: str) -> None:
    assert from_client(line).side == "CLIENT"
    assert from_client(line).line == line


@pytest.mark.parametrize("line", [line for _, line in VOCABULARY[:8]] + ["", "CLIENT ALERT [NONE] a", "client alert"])
def test_no_client_writes_in_the_servers_name(line: str) -> None:
    assert from_client(line).line == f"CLIENT ALERT [GENERAL] {line}"


def test_reports_are_equal_when_their_lines_are() -> None:
    assert reports.server_stopped() == reports.server_stopped()
    assert len({reports.server_stopped(), reports.server_stopped(), reports.client_deactivated()}) == 2
    assert reports.server_stopped() != reports.server_stopped().line


def test_a_lone_surrogate_is_escaped_since_nothing_could_store_it() -> None:
    assert escape("host\udcff\n") == "host\\udcff\\n"
