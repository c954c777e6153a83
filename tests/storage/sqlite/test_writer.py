"""The store in SQLite: sessions, crashes, faults of the disk, keys, tags and report lines over many starts."""

import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.memory_store import MemoryStore
from tests.support.sqlite_files import (
    DAY_MS,
    MANY_BYTES,
    NOW,
    limited_file_size,
    limited_pages,
    lines,
    opened,
    post,
    sql,
    sqlite_utils,
    texts,
)
from tests.support.stored import tweets_after
from ttweet.model.errors import OpenError, StoreError
from ttweet.model.reports import Report
from ttweet.model.tweets import Draft, Tweet, draft
from ttweet.storage.sqlite import connections, entries, tag_index, tag_table
from ttweet.storage.sqlite.reader import Queries, SqliteReader
from ttweet.storage.sqlite.writer import SqliteStore

# Sessions, stops and crashes


def sessions(path: Path) -> list[tuple[object, ...]]:
    return sql(path, "SELECT id, started, stopped, how, first_line FROM sessions ORDER BY id")


def test_a_session_that_was_ended_leaves_nothing_to_recover(path: Path) -> None:
    with opened(path, at=NOW) as store, closing(store.reader()) as reader:
        store.append([draft("a")], lines("a"), at=NOW + 1)
        store.end_session("stopped", at=NOW + 2)
        assert path.with_name("tweets.db-wal").stat().st_size == 0
        assert texts(reader) == ["a"]
    assert sorted(file.name for file in path.parent.iterdir()) == ["tweets.db", "tweets.db.lock"]
    assert sessions(path) == [(1, NOW, NOW + 2, "stopped", 1)]


def test_a_reader_in_the_way_does_not_keep_a_session_from_ending(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "BUSY_TIMEOUT_S", 0.01)
    with closing(sqlite3.connect(path, isolation_level=None)) as shell, opened(path) as store:
        post(store, "a")
        shell.execute("BEGIN")
        shell.execute("SELECT * FROM tweets").fetchall()
        post(store, "b")
        store.end_session("stopped", at=NOW)
    assert sessions(path)[0][3] == "stopped"
    with opened(path) as store:
        assert texts(store) == ["a", "b"]


def test_a_session_that_was_not_ended_has_crashed(path: Path) -> None:
    with opened(path) as store:
        store.append([], lines("a", "b"), at=NOW)
    with opened(path, at=NOW + 9) as store:
        assert store.session == store.last_session() == 2
        store.end_session("failed", at=NOW + 10)
    assert sessions(path) == [(1, NOW, None, "crashed", 1), (2, NOW + 9, NOW + 10, "failed", 3)]


def test_report_lines_of_one_session_are_found_among_many(path: Path) -> None:
    for number in (1, 2, 3):
        with opened(path) as store:
            if number != 2:
                store.append([], lines(*["line"] * number), at=NOW)
    with closing(SqliteReader(path)) as reader:
        found = {
            number: [line.id for line in reader.lines_after(0, limit=9, session=number)] for number in (1, 2, 3, 4)
        }
        assert found == {1: [1], 2: [], 3: [2, 3, 4], 4: []}
        assert reader.text_after(0, limit=9, session=3)[1] == 4
        assert [line.session for line in reader.lines_after(0, limit=9)] == [1, 3, 3, 3]


POST_AND_WAIT = """
import sys
from pathlib import Path
from ttweet.storage.sqlite.writer import SqliteStore
from ttweet.model.tweets import draft

store = SqliteStore.open(Path(sys.argv[1]), log_limit=100_000, at=1)
for number in range(20):
    store.append([draft(f"{number} #crash", key=str(number))], [], at=2)
    print(number, flush=True)
sys.stdin.read()
"""


def test_every_tweet_that_a_killed_server_acknowledged_is_there(path: Path) -> None:
    command = [sys.executable, "-c", POST_AND_WAIT, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert [server.stdout.readline() for _ in range(20)] == [f"{number}\n" for number in range(20)]
        with pytest.raises(OpenError, match=f"process id {server.pid};"):
            SqliteStore.open(path, log_limit=1, at=NOW)
        server.send_signal(signal.SIGKILL)
    assert path.with_name("tweets.db-wal").stat().st_size > 0
    with opened(path) as store:
        alone = shutil.copy(path, path.with_name("without-wal.db"))
        assert sql(Path(alone), "SELECT count(*) FROM tweets") == [(20,)]
        assert [tweet.id for tweet in tweets_after(store, 0, 99)] == [*range(1, 21)]
        assert post(store, "again", at=3, key="7")[0].text == "7 #crash"
        assert sessions(path)[0][3] == "crashed"


def test_another_process_does_not_delete_the_wal_after_a_reader_was_closed(store: SqliteStore, path: Path) -> None:
    store.reader().close()
    post(store, "a")
    wal = path.with_name("tweets.db-wal").stat().st_ino
    shell = (
        "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM tweets').fetchone())"
    )
    assert subprocess.check_output([sys.executable, "-c", shell, path], text=True) == "1\n"
    assert path.with_name("tweets.db-wal").stat().st_ino == wal
    post(store, "b")
    assert sql(path, "SELECT count(*) FROM tweets") == [(2,)]


def test_other_programs_read_while_the_server_is_running(store: SqliteStore, path: Path) -> None:
    post(store, "hello #world")
    assert '"text": "hello #world"' in sqlite_utils("query", path, "SELECT * FROM timeline")


# Faults of the disk


def test_a_full_disk_refuses_and_takes_tweets_again_when_there_is_room(store: SqliteStore) -> None:
    post(store, "before #a")
    with limited_pages(store._connection, spare=2):
        for _ in range(2):
            with pytest.raises(StoreError, match="the disk of the database is full") as refusal:
                store.append([draft("x" * 120 + f" #t{n}", key=str(n)) for n in range(500)], lines("lost"), at=NOW)
            assert (refusal.value.code, refusal.value.may_pass) == ("full", True)
        assert texts(store) == ["before #a"]
        assert post(store, "a small one fits #t7")[0].id == 2
    assert post(store, "after #a #t7")[0].id == 3
    assert [(tag.tag, tag.count) for tag in store.list_tags(limit=9, now=NOW).tags] == [("a", 2), ("t7", 2)]
    assert store.lines_after(0, limit=9) == []


def test_another_writer_makes_the_store_busy_for_as_long_as_it_holds_on(store: SqliteStore, path: Path) -> None:
    store._connection.execute("PRAGMA busy_timeout = 10")
    with closing(sqlite3.connect(path, isolation_level=None)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process") as refusal:
            post(store, "a")
        assert (refusal.value.code, refusal.value.may_pass) == ("busy", True)
        assert store.count() == 0
    assert post(store, "a")[0].id == 1


def test_an_input_output_error_at_commit_leaves_the_outcome_unknown(path: Path) -> None:
    with opened(path) as store:
        post(store, "safe")
        size = path.with_name("tweets.db-wal").stat().st_size
        with limited_file_size(size), pytest.raises(StoreError, match="disk I/O error") as refusal:
            post(store, "perhaps")
        assert (refusal.value.code, refusal.value.may_pass) == ("unknown", False)
        with pytest.raises(StoreError, match="takes no more") as after:
            post(store, "not any more")
        assert after.value.code == "internal"
        with pytest.raises(StoreError):
            store.end_session("failed", at=NOW)
    with opened(path) as store:
        assert texts(store)[0] == "safe"
        assert sessions(path)[0][3] == "crashed"


def test_a_broken_store_writes_nothing_and_takes_no_more(store: SqliteStore, path: Path) -> None:
    store._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match="attempt to write a readonly database") as refusal:
        store.append([draft("a")], lines("a"), at=NOW)
    assert (refusal.value.code, refusal.value.may_pass) == ("internal", False)
    assert store.count() == 0
    with pytest.raises(StoreError, match="takes no more since it failed"):
        post(store, "b")
    sql(path, "DROP TABLE log")
    with pytest.raises(StoreError, match="no such table") as reading:
        store.lines_after(0, limit=1)
    assert reading.value.code == "internal"


def test_a_mistake_in_a_batch_is_rolled_back_and_passed_on(store: SqliteStore) -> None:
    class Mistake(Report):
        @property
        def details(self) -> None:  # type: ignore[override]
            raise RuntimeError("a mistake")

    with pytest.raises(RuntimeError, match="a mistake"):
        store.append([draft("a #t")], [Mistake.__new__(Mistake)], at=NOW)
    assert post(store, "b #t") == [Tweet(1, NOW, None, "b #t", ("t",))]
    assert store.list_tags(limit=1, now=NOW).tags[0].count == 1


def test_a_write_back_that_fails_at_the_end_is_reported(store: SqliteStore, path: Path) -> None:
    post(store, *["some text #tag"] * 2000)
    assert connections.checkpoint(store._connection)
    post(store, *["some text #tag"] * 200)
    with limited_file_size(path.stat().st_size), pytest.raises(StoreError, match="disk I/O error"):
        store.end_session("stopped", at=NOW)
    assert sessions(path)[0][3] == "stopped"


# Keys


def test_a_key_is_remembered_over_a_restart(path: Path) -> None:
    with opened(path) as store:
        post(store, "a #t", key="k")
    with opened(path) as store:
        assert post(store, "b", key="k") == [Tweet(1, NOW, None, "a #t", ("t",))]


def test_keys_are_forgotten_after_a_week_a_bounded_number_at_a_time(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "PURGE_STEP", 3)
    store.append([draft("old", key=f"old {number}") for number in range(10)], [], at=NOW)
    later = NOW + 7 * DAY_MS
    assert post(store, "b", key="old 0", at=later)[0].id == 1  # a week to the millisecond is not too old
    counts = []
    for minute in range(1, 7):
        post(store, "tick", at=later + minute * 60_000)
        counts += sql(path, "SELECT count(*) FROM keys")
    assert counts == [(6,), (2,), (0,), (0,), (0,), (0,)]
    assert post(store, "new", key="old 0", at=later + 7 * 60_000)[0].text == "new"


def test_keys_are_forgotten_when_the_clock_jumps_ahead_by_more_than_a_week(store: SqliteStore) -> None:
    post(store, "just now", key="k")
    post(store, "a week ahead", at=NOW + 7 * DAY_MS + 1)
    assert post(store, "again", key="k", at=NOW + 7 * DAY_MS + 2)[0].text == "again"


def test_keys_are_forgotten_when_the_clock_was_put_back(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "PURGE_STEP", 3)
    for number in range(8):
        post(store, "from the future", key=f"ahead {number}", at=NOW + 1000 * DAY_MS)
    for number in range(8):
        post(store, "old", key=f"old {number}", at=NOW)
    for minute in range(8):
        post(store, "now", at=NOW + 8 * DAY_MS + minute * 60_000)
    assert sql(path, "SELECT * FROM keys") == []


def test_no_key_is_forgotten_for_a_clock_that_is_behind(store: SqliteStore, path: Path) -> None:
    for number in range(8):
        post(store, "in time", key=f"in time {number}")
    for at in (0, 60_000, NOW, NOW + 7 * DAY_MS):
        post(store, "behind, then put right", at=at)
        assert sql(path, "SELECT count(*) FROM keys") == [(8,)]


# Tags


def test_ids_are_not_given_twice_not_even_after_a_delete_by_hand(path: Path) -> None:
    with opened(path) as store:
        store.append([draft("a"), draft("b")], lines("a", "b"), at=NOW)
    with opened(path):
        pass
    sql(path, "DELETE FROM tweets", "DELETE FROM log")
    with opened(path) as store:
        [tweet] = store.append([draft("c")], lines("c"), at=NOW)
        assert (tweet.id, store.lines_after(0, limit=9)[0].id) == (3, 3)


@pytest.mark.parametrize(("limit", "value"), [("MAX_CACHED", 3), ("MAX_CACHED_BYTES", 3 * 70)])
def test_tags_beyond_the_cache_are_counted_as_well(
    limit: str, value: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tag_table, limit, value)
    for _ in range(2):
        with opened(path) as store:
            for first in range(0, 20, 4):
                post(store, *[f"#t{number} #all" for number in range(first, first + 6)])
                store.settle()
                table = store._entries._tags._table
                assert len(table._cache) == 3
                assert table._cached_bytes == sum(64 + 2 * len(key) for key in table._cache)
    with closing(SqliteReader(path)) as reader:
        counts = {tag.tag: tag.count for tag in reader.list_tags(limit=99, now=NOW).tags}
    one_pass = Counter(number for first in range(0, 20, 4) for number in range(first, first + 6))
    assert counts == {"all": 60} | {f"t{number}": 2 * count for number, count in one_pass.items()}


def test_a_spelling_passes_another_over_a_restart(path: Path) -> None:
    with opened(path) as store:
        post(store, "#Go", "#Go", "#GO")
    with opened(path) as store:
        post(store, "#GO")
        assert store.list_tags(limit=1, now=NOW).tags[0].tag == "Go"
        post(store, "#GO")
        assert store.list_tags(limit=1, now=NOW).tags[0].tag == "GO"
        store.settle()
        assert sql(path, "SELECT spelling, count FROM spellings") == [("Go", 2)]
        assert sql(path, "SELECT spelling, spelling_count, count FROM tags") == [("GO", 3, 5)]


def test_a_tag_with_very_many_spellings_is_no_slower_to_count(store: SqliteStore) -> None:
    def spelled(number: int) -> str:
        return "".join(letter.upper() if number >> place & 1 else letter for place, letter in enumerate("abcdefghijkl"))

    def steps(text: str) -> int:
        count = 0

        def step() -> None:
            nonlocal count
            count += 1

        store._connection.set_progress_handler(step, 1)
        post(store, text)
        store._connection.set_progress_handler(None, 1)
        return count

    post(store, *[f"#{spelled(number)}" for number in range(8)])
    few = steps(f"#{spelled(4000)}")
    post(store, *[f"#{spelled(number)}" for number in range(3000)])
    assert abs(steps(f"#{spelled(4001)}") - few) < 20


# All of it against a model


TAGS = st.sampled_from(["#a", "#A", "#b", "#B", "#1", "#café", "#CAFÉ", "#c #d #C", ""])
DRAFTS = st.builds(
    lambda text, tag, key, by: draft(f"{text}{tag}", key=key, by=by),
    st.sampled_from(["", "hello ", "😀 "]),
    TAGS,
    st.sampled_from([None, None, "k1", "k2"]),
    st.sampled_from([None, "ann"]),
)
STEPS = st.lists(st.one_of(st.lists(DRAFTS, max_size=6), st.sampled_from(["reopen", "settle", "full"])), max_size=12)


def seen(store: Queries | MemoryStore) -> list[object]:
    """All that a reader can ask, but which of two equally frequent spellings a tag shows."""
    listed = store.list_tags(limit=99, now=NOW, numbers=True).tags
    tags = [(tag.tag.casefold(), tag.count, tag.newest, tag.days) for tag in listed]
    pages = [store.tweets_of_tag(key, limit=limit, before=9) for key in ("a", "b", "1", "café") for limit in (2, 99)]
    either = [tweets_after(store, cursor, limit, keys=["a", "1", "c"]) for cursor in (0, 4) for limit in (3, 99)]
    tweets = [store.count(), tweets_after(store, 0, 999), tweets_after(store, 3, 2)]
    return [*tweets, sorted(tags), pages, either]


@settings(max_examples=60, deadline=None)
@given(STEPS, st.sampled_from([1, 4, 1000]))
def test_any_history_reads_as_in_the_model(steps: list[list[Draft] | str], chunk: int) -> None:
    """Whether tags are indexed at once or later, by the writer and by a reader that stays."""
    model = MemoryStore()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(tag_index, "CHUNK_TWEETS", chunk)
        path = Path(folder) / "tweets.db"
        store = SqliteStore.open(path, log_limit=MANY_BYTES, at=NOW)
        reader = store.reader()
        try:
            for number, step in enumerate(steps):
                if step == "reopen":
                    store.close()
                    store = SqliteStore.open(path, log_limit=MANY_BYTES, at=NOW)
                elif step == "settle":
                    store.settle()
                elif isinstance(step, str):
                    with limited_pages(store._connection, spare=1), pytest.raises(StoreError, match="full"):
                        post(store, *[f"{'x' * 140} #a{n}" for n in range(100)])
                else:
                    assert store.append(step, [], at=NOW + number) == model.append(step, [], at=NOW + number)
                assert seen(reader) == seen(model)
            assert seen(store) == seen(model)
        finally:
            reader.close()
            store.close()
