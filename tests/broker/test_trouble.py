"""A store that cannot answer is reported to the operator, and does not fill the log."""

import pytest
import trio.testing

from ttweet.broker.trouble import UNREAD_INTERVAL_S, Trouble
from ttweet.model.errors import StoreError

DAMAGED = StoreError("internal", "the database is damaged")
FULL = StoreError("full", "the disk is full")


async def test_failed_reads_are_logged_once_a_minute_with_their_number(
    caplog: pytest.LogCaptureFixture, mock_clock: trio.testing.MockClock
) -> None:
    trouble = Trouble()
    for _ in range(1000):
        trouble.note_unread(DAMAGED)
    mock_clock.jump(UNREAD_INTERVAL_S)
    trouble.note_unread(DAMAGED)
    told = "cannot read: the database is damaged; failed queries and followers so far: "
    assert caplog.messages == [f"{told}1", f"{told}1001"]


async def test_a_failed_read_is_shown_for_a_minute(mock_clock: trio.testing.MockClock) -> None:
    trouble = Trouble()
    assert trouble.text == ""
    trouble.note_unread(DAMAGED)
    mock_clock.jump(UNREAD_INTERVAL_S - 1)
    assert trouble.text == "cannot read: the database is damaged"
    mock_clock.jump(1)
    assert trouble.text == ""


async def test_that_nothing_is_stored_is_shown_before_a_failed_read() -> None:
    trouble = Trouble()
    trouble.note(FULL)
    trouble.note_unread(DAMAGED)
    assert trouble.text == FULL.text
    trouble.end()
    assert trouble.text == "cannot read: the database is damaged"
