import json
import sys

import pytest

from tests.support.terminal import TerminalText
from ttweet.cli import output
from ttweet.model.tweets import TagSummary, Tweet
from ttweet.storage.contract import LogLine

AT = 1_795_446_500_023
NASTY = "\x1b[31m\tred\u202e\nline\x9b"


def test_time_is_utc_to_the_millisecond() -> None:
    assert output.iso(AT) == "2026-11-23T15:08:20.023Z"
    assert output.iso(0) == "1970-01-01T00:00:00.000Z"


def test_in_a_pipe_every_tweet_is_one_line_of_columns(capsys: pytest.CaptureFixture[str]) -> None:
    output.write_tweets([Tweet(7, AT, None, NASTY, ()), Tweet(8, AT, "matt", "寿司", ())], now=AT)
    assert capsys.readouterr().out == (
        "7\t2026-11-23T15:08:20.023Z\t-\t\\x1b[31m\\tred\\u202e\\nline\\x9b\n8\t2026-11-23T15:08:20.023Z\tmatt\t寿司\n"
    )


def test_in_a_pipe_every_tag_is_one_line_of_columns(capsys: pytest.CaptureFixture[str]) -> None:
    output.write_tags([TagSummary("寿司", 1234, AT, [0] * 14)], now=AT)
    assert capsys.readouterr().out == "寿司\t1234\t2026-11-23T15:08:20.023Z\n"


def test_in_a_pipe_every_report_is_one_line_of_columns(capsys: pytest.CaptureFixture[str]) -> None:
    output.write_log([LogLine(1, 3, AT, "SERVER", "ERROR", "x"), LogLine(2, 3, AT, "CLIENT", None, "y")])
    assert capsys.readouterr().out == (
        "3\t2026-11-23T15:08:20.023Z\tSERVER ALERT [ERROR] x\n3\t2026-11-23T15:08:20.023Z\ty\n"
    )


def test_json_is_one_object_a_line_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    output.write_json({"text": "寿司\n"})
    assert capsys.readouterr().out == '{"text":"寿司\\n"}\n'


def test_json_steers_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = TerminalText()
    monkeypatch.setattr(sys, "stdout", terminal)
    output.write_json({"text": NASTY})
    assert terminal.getvalue().isascii()
    assert terminal.getvalue().removesuffix("\n").isprintable()
    assert json.loads(terminal.getvalue()) == {"text": NASTY}


def test_a_stream_without_a_reader_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    output.write_json({})
    output.write_tags([TagSummary("x", 1, AT, [])], now=AT)


def test_a_terminal_gets_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = TerminalText()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "dumb")
    output.write_tweets([Tweet(7, AT, None, NASTY, ())], now=AT + 1000)
    output.write_tags([TagSummary("寿司", 1234, AT, [0] * 14)], now=AT + 1000)
    output.write_log([LogLine(1, 3, AT, "SERVER", "ERROR", "x")])
    seen = [line.rstrip() for line in terminal.getvalue().splitlines()]
    assert seen[0] == "#7  1 s  \\x1b[31m\\tred\\u202e\\nline\\x9b"
    assert seen[2] == "#寿司   1,234     1 s  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁"
    assert seen[-1].endswith("SERVER ALERT [ERROR] x")
