"""Saving a damaged file: all tweets outside the lost pages, and the ids of those inside."""

import re
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.processes import run
from tests.support.sqlite_files import NOW, opened, post, sql
from ttweet.cli import shell
from ttweet.model.errors import OpenError
from ttweet.model.reports import Report
from ttweet.model.tweets import Entry, Tweet
from ttweet.storage.sqlite.connections import connect_reader
from ttweet.storage.sqlite.reader import SqliteReader
from ttweet.storage.sqlite.salvage import Salvage

COUNT = 2_000
PAGE_BYTES = 4096
FAR = 2**52


@pytest.fixture
def stopped(path: Path) -> Path:
    """A file of so many tweets that they fill many pages, one of them deleted."""
    with opened(path) as store:
        post(store, *[f"number {number} of some that fill many pages #tag" for number in range(1, COUNT + 1)])
        store.delete(7, Report("SERVER", "GENERAL", "gone"), at=NOW)
        store.end_session("stopped", at=NOW)
    return path


def saved(path: Path) -> tuple[list[Entry], list[tuple[int, int]]]:
    """Return what a damaged file still has, and the gaps."""
    with closing(Salvage(path)) as salvage:
        entries, cursor = [], 0
        while page := salvage.entries_after(cursor, 256):
            entries += page
            cursor = page[-1].id
        return entries, salvage.lost


def whole(path: Path) -> list[Entry]:
    with closing(SqliteReader(path)) as reader:
        return reader.entries_after(0, COUNT * 2)


def overwrite(path: Path, page: int) -> None:
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE_BYTES)
        file.write(b"\xff" * PAGE_BYTES)


def root(path: Path, table: str) -> int:
    [[page]] = sql(path, f"SELECT rootpage FROM sqlite_master WHERE name = '{table}'")
    assert isinstance(page, int)
    return page


def lose_page_with(path: Path, text: bytes) -> None:
    overwrite(path, path.read_bytes().index(text) // PAGE_BYTES + 1)


def outside(gaps: list[tuple[int, int]], entries: list[Entry]) -> list[Entry]:
    return [entry for entry in entries if not any(first <= entry.id <= last for first, last in gaps)]


def test_everything_in_a_whole_file_is_read(stopped: Path) -> None:
    assert saved(stopped) == (whole(stopped), [])


def test_a_lost_page_is_reported_and_all_other_tweets_are_read(stopped: Path) -> None:
    before = whole(stopped)
    for number in (300, 1200):
        lose_page_with(stopped, b"number %d of" % number)
    entries, gaps = saved(stopped)
    assert [first <= number <= last for (first, last), number in zip(gaps, (300, 1200), strict=True)] == [True, True]
    assert entries == outside(gaps, before)


def test_the_rest_of_a_file_that_was_cut_short_is_read(stopped: Path) -> None:
    before = whole(stopped)
    with stopped.open("r+b") as file:
        file.truncate(stopped.stat().st_size // 2)
    entries, gaps = saved(stopped)
    assert entries == outside(gaps, before)
    assert COUNT / 10 < len(entries) < COUNT


def test_a_file_of_which_nothing_can_be_read_is_closed(stopped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = connect_reader(stopped)
    monkeypatch.setattr("ttweet.storage.sqlite.salvage.connect_reader", lambda *_, **__: connection)
    for table in ("sqlite_sequence", "tweets"):
        overwrite(stopped, root(stopped, table))
    with pytest.raises(OpenError, match="nothing can be read"):
        Salvage(stopped)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


@pytest.mark.parametrize("left", [9_000, 44_000])
def test_the_next_step_after_a_file_of_which_nothing_can_be_read_is_reported(stopped: Path, left: int) -> None:
    with stopped.open("r+b") as file:
        file.truncate(left)
    done = run("export", "--salvage", "saved.jsonl", "--db", str(stopped), cwd=stopped.parent)
    assert (done.returncode, done.stdout) == (shell.FAILED, "")
    assert done.stderr.startswith(f"ttweet: nothing can be read of {stopped}; replace it with a backup, or")
    assert f"sqlite3 {stopped} .recover | sqlite3 saved.db, then ttweet check saved.db" in done.stderr
    assert "export --salvage" not in done.stderr
    assert not (stopped.parent / "saved.jsonl").exists()


def test_a_deleted_tweet_stays_deleted_when_the_table_of_deletions_is_lost(stopped: Path) -> None:
    before = whole(stopped)
    overwrite(stopped, root(stopped, "deletions"))
    assert saved(stopped) == ([entry for entry in before if isinstance(entry, Tweet)], [])


def test_the_newest_id_is_known_when_the_table_that_counts_is_lost(stopped: Path) -> None:
    before = whole(stopped)
    overwrite(stopped, root(stopped, "sqlite_sequence"))
    entries, _ = saved(stopped)
    assert entries == before[:-1]  # the deletion has an id beyond those of tweets


@pytest.mark.parametrize(
    "change", ["text = CAST(x'ff' AS TEXT)", "text = char(0)", "author = 'two words'", "tags = 'a-b'"]
)
def test_a_row_that_no_server_has_written_is_passed_over(stopped: Path, change: str) -> None:
    before = whole(stopped)
    sql(stopped, f"UPDATE tweets SET {change} WHERE id = 1000")
    assert saved(stopped) == (before[:999] + before[1000:], [(1000, 1000)])


MAX_READS = 50_000  # for a gap of 2^53 ids, a second or two


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Where a salvage reads; too many reads end the test."""
    places: list[int] = []
    sound = Salvage._sound

    def counted(self: Salvage, cursor: int, limit: int) -> list[Entry] | None:
        places.append(cursor)
        assert len(places) < MAX_READS
        return sound(self, cursor, limit)

    monkeypatch.setattr(Salvage, "_sound", counted)
    return places


def after_a_gap_of_ids(path: Path, count: int) -> list[int]:
    """Give the last tweets ids far beyond all others, as an import may; returns these ids."""
    sql(
        path,
        f"UPDATE tweets SET id = id + {FAR} WHERE id > {COUNT - count}",
        f"UPDATE sqlite_sequence SET seq = {FAR * 2}",
    )
    return [FAR + COUNT - number for number in range(count - 1, -1, -1)]


def ids(entries: list[Entry]) -> list[int]:
    return [entry.id for entry in entries]


def test_a_wrong_row_after_a_gap_of_ids_is_passed_over_at_once(stopped: Path, reads: list[int]) -> None:
    far = after_a_gap_of_ids(stopped, 9)
    sql(stopped, f"UPDATE tweets SET text = char(0) WHERE id = {far[0]}")
    entries, gaps = saved(stopped)
    assert (ids(entries)[-9:], gaps) == ([COUNT + 1, *far[1:]], [(COUNT + 2, far[0])])  # after the deletion
    assert len(reads) < 100


def test_a_lost_page_before_a_gap_of_ids_is_passed_over_by_growing_steps(stopped: Path, reads: list[int]) -> None:
    far = after_a_gap_of_ids(stopped, 300)
    lose_page_with(stopped, b"number %d of" % (COUNT - 150))
    entries, gaps = saved(stopped)
    assert ids(entries)[-1] == far[-1]
    assert len(gaps) == 1
    assert len(reads) < MAX_READS


def test_a_lost_last_page_of_far_ids_ends_the_salvage(stopped: Path, reads: list[int]) -> None:
    far = after_a_gap_of_ids(stopped, 9)
    lose_page_with(stopped, b"number %d of" % COUNT)
    entries, gaps = saved(stopped)
    assert COUNT - 200 < ids(entries)[-1] < far[0]
    assert gaps == [(ids(entries)[-1] + 1, FAR * 2)]
    assert 1000 < len(reads) < MAX_READS


@pytest.mark.parametrize("number", [300, 1200, 1990])
def test_the_entry_next_to_a_long_step_is_read(stopped: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    before = whole(stopped)
    lose_page_with(stopped, b"number %d of" % number)
    expected = saved(stopped)
    monkeypatch.setattr("ttweet.storage.sqlite.salvage.STEPS", 1)  # each step doubles the gap
    assert saved(stopped) == expected
    assert expected[0] == outside(expected[1], before)


def test_the_commands_that_a_check_prints_make_a_new_file_of_what_is_left(stopped: Path) -> None:
    lose_page_with(stopped, b"number 1200 of")
    here = stopped.parent
    told = run("check", "--db", str(stopped), cwd=here)
    assert told.returncode == shell.FAILED
    export, import_ = re.findall(r"ttweet ((?:export|import) .*? --db [^\s,]+)", told.stderr.splitlines()[0])
    saving = run(*shlex.split(export), cwd=here)
    assert saving.returncode == shell.FAILED
    assert re.search(r"unreadable tweets: ids \d+ to \d+; all others were written", saving.stderr)
    assert run(*shlex.split(import_), cwd=here).returncode == shell.DONE
    assert run("check", "NEW", cwd=here).stdout.startswith("NEW is intact: 1,9")
