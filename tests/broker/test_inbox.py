"""What waits to be written is bounded by number and by bytes, and counted to the byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttweet.broker import inbox as inbox_module
from ttweet.broker.inbox import Inbox
from ttweet.broker.receipts import Receipt
from ttweet.model import reports
from ttweet.model.reports import Report
from ttweet.model.tweets import draft


class Nobody:
    def answered(self) -> None:
        raise AssertionError("nothing is decided here")


def a_draft(*tags: str) -> Receipt:
    return Receipt(draft("text", tags=tags), a_line("text"), Nobody())


def a_line(text: str) -> Report:
    return reports.message_received(text)


def test_drafts_with_many_long_tags_wait_in_smaller_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_module, "MAX_WAITING_BYTES", 100_000)
    plain, fat = Inbox(), Inbox()
    while plain.has_room:
        plain.append(a_draft())
    while fat.has_room:
        fat.append(a_draft(*[f"{number:0140}" for number in range(32)]))
    assert (plain.drafts, fat.drafts) == (98, 6)
    fat.take()
    assert fat.has_room


def test_long_report_lines_wait_in_smaller_numbers_and_the_others_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_module, "MAX_LINE_BYTES", 10_000)
    inbox = Inbox()
    taken = [inbox.report(a_line("x" * 854)) for _ in range(20)]
    assert taken == [True] * 10 + [False] * 10
    assert not inbox.has_room
    assert (inbox.take_lost(), inbox.take_lost()) == (10, 0)


@pytest.mark.parametrize(("limit", "value", "kept"), [("MAX_HELD_BYTES", 1_500, 3), ("MAX_HELD_LINES", 2, 2)])
def test_of_lines_that_could_not_be_stored_the_newest_are_kept_before_those_that_came_since(
    limit: str, value: int, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_module, limit, value)
    inbox = Inbox()
    old = [a_line(f"{number}".rjust(300)) for number in range(5)]
    for line in old:
        inbox.report(line)
    _, lines = inbox.take()
    inbox.report(a_line("new"))
    inbox.hold(lines)
    assert inbox.take_lost() == 5 - kept
    assert inbox.take_all() == ([], [*old[-kept:], a_line("new")])


def test_no_line_is_kept_that_is_longer_than_all_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_module, "MAX_HELD_BYTES", 100)
    inbox = Inbox()
    inbox.hold([a_line("x" * 100)])
    assert (len(inbox), inbox.lost) == (0, 1)


@given(st.lists(st.sampled_from(["draft", "tagged", "line", "take", "take_all", "hold", "drop_reports"]), max_size=40))
def test_the_bytes_of_what_waits_are_counted_whatever_happens(steps: list[str]) -> None:
    inbox = Inbox()
    lines: list[Receipt | Report] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inbox_module, "MAX_BATCH", 2)
        for step in steps:
            match step:
                case "draft":
                    inbox.append(a_draft())
                case "tagged":
                    inbox.append(a_draft("a", "bc"))
                case "line":
                    inbox.report(a_line("text"))
                case "hold":
                    inbox.hold(lines)
                    lines = []
                case "drop_reports":
                    inbox.drop_reports()
                case _:
                    batch, lines = getattr(inbox, step)()
                    assert batch == [line for line in lines if isinstance(line, Receipt)]
    fresh = Inbox()
    for line in inbox._lines:
        fresh.append(line) if isinstance(line, Receipt) else fresh.report(line)
    counts = [(one.drafts, one._draft_bytes, one._line_bytes, len(one)) for one in (inbox, fresh)]
    assert counts[0] == counts[1]
