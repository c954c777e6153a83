"""The report log keeps its limit of bytes, whatever lines come, and counts them as the file does."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.sqlite_files import NOW, limited_pages, lines, opened, post, sql
from tests.support.stored import tweets_after
from ttweet.model import reports
from ttweet.model.errors import StoreError
from ttweet.model.reports import Report, from_client, message_deleted, message_received
from ttweet.model.tweets import draft
from ttweet.storage.redaction import redact
from ttweet.storage.sqlite import entries, log_table
from ttweet.storage.sqlite.log_table import ROW_BYTES
from ttweet.storage.sqlite.writer import SqliteStore

LINE_BYTES = len(message_received("a").text) + ROW_BYTES


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.db"


def ids(store: SqliteStore) -> list[int]:
    return [line.id for line in store.lines_after(0, limit=99_999)]


def size(store: SqliteStore) -> int:
    """The bytes of the lines in the file, counted here."""
    rows = store._connection.execute("SELECT text, code, identity, address FROM log").fetchall()
    return sum(ROW_BYTES + sum(len((part or "").encode()) for part in row) for row in rows)


def test_the_log_keeps_its_limit_and_its_newest_lines(path: Path) -> None:
    with opened(path, log_limit=5 * LINE_BYTES) as store:
        store.append([], lines(*"abc"), at=NOW)
        assert ids(store) == [1, 2, 3]
        store.append([], lines(*"defgh"), at=NOW)
        assert ids(store) == [4, 5, 6, 7, 8]
        store.append([], lines(*"abcdefgh"), at=NOW)
        assert ids(store) == [12, 13, 14, 15, 16]


def test_a_line_of_many_bytes_takes_the_place_of_many_lines(path: Path) -> None:
    with opened(path, log_limit=10 * LINE_BYTES) as store:
        store.append([], lines(*"abcdefghij"), at=NOW)
        store.append([], [from_client("\U0001f600" * 1000)], at=NOW)
        assert ids(store) == [7, 8, 9, 10, 11]


def test_a_lower_limit_shortens_the_log_a_bounded_number_at_a_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "PURGE_STEP", 10)
    with opened(path) as store:
        store.append([], lines(*["a"] * 30), at=NOW)
    with opened(path, log_limit=4 * LINE_BYTES) as store:
        left = []
        for _ in range(4):
            post(store, "tick")
            left.append(len(ids(store)))
        assert left == [20, 10, 4, 4]
        store.append([], lines("b"), at=NOW)
        assert ids(store) == [28, 29, 30, 31]


def test_long_lines_cannot_outrun_the_removal_of_short_ones(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "PURGE_STEP", 1)
    limit = 100 * LINE_BYTES
    with opened(path, log_limit=limit) as store:
        store.append([], lines(*["a"] * 100), at=NOW)
        for _ in range(20):
            store.append([], [Report("SERVER", "GENERAL", "x" * 1000)], at=NOW)
            assert limit - 1100 < size(store) <= limit


def test_lines_that_another_program_has_removed_cost_no_others(path: Path) -> None:
    with opened(path, log_limit=10 * LINE_BYTES) as store:
        store.append([], lines(*["a"] * 10), at=NOW)
        sql(path, "DELETE FROM log WHERE id < 9")
        store.append([], lines(*["b"] * 8), at=NOW)
        assert ids(store) == [*range(9, 19)]
        store.append([], lines("b"), at=NOW)
        assert ids(store) == [*range(10, 20)]


def test_a_batch_that_found_no_room_is_not_counted(path: Path) -> None:
    with opened(path, log_limit=1000 * LINE_BYTES) as store:
        store.append([], lines("a"), at=NOW)
        for _ in range(5):
            with limited_pages(store._connection, spare=1), pytest.raises(StoreError, match="full"):
                store.append([], lines(*["a"] * 900), at=NOW)
        store.append([], lines(*["a"] * 999), at=NOW)
        assert ids(store) == [*range(1, 1001)]


TEXTS = st.sampled_from(["", "a", "x" * 150, "\u5bff" * 150, "\x1b" * 150])
REPORTS = st.one_of(
    TEXTS.map(message_received),
    TEXTS.map(lambda text: from_client(reports.message_shown(text).line)),
    st.just(reports.client_connected(("::1", 7), 3)),
    st.just(reports.input_refused(("127.0.0.1", 7), "too_long", "\u5bff")),
)
STEPS = st.lists(st.one_of(st.lists(REPORTS, max_size=4), TEXTS, st.integers(1, 5), st.just("prune")), max_size=20)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_the_lines_are_counted_as_the_file_has_them(
    tmp_path_factory: pytest.TempPathFactory, steps: list[list[Report] | str | int]
) -> None:
    with opened(tmp_path_factory.mktemp("log") / "t.db", log_limit=2000) as store:
        for at, step in enumerate(steps):
            if step == "prune":
                store.prune_lines(at - 2)
            elif isinstance(step, str):
                store.append(tweets := [draft(step)], tweets, at=at)
            elif isinstance(step, list):
                store.append([], step, at=at)
            elif any(tweet.id == step for tweet in tweets_after(store, 0, 99)):
                store.delete(step, message_deleted(step, "ann"), at=at, traces=redact(store, step))
            assert store._entries._lines._kept.size in (None, size(store))


def test_the_bytes_of_a_log_are_counted_once_a_start(path: Path) -> None:
    with opened(path) as store:
        store.append([], lines(*"abc"), at=NOW)
    with opened(path) as store:
        counted: list[str] = []
        store._connection.set_trace_callback(counted.append)
        for _ in range(3):
            store.append([], lines("a"), at=NOW)
        store._connection.set_trace_callback(None)
        assert counted.count(log_table._TOTAL) == 1
