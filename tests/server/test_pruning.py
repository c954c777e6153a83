"""Removing the oldest tweets: counts follow, ids continue, and followers are notified."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ttweet
from tests.client.test_cursor import Diary, line
from tests.storage.sqlite.test_removal import DAY_MS, NOW, REPORT, check_counts, log, post
from tests.support import processes
from tests.support.in_process import complains, run
from tests.support.memory_store import MemoryStore
from tests.support.processes import running_server
from tests.support.serving import serving
from tests.support.sqlite_files import MANY_BYTES
from tests.support.stored import tweets_after
from ttweet.cli import shell
from ttweet.client.cursor import Cursor
from ttweet.model.times import now_ms
from ttweet.model.tweets import Tombstone, draft
from ttweet.storage.contract import Store
from ttweet.storage.local import LocalStore
from ttweet.storage.sqlite import writer
from ttweet.storage.sqlite.reader import SqliteReader
from ttweet.storage.sqlite.writer import SqliteStore


def opened(path: Path) -> SqliteStore:
    return SqliteStore.open(path, log_limit=MANY_BYTES, at=NOW)


def prune(store: SqliteStore, before: int, since: int | None = None) -> int:
    return LocalStore(store).prune(before, since=since)


def test_tweets_below_the_id_go_with_their_tags_and_report_lines_and_their_keys_stay(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    with closing(opened(path)) as store:
        store.append([draft("old #a #b", key="k")], [], at=NOW - DAY_MS)
        post(store, "older line", at=NOW - DAY_MS)
        post(store, "new #a")
        assert prune(store, 3) == 2
        assert [tweet.text for tweet in tweets_after(store, 0, 9)] == ["new #a"]
        assert [(tag.tag, tag.count) for tag in store.list_tags(limit=9, now=NOW).tags] == [("a", 1)]
        assert log(store) == ["Message Received: new #a"]
        assert (store.count(), store.position().pruned_up_to) == (1, 2)
        again, other = store.append([draft("again", key="k"), draft("other", key="j")], [], at=NOW)
        assert again == Tombstone(1, NOW - DAY_MS)
        assert other.id == 4
        store.settle()
    check_counts(path)


def test_the_key_of_a_tweet_that_went_is_forgotten_with_those_of_its_time(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "t.db")) as store:
        store.append([draft("old", key="k")], [], at=NOW)
        post(store, "next", at=NOW + DAY_MS)
        assert prune(store, 2) == 1
        for day, known in ((7, True), (9, False)):
            post(store, "time passes", at=NOW + day * DAY_MS)
            [tweet] = store.append([draft("again", key="k")], [], at=NOW + day * DAY_MS)
            assert (tweet.id == 1) is known


def test_when_all_are_gone_there_is_no_last_message_and_ids_continue_after_a_restart(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "t.db")) as store:
        post(store, "a #x", "b")
        store.delete(1, REPORT, at=NOW)
        assert prune(store, 2**63 - 1, NOW + 1) == 1
        assert (store.last(), store.count(), store.position().pruned_up_to, log(store)) == (None, 0, 3, [])
    with closing(opened(tmp_path / "t.db")) as store:
        assert (store.last(), store.newest_id()) == (None, 3)
        assert post(store, "c")[0].id == 4


def test_pruning_goes_in_steps_and_continues_after_a_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "PRUNE_STEP", 2)
    with closing(opened(tmp_path / "t.db")) as store:
        post(store, *"abcdef")
        steps: list[int] = []

        def stop_at_second(done: int) -> None:
            steps.append(done)
            if len(steps) == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            LocalStore(store).prune(6, progress=stop_at_second)
        assert steps == [2, 4]
        assert store.position().pruned_up_to == 4
        assert LocalStore(store).prune(6) == 1


def test_a_step_of_tombstones_alone_is_not_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "PRUNE_STEP", 2)
    with closing(opened(tmp_path / "t.db")) as store:
        post(store, *"abcdef")
        for tweet in (1, 2, 4):
            store.delete(tweet, REPORT, at=NOW)
        assert LocalStore(store).prune(6) == 2
        assert store.position().pruned_up_to == 5


def test_no_link_is_looked_through_for_each_tweet_that_goes(tmp_path: Path) -> None:
    """As a foreign key without an index would."""
    costs = []
    for amount in (300, 3000):
        with closing(opened(tmp_path / f"{amount}.db")) as store:
            post(store, *["#a #b"] * amount)
            store.settle()
            steps = 0

            def count() -> None:
                nonlocal steps
                steps += 1

            store._connection.set_progress_handler(count, 1)
            store.prune(100)
            costs.append(steps)
    assert costs[1] < 2 * costs[0]


STEPS = st.lists(
    st.one_of(st.lists(st.sampled_from(["#a", "#A #b", "x", "#B"]), min_size=1, max_size=4), st.integers(1, 20)),
    max_size=20,
)


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_after_any_mixture_of_posts_and_prunings_what_counts_tags_is_what_counting_finds(
    tmp_path_factory: pytest.TempPathFactory, steps: list[list[str] | int]
) -> None:
    path = tmp_path_factory.mktemp("prune") / "t.db"
    newest = gone = 0
    with closing(opened(path)) as store:
        for number, step in enumerate(steps):
            if isinstance(step, list):
                ids = [tweet.id for tweet in post(store, *step, at=NOW + number * DAY_MS // 3)]
                assert ids == list(range(newest + 1, newest + 1 + len(ids)))
                newest = ids[-1]
            else:
                prune(store, step)
                gone = max(gone, min(step - 1, newest))
            assert (store.position().pruned_up_to, store.count()) == (gone, newest - gone)
        store.settle()
    check_counts(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_the_oldest_tweet_that_stays_is_known_by_age_or_by_number(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "t.db")) as store:
        for age in (3, 2, 1, 0):
            post(store, "x", at=NOW - age * DAY_MS)
        store.delete(4, REPORT, at=NOW)
    with closing(SqliteReader(tmp_path / "t.db")) as reader:
        assert reader.oldest_kept(since=NOW - 2 * DAY_MS, now=NOW).before == 2
        assert reader.oldest_kept(since=NOW + 1, now=NOW + 1).before == 2**53
        assert [reader.oldest_kept(last=last, now=NOW).before for last in (1, 2, 3, 4)] == [3, 2, 1, 0]
        assert reader.counts_around(3) == (2, 1)


@pytest.mark.parametrize(
    ("ages", "kept"),
    [
        ([-3650, -3650, 9, 8, 6], 5),  # a clock was ahead: those go with what came after them
        ([-3650, -3650, 6, 5], 1),
        ([9, -3650, 8, -3650, 6], 4),
        ([9, 8, -3650], 3),
        ([3, 2, 9, 1], 1),  # one was behind: what it has not stored itself is young
        ([-20_000, -20_001, 0], 1),  # it is behind
        ([9, 8, 7], None),
    ],
)
def test_a_time_that_cannot_be_counts_as_that_of_the_next_tweet(
    any_store: Store, ages: list[int], kept: int | None
) -> None:
    for age in ages:
        post(any_store, "x", at=NOW - age * DAY_MS)
    first = any_store.oldest_kept(since=NOW - 7 * DAY_MS + 1, now=NOW).before
    assert first == kept if kept else first > len(ages)


def test_report_lines_stay_with_the_tweets_that_stay_also_when_the_oldest_has_a_time_that_cannot_be(
    tmp_path: Path,
) -> None:
    with closing(opened(tmp_path / "t.db")) as store:
        for ahead in (9, 9, 0, 0):
            store.append([draft("x")], [REPORT], at=NOW + ahead * DAY_MS)
        assert store.oldest_kept(before=2, now=NOW - 1).since is None
        assert (since := store.oldest_kept(before=2, now=NOW).since) == NOW
        assert store.prune_lines(since) == 0


@pytest.mark.parametrize(("ages", "left"), [([-9, -9, 9, 8, 1], 1), ([-9, 1, 9, 1], 4), ([9, -9, 1], 2), ([9, 8], 0)])
def test_report_lines_of_a_clock_that_was_ahead_go_with_those_behind_them(
    tmp_path: Path, ages: list[int], left: int
) -> None:
    with closing(opened(tmp_path / "t.db")) as store:
        for age in ages:
            store.append([], [REPORT], at=NOW - age * DAY_MS)
        assert store.prune_lines(NOW - 7 * DAY_MS) == len(ages) - left
        assert len(store.lines_after(0, limit=9)) == left


def test_more_lines_of_a_clock_that_was_ahead_than_go_in_a_step_stop_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "LINES_STEP", 2)
    with closing(opened(tmp_path / "t.db")) as store:
        for age in (*[-9] * 5, 9, 1):
            store.append([], [REPORT], at=NOW - age * DAY_MS)
        assert [store.prune_lines(NOW - 7 * DAY_MS) for _ in range(4)] == [2, 2, 2, 0]
        assert len(store.lines_after(0, limit=9)) == 1


async def test_a_client_that_follows_from_before_the_oldest_learns_what_is_gone() -> None:
    store = MemoryStore()
    post(store, "a", "b", "c")
    del store.tweets[:2]
    store.gone_up_to = 2
    async with serving(store) as here:
        caller = await here.call()
        assert await caller.ask("s", {"after": 1}) == ("ok", {"from": 1, "gone": 2})
        assert [data["id"] for _, data in await caller.answers(2)] == [3, 3]
        assert await caller.ask("s", {"after": 2}) == ("ok", {"from": 2})


def test_a_follower_learns_of_the_gap() -> None:
    class Listener(Diary):
        def on_pruned(self, up_to: int) -> None:
            self.entries.append(f"gone {up_to}")

    diary = Listener()
    Cursor([], 1, diary).receive(line("ok", {"from": 1, "gone": 9}))
    assert diary.entries == ["gone 9"]


# The command


@pytest.fixture
def file(tmp_path: Path) -> Path:
    with ttweet.open(tmp_path / "notes.db") as store:
        for number in range(5):
            store.post(f"{number} #n")
    return tmp_path / "notes.db"


def test_a_dry_run_counts_and_the_next_one_removes(file: Path) -> None:
    arguments = ["prune", "--keep-last", "2", "--db", str(file)]
    assert run(*arguments, "--dry-run").stdout == f"3 tweets would be removed from {file}, 2 kept\n"
    assert processes.run(*arguments).stdout == f"3 tweets removed from {file}, 2 kept\n"
    assert json.loads(run(*arguments, "--json").stdout) == {"removed": 0, "kept": 2, "dry_run": False}
    assert run("tags", "--db", str(file)).stdout.startswith("n\t2\t")


def test_ids_that_are_nobodys_are_not_counted(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DELETE FROM tweets WHERE id IN (2, 4)")
    arguments = ["prune", "--keep-last", "1", "--dry-run", "--db", str(file)]
    assert run(*arguments).stdout == f"2 tweets would be removed from {file}, 1 kept\n"


def test_tweets_that_are_old_enough_go(tmp_path: Path) -> None:
    file, now = tmp_path / "notes.db", now_ms()
    with closing(SqliteStore.open(file, log_limit=9, at=now)) as store:
        for number in range(5):
            post(store, f"{number} #n", at=now - DAY_MS // 2)
    assert run("prune", "--keep", "1d", "--db", str(file)).stdout == f"0 tweets removed from {file}, 5 kept\n"
    with closing(SqliteStore.open(file, log_limit=9, at=now)) as store:
        post(store, "from tomorrow", at=now + DAY_MS)
    assert run("prune", "--keep", "1h", "--db", str(file)).stdout == f"5 tweets removed from {file}, 1 kept\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "missing option: --keep TIME or --keep-last N"),
        (["--keep", "1d", "--keep-last", "1"], "one of them"),
        (["--keep", "90"], "invalid --keep '90'"),
        (["--keep", "0d"], "invalid --keep '0d': it would keep no tweet"),
        (["--keep", "soon"], "invalid --keep 'soon'"),
        (["--keep-last", "0"], "invalid --keep-last '0'"),
    ],
)
def test_an_invalid_command_line_is_reported(file: Path, arguments: list[str], words: str) -> None:
    code, text = complains("prune", *arguments, "--db", str(file))
    assert code == shell.USAGE
    assert words in text


def test_the_file_of_a_running_server_is_left_alone_and_one_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with running_server(tmp_path, "--no-report-file") as server:
        for text in "ab":
            run("post", text, "--server", server.address)
        for keep in (["--keep-last", "1"], ["--keep-last", "9"], ["--keep", "90d"]):  # with and without any to remove
            code, text = complains("prune", *keep, "--db", str(server.db))
            assert code == shell.FAILED
            assert text == (
                f"ttweet: {server.db} is in use by the server with process id {server.process.pid}; "
                f"stop that server: kill {server.process.pid}, or restart it with --keep or --keep-last"
            )
    missing = tmp_path / "none.db"
    assert complains("prune", "--keep-last", "1", "--db", str(missing))[0] == shell.NOTHING
    assert not missing.exists()
