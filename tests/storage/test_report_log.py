"""The contract of a report log: each test runs over every store there is."""

import pytest

from ttweet.model import reports
from ttweet.model.reports import Report
from ttweet.model.tweets import Draft, draft
from ttweet.storage.contract import LogLine, Store

DAY_MS = 86_400_000
NOW = 20_000 * DAY_MS + 1
PEER = ("127.0.0.1", 50000)
LINES: list[Report] = [
    reports.server_started("127.0.0.1"),
    reports.client_connected(PEER, 1),
    reports.message_shown("hello"),
    reports.input_refused(PEER, "token", "ci"),
    reports.transmission_done(),
]


def test_report_lines_are_kept_in_order_as_they_are(any_store: Store) -> None:
    any_store.append([draft("x")], LINES[:2], at=NOW)
    any_store.append([], LINES[2:], at=NOW + 1)
    assert any_store.lines_after(0, limit=10) == [
        LogLine(id_, 1, NOW + (id_ > 2), line.side, line.category, line.text, *(line.details or ()))
        for id_, line in enumerate(LINES, 1)
    ]
    assert [line[-3:] for line in any_store.lines_after(1, limit=3)] == [
        (None, None, PEER[0]),
        (None, None, None),
        ("token", "ci", PEER[0]),
    ]
    assert [line.id for line in any_store.lines_after(2, limit=2)] == [3, 4]
    assert any_store.lines_after(5, limit=2) == []


def test_report_lines_are_chosen_by_category_and_session(any_store: Store) -> None:
    any_store.append([], LINES, at=NOW)
    assert [line.id for line in any_store.lines_after(0, limit=9, categories=["ERROR", "CONNECTION"])] == [2, 4]
    assert [line.id for line in any_store.lines_after(0, limit=9, session=1, categories=["GENERAL"])] == [1]
    assert len(any_store.lines_after(0, limit=9, session=1)) == 5
    assert any_store.lines_after(0, limit=9, session=2) == []


@pytest.mark.parametrize("session", [None, 1])
def test_report_lines_come_as_text_in_the_form_of_sample_txt(any_store: Store, session: int | None) -> None:
    any_store.append([], LINES, at=NOW)
    every = [line.line for line in LINES]
    assert any_store.text_after(0, limit=99, session=session) == ("".join(f"{line}\n" for line in every), 5)
    assert any_store.text_after(1, limit=2, session=session) == (f"{every[1]}\n{every[2]}\n", 3)
    assert any_store.text_after(5, limit=2, session=session) == ("", 5)


@pytest.mark.parametrize(
    ("report", "suffix"),
    [
        (reports.input_refused(PEER, "bad_tag"), f" code=bad_tag address={PEER[0]}"),
        (reports.input_refused(PEER, "token", "ci"), f" code=token address={PEER[0]} identity=ci"),
        (reports.not_secured(PEER, "the client uses TLS, this port does not"), f" code=tls address={PEER[0]}"),
        (reports.client_connected(PEER, 1), ""),
        (reports.server_started("127.0.0.1"), ""),
    ],
)
def test_report_lines_with_details_say_them_behind_the_line(any_store: Store, report: Report, suffix: str) -> None:
    any_store.append([], [report], at=NOW)
    assert any_store.text_after(0, limit=9) == (f"{report.line}\n", 1)
    assert any_store.text_after(0, limit=9, details=True) == (f"{report.line}{suffix}\n", 1)


BEFORE = reports.server_started("127.0.0.1")
PLAIN = [draft("one #tag"), draft("zw\u00f6lf \U0001f600"), draft("150 " * 37)]


@pytest.mark.parametrize(
    ("drafts", "lines"),
    [
        (PLAIN, PLAIN),
        (PLAIN, PLAIN[:2]),
        (PLAIN, [BEFORE, *PLAIN]),
        ([*PLAIN, draft("")], [*PLAIN, draft("")]),
        ([*PLAIN, draft("two\nlines")], [*PLAIN, draft("two\nlines")]),
        ([*PLAIN, draft("seen \u200b not")], [*PLAIN, draft("seen \u200b not")]),
        ([draft("once", key="k"), draft("again", key="k")], [draft("once", key="k"), draft("again", key="k")]),
        ([], [draft("of a batch before")]),
    ],
)
def test_a_draft_among_the_lines_stands_for_the_line_of_its_arrival(
    any_store: Store, drafts: list[Draft], lines: list[Report | Draft]
) -> None:
    expected = [reports.message_received(one.text) if isinstance(one, Draft) else one for one in lines]
    for times in (1, 2):
        any_store.append([*drafts, draft("untold")], [BEFORE], at=NOW)
        any_store.append(drafts, lines, at=NOW + 1)
        found = any_store.lines_after(0, limit=99)
        assert [line.id for line in found] == [*range(1, len(found) + 1)]
        assert [(line.session, line.side, line.category, line.text) for line in found] == times * [
            (any_store.session, one.side, one.category, one.text) for one in [BEFORE, *expected]
        ]
        assert {line.at for line in found} == {NOW, NOW + 1}
