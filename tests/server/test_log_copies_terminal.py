"""The server's terminal: each line once, and one that stands still delays no client."""

import logging
import os
import threading

import pytest

from tests.support.guard import GUARD_S
from tests.support.report_files import fill, log_line, pipe, store_with
from ttweet.server.destinations import StderrDestination
from ttweet.server.log_copies import LogCopy
from ttweet.server.terminal_handler import TerminalHandler


def test_the_terminal_shows_each_line_once() -> None:
    store = store_with("one")
    with pipe() as (reader, writer):
        copy = LogCopy(StderrDestination(writer), store, session=1)
        assert copy.catch_up()
        log_line(store, "two")
        assert copy.catch_up()
        assert os.read(reader, 1000) == b"SERVER ALERT [GENERAL] one\nSERVER ALERT [GENERAL] two\n"


def test_a_terminal_that_is_closed_is_no_trouble(caplog: pytest.LogCaptureFixture) -> None:
    store = store_with("one")
    reader, writer = os.pipe()
    os.close(reader)
    copy = LogCopy(StderrDestination(writer), store, session=1)
    assert copy.catch_up()
    log_line(store, "two")
    assert copy.catch_up()
    os.close(writer)
    assert caplog.records == []


def test_a_terminal_that_does_not_block_gets_every_line() -> None:
    texts = [f"{number} ".ljust(1000, "x") for number in range(200)]  # three times what a pipe holds
    with pipe() as (reader, writer):
        fill(writer)
        os.set_blocking(writer, False)
        copying = threading.Thread(target=LogCopy(StderrDestination(writer), store_with(*texts), session=1).catch_up)
        copying.start()
        data = b""
        while data.count(b"\n") < len(texts):
            data += os.read(reader, 65536)
        copying.join(GUARD_S)
    assert [line.removeprefix(b"SERVER ALERT [GENERAL] ").decode() for line in data.lstrip(b"x").splitlines()] == texts


def record_of(text: str) -> logging.LogRecord:
    return logging.LogRecord("ttweet", logging.WARNING, __file__, 1, "%s", (text,), None)


def test_a_log_message_is_shown_whole() -> None:
    long = "x" * 10_000
    with pipe() as (reader, writer):
        handler = TerminalHandler(writer)
        for text in ("ä \ud800", long):
            handler.emit(record_of(text))
        assert os.read(reader, 65536).decode() == f"ttweet: ä \\ud800\nttweet: {long}\n"


def test_a_log_message_steers_no_terminal_and_forges_no_line() -> None:
    with pipe() as (reader, writer):
        TerminalHandler(writer).emit(record_of("trigger \x1b]0;x\x07\nSERVER ALERT [ERROR] forged\u202e"))
        shown = os.read(reader, 65536).decode()
    assert shown == "ttweet: trigger \\x1b]0;x\\x07\\nSERVER ALERT [ERROR] forged\\u202e\n"


def test_a_traceback_steers_no_terminal() -> None:
    record = record_of("failed")
    try:
        raise ValueError("\x1b[2J")
    except ValueError as exc:
        record.exc_info = (ValueError, exc, exc.__traceback__)
    with pipe() as (reader, writer):
        TerminalHandler(writer).emit(record)
        first, *_, last = os.read(reader, 65536).decode().splitlines()
    assert (first, last) == ("ttweet: failed", "ValueError: \\x1b[2J")


def test_a_log_message_waits_for_no_terminal() -> None:
    with pipe() as (reader, writer):
        fill(writer)
        handler = TerminalHandler(writer)
        handler.emit(record_of("lost"))
        assert set(os.read(reader, 65536)) == set(b"x")
        handler.emit(record_of("shown"))
        assert os.read(reader, 65536) == b"ttweet: shown\n"


def test_a_log_message_to_a_terminal_that_is_gone_is_no_trouble() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    TerminalHandler(writer).emit(record_of("lost"))
    os.close(writer)
    TerminalHandler(writer).emit(record_of("lost too"))
