"""A check finds what is wrong with a file and ignores the rest; a server refuses a damaged file without touching it."""

from contextlib import closing
from pathlib import Path

import pytest

from tests.support.sqlite_files import DAY_MS, NOW, damage_index, limited_pages, opened, post, sql
from ttweet.model.errors import OpenError
from ttweet.model.remedies import NEW_FILE, SAVE_WHAT_IS_LEFT
from ttweet.model.reports import Report
from ttweet.model.tweets import draft
from ttweet.storage.sqlite import connections, header
from ttweet.storage.sqlite.check import HARMLESS, Check, Facts, Finding
from ttweet.storage.sqlite.writer import SqliteStore


@pytest.fixture
def stopped(path: Path) -> Path:
    """A file that a server has used and left in order."""
    with opened(path) as store:
        for day in range(3):
            post(store, f"#Python {day}", f"#python #{day}", "plain", "", at=NOW + day * DAY_MS)
        store.append([], [Report("SERVER", "GENERAL", "hello")], at=NOW)
        store.end_session("stopped", at=NOW)
    return path


def findings(path: Path) -> list[Finding]:
    return list(Check(path).run(lambda done, total: None))


def destroy_page(path: Path, table: str) -> None:
    """Overwrite the first page of a table or an index."""
    [[page]] = sql(path, f"SELECT rootpage FROM sqlite_master WHERE name = '{table}'")
    assert isinstance(page, int)
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)


def test_a_file_in_order_is_whole(stopped: Path) -> None:
    check = Check(stopped)
    seen: list[tuple[int, int]] = []
    assert list(check.run(lambda done, total: seen.append((done, total)))) == []
    assert check.facts == Facts(tweets=12, tags=4, lines=1, schema=header.SCHEMA_VERSION)
    assert check.unlike == 0
    assert seen == [(12, 12)]


def test_a_file_is_whole_beside_its_writer_whose_index_is_behind(store: SqliteStore, path: Path) -> None:
    post(store, "#a #b", "#a", at=NOW)
    assert findings(path) == []
    store.settle()
    assert findings(path) == []


def test_tags_are_counted_that_the_index_does_not_have_yet(store: SqliteStore, path: Path) -> None:
    post(store, "#a #b", at=NOW)
    store.settle()
    post(store, "#b #c", "#C", at=NOW)
    check = Check(path)
    assert list(check.run(lambda done, total: None)) == []
    assert check.facts is not None
    assert check.facts.tags == 3


def test_nothing_is_written_to_a_file_that_is_checked(stopped: Path) -> None:
    before = stopped.read_bytes()
    assert findings(stopped) == []
    assert stopped.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "what", "way_out"),
    [
        ("UPDATE tags SET count = 7 WHERE key = 'python'", "tags with wrong counts of tweets: 1,", NEW_FILE),
        ("UPDATE tags SET newest = newest + 1 WHERE key = '1'", "tags with wrong newest tweets: 1,", NEW_FILE),
        ("UPDATE tags SET spelling_count = 5 WHERE key = 'python'", "tags with wrong spellings: 1,", NEW_FILE),
        ("DELETE FROM tag_days WHERE day = 20000", "tags with wrong uses by day: 2,", NEW_FILE),
        ("UPDATE tag_days SET count = 9", "tags with wrong uses by day: 4,", NEW_FILE),
        ("DELETE FROM tweet_tags WHERE tweet = 1", "tags with wrong links to tweets: 1,", NEW_FILE),
        ("UPDATE tweets SET tags = 'other' WHERE id = 1", "tags with wrong links to tweets: 2,", NEW_FILE),
        ("UPDATE tweets SET tags = 'a-b' WHERE id = 1", "tweets with invalid or repeated tags: 1", NEW_FILE),
        (
            "UPDATE tweets SET text = 'cafe' || char(769) WHERE id > 2 AND id < 5",
            "tweets with a text that is not in normal form: 2",
            NEW_FILE,
        ),
        ("UPDATE tweets SET author = 'two words' WHERE id = 3", "(bad_name): 1; the first is 3", NEW_FILE),
        ("INSERT INTO tweet_tags VALUES (999, 1)", "rows of tweet_tags without a row in tags: 1", NEW_FILE),
        ("DROP INDEX tags_by_use", "tags_by_use is missing from the schema", NEW_FILE),
        ("DROP TABLE keys", "keys is missing from the schema", NEW_FILE),
        ("DROP TABLE tweet_tags", "no such table: ", NEW_FILE),
        ("UPDATE log SET side = 'NOBODY'", "report lines with an invalid side", HARMLESS),
        ("UPDATE log SET text = 'red' || char(27) || '[31m'", "report lines with control characters", HARMLESS),
        ("UPDATE sessions SET first_line = 99", "report lines before their session", HARMLESS),
    ],
)
def test_a_check_finds_changes_by_hand(stopped: Path, change: str, what: str, way_out: str) -> None:
    sql(stopped, change)
    found = findings(stopped)
    assert any(what in one.what and one.way_out == way_out for one in found), found


def test_a_damaged_page_is_found_and_the_ways_out_are_reported(stopped: Path) -> None:
    destroy_page(stopped, "tags_by_use")
    [found, *_] = findings(stopped)
    assert "malformed" in found.what or "Page" in found.what
    assert found.way_out == SAVE_WHAT_IS_LEFT


def test_tags_that_a_client_chose_are_nothing_wrong(path: Path) -> None:
    with opened(path) as store:
        store.append([draft("a #text with #two", tags=["chosen"], scan=False)], [], at=NOW)
        store.settle()
    check = Check(path)
    assert list(check.run(lambda done, total: None)) == []
    assert check.unlike == 1


def test_a_check_allows_views_and_tables_of_the_user(stopped: Path) -> None:
    sql(stopped, "CREATE VIEW mine AS SELECT 1", "CREATE TABLE notes (x)")
    assert findings(stopped) == []


def test_a_file_of_an_older_schema_is_right_as_it_is(stopped: Path) -> None:
    sql(stopped, "DROP INDEX tweets_by_author", "PRAGMA user_version = 1")
    assert findings(stopped) == []


@pytest.mark.parametrize("table", ["tweets", "tags_by_use", "log", "sqlite_sequence"])
def test_a_server_refuses_a_damaged_file_and_leaves_every_byte_as_it_is(stopped: Path, table: str) -> None:
    destroy_page(stopped, table)
    before = stopped.read_bytes()
    with pytest.raises(OpenError, match=r"is damaged: .*replace it with a backup, .*save what is left") as refusal:
        SqliteStore.open(stopped, log_limit=1, at=NOW)
    assert refusal.value.code == "damaged"
    assert stopped.read_bytes() == before


def test_a_file_that_takes_too_long_to_read_at_a_start_is_left_to_a_check(
    stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    destroy_page(stopped, "tweets_by_author")
    monkeypatch.setattr(connections, "MAX_CHECKED_BYTES", 4096)
    with opened(stopped) as store:
        assert store.count() == 12
    assert findings(stopped) != []


def test_indexes_of_a_larger_file_are_left_to_a_check(stopped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damage_index(stopped, "sqlite_autoindex_tags_1", b"python", b"pythom")
    monkeypatch.setattr(connections, "MAX_COMPARED_BYTES", 4096)
    with opened(stopped) as store:
        assert store.count() == 12
    assert findings(stopped) != []


def test_a_disk_without_room_is_not_taken_for_damage(stopped: Path) -> None:
    with opened(stopped) as store:
        with limited_pages(store._connection, spare=1):
            assert findings(stopped) == []
        with closing(store.reader()) as reader:
            assert reader.count() == 12
