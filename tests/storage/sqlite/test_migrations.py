"""The steps of the schema: the same for ttweet and sqlite-utils, each whole or not at all."""

import runpy
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

import ttweet
from tests.storage.sqlite.test_check import findings
from tests.support.sqlite_files import DAY_MS, NOW, opened, post, sql, sqlite_utils, texts
from tests.support.stored import tweets_of
from ttweet.model.errors import OpenError
from ttweet.model.reports import input_refused, message_deleted
from ttweet.model.tweets import Page, Tombstone, draft
from ttweet.storage.contract import LogLine, Reader
from ttweet.storage.sqlite import connections, header, migrating
from ttweet.storage.sqlite.reader import SqliteReader
from ttweet.storage.sqlite.writer import SqliteStore


def test_the_constants_are_those_of_the_migrations(store: SqliteStore, path: Path) -> None:
    assert sql(path, "PRAGMA application_id", "PRAGMA user_version") == [
        (header.APPLICATION_ID,),
        (header.SCHEMA_VERSION,),
    ]
    assert len(sql(path, "SELECT * FROM _sqlite_migrations")) == header.SCHEMA_VERSION


def test_sqlite_utils_migrates_to_the_same_schema(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.db", tmp_path / "theirs.db"
    with opened(ours):
        pass
    folder = migrating.migrations_path().parent
    sqlite_utils("migrate", theirs, folder)
    schema = "SELECT type, name, sql FROM sqlite_master ORDER BY name"
    assert sql(ours, schema) == sql(theirs, schema)
    assert "0001_initial" not in sqlite_utils("migrate", "--list", ours, folder).partition("Pending:")[2]
    with opened(theirs) as store:
        assert post(store, "a")[0].id == 1


def texts_of(page: Page) -> list[str]:
    return [tweet.text for tweet in page.tweets]


NEXT = header.SCHEMA_VERSION + 1
NEXT_STEP = """
@migrations(name="9999_next")
def next_step(db):
    db.execute("ALTER TABLE tweets ADD COLUMN more TEXT")
    db.execute("PRAGMA user_version = {version}")
    db.execute("{last}")
"""


def older_file(path: Path, *, before: str) -> None:
    """Make a file of the schema before a step, with a tweet of ann and an anonymous one."""
    migrations = runpy.run_path(str(migrating.migrations_path()))["migrations"]
    with closing(sqlite3.connect(path)) as connection:
        migrations.apply(Database(connection), stop_before=before)
        rows = [(1, NOW, "ann", "a", ""), (2, NOW, None, "b", "")]
        connection.executemany("INSERT INTO tweets (id, at, author, text, tags) VALUES (?, ?, ?, ?, ?)", rows)
        connection.commit()


def with_next_step(folder: Path, monkeypatch: pytest.MonkeyPatch, *, last: str) -> None:
    """Let this ttweet have one migration more."""
    steps = folder / "migrations.py"
    steps.write_text(migrating.migrations_path().read_text() + NEXT_STEP.format(version=NEXT, last=last))
    monkeypatch.setattr(migrating, "migrations_path", lambda: steps)
    for room in (header, connections):
        monkeypatch.setattr(room, "SCHEMA_VERSION", NEXT)


def test_an_older_schema_is_migrated_and_keeps_its_tweets(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(path) as store:
        post(store, "a #t")
    with_next_step(path.parent, monkeypatch, last="SELECT 1")
    with opened(path) as store:
        assert texts(store) == ["a #t"]
        assert sql(path, "PRAGMA user_version", "SELECT text, more FROM tweets") == [(NEXT,), ("a #t", None)]


def first_schema(path: Path) -> None:
    """A file as the first step leaves it, with two tweets of which one has an author and a tag."""
    steps = runpy.run_path(str(migrating.migrations_path()))["migrations"]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        steps.apply(Database(connection), stop_before="0002_by_author")
    sql(
        path,
        "PRAGMA journal_mode = WAL",
        "INSERT INTO tweets (at, author, text, tags) VALUES (1, 'ann', 'a #t', 't'), (2, NULL, 'b', '')",
        "INSERT INTO tags VALUES (1, 't', 't', 1, 1, 1, 1)",
        "INSERT INTO tweet_tags VALUES (1, 1)",
    )


def test_a_file_of_the_first_schema_is_read_as_it_is_and_migrated_by_a_server(path: Path) -> None:
    first_schema(path)

    def check(reader: Reader) -> None:
        assert texts(reader) == ["a #t", "b"]
        assert texts_of(reader.tweets_of_author("ann", limit=5)) == ["a #t"]
        assert texts_of(reader.tweets_of_tag("t", limit=5)) == ["a #t"]
        assert [(tag.tag, tag.count) for tag in reader.list_tags(limit=5, now=NOW).tags] == [("t", 1)]

    with closing(SqliteReader(path)) as reader:
        check(reader)
        with opened(path) as store:
            check(store)
            post(store, "c #t")
            assert texts_of(reader.tweets_of_tag("t", limit=5)) == ["c #t", "a #t"]
    assert sql(path, "PRAGMA user_version") == [(header.SCHEMA_VERSION,)]
    assert sql(path, "SELECT name FROM sqlite_master WHERE name = 'tweets_by_author'") == [("tweets_by_author",)]


def test_a_file_of_the_third_schema_gets_deletions_and_loses_a_tag_with_its_last_tweet(path: Path) -> None:
    older_file(path, before="0004_deletions")
    with closing(SqliteReader(path)) as reader:
        assert texts(reader) == ["a", "b"]
        assert reader.last() is not None
    with opened(path) as store:
        post(store, "c #t")
        assert store.delete(3, message_deleted(3, "ann"), at=NOW).id == 4
        assert texts(store) == ["a", "b"]
        assert sql(path, "SELECT count(*) FROM tags", "SELECT count(*) FROM deletions") == [(0,), (1,)]
    assert sql(path, "PRAGMA integrity_check", "PRAGMA foreign_key_check") == [("ok",)]


def test_report_lines_of_a_file_without_columns_for_details_are_read_as_they_are(path: Path) -> None:
    older_file(path, before="0009_log_details")
    line = "INSERT INTO log (id, session, at, side, category, text) VALUES (1, 1, 5, 'SERVER', 'ERROR', 'old')"
    sql(path, "INSERT OR IGNORE INTO sessions (id, started, how, first_line) VALUES (1, 5, 'stopped', 1)", line)
    old = LogLine(1, 1, 5, "SERVER", "ERROR", "old")
    with closing(SqliteReader(path)) as reader:
        assert reader.lines_after(0, limit=9) == [old]
        with opened(path) as store:
            store.append([], [input_refused(("192.0.2.1", 1), "token", "ci")], at=NOW)
            first, second = reader.lines_after(0, limit=9)
    assert first == old
    assert second[-3:] == ("token", "ci", "192.0.2.1")


def test_the_steps_run_once_for_a_file_and_once_for_what_is_expected_of_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = path.with_name("migrations.py")
    steps.write_text(migrating.migrations_path().read_text())
    monkeypatch.setattr(migrating, "migrations_path", lambda: steps)
    run_path = runpy.run_path
    runs: list[str] = []

    def counted(name: str) -> dict[str, object]:
        runs.append(name)
        return run_path(name)

    monkeypatch.setattr(runpy, "run_path", counted)
    with opened(path) as store:
        assert len(runs) == 2
        sql(path, "CREATE VIEW another AS SELECT 1")
        post(store, "written beside a new view")
        assert len(runs) == 2
    with opened(path):
        assert len(runs) == 3


def test_a_migration_that_fails_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(path) as store:
        post(store, "a #t")
    with monkeypatch.context() as patch:
        with_next_step(path.parent, patch, last="INSERT INTO nowhere VALUES (1)")
        with pytest.raises(OpenError, match="no such table: nowhere"):
            SqliteStore.open(path, log_limit=1, at=NOW)
    assert sql(path, "PRAGMA user_version") == [(header.SCHEMA_VERSION,)]
    with opened(path) as store:
        assert texts(store) == ["a #t"]


def test_migrations_are_found_inside_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages" / "ttweet"
    (package / "_migrations").mkdir(parents=True)
    monkeypatch.setattr(ttweet, "__file__", str(package / "__init__.py"))
    assert migrating.migrations_path() == tmp_path / "site-packages" / "migrations" / "migrations.py"
    (package / "_migrations" / "migrations.py").touch()
    assert migrating.migrations_path() == package / "_migrations" / "migrations.py"


def test_keys_of_an_older_schema_become_digests_and_keep_working(path: Path) -> None:
    older_file(path, before="0006_key_digests")
    sql(
        path,
        "INSERT INTO keys VALUES (1, 'ann', 'nightly'), (2, '', 'zebra'), (3, 'okapi', 'old'), (4, 'okapi', 'gone')",
        f"INSERT INTO tweets VALUES (3, {NOW + 1}, '', '', ''), (5, {NOW + 2}, NULL, 'c', '')",
    )
    drafts = [draft("again", by="ann", key="nightly"), draft("again", key="zebra")]
    gone = [draft("again", by="okapi", key="old"), draft("again", by="okapi", key="gone")]
    with opened(path) as store:
        assert [tweet.id for tweet in tweets_of(store.append(drafts, [], at=NOW))] == [1, 2]
        assert store.append(gone, [], at=NOW) == [Tombstone(3, NOW + 1), Tombstone(4, NOW + 2)]
        assert [store.append([one._replace(by="x")], [], at=NOW)[0].id for one in drafts] == [6, 7]
    assert not [word for word in (b"nightly", b"zebra", b"okapi") if word in path.read_bytes()]


def test_the_newest_tweet_of_a_tag_is_found_by_its_id_after_a_migration(path: Path) -> None:
    older_file(path, before="0007_newest_by_id")
    ahead = NOW + 400 * DAY_MS
    sql(
        path,
        f"INSERT INTO tweets VALUES (3, {ahead}, NULL, '#a', 'a'), (4, {NOW}, NULL, '#a #b', 'a b')",
        f"INSERT INTO tags VALUES (1, 'a', 'a', 2, 2, {ahead}, 1), (2, 'b', 'b', 1, 1, {NOW}, 1)",
        "INSERT INTO tweet_tags VALUES (1, 3), (1, 4), (2, 4)",
        f"INSERT INTO tag_days VALUES ({ahead // DAY_MS}, 1, 1), ({NOW // DAY_MS}, 1, 1), ({NOW // DAY_MS}, 2, 1)",
        "UPDATE tag_index SET up_to = 4",
    )
    assert findings(path) == []
    with opened(path) as store:
        assert [(tag.tag, tag.newest) for tag in store.list_tags(limit=9, now=NOW).tags] == [("a", NOW), ("b", NOW)]
    assert findings(path) == []
