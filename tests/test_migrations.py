"""The steps of the schema: the same for ttweet and sqlite-utils, each whole or not at all."""

from contextlib import closing
from pathlib import Path

import pytest

from tests.sqlite_files import NOW, opened, post, sql, sqlite_utils, texts
from ttweet import sqlite_file
from ttweet.errors import OpenError
from ttweet.sqlite_reader import SqliteReader
from ttweet.sqlite_store import SqliteStore
from ttweet.tweets import draft


def test_the_constants_are_those_of_the_migrations(store: SqliteStore, path: Path) -> None:
    assert sql(path, "PRAGMA application_id", "PRAGMA user_version") == [
        (sqlite_file.APPLICATION_ID,),
        (sqlite_file.SCHEMA_VERSION,),
    ]
    assert len(sql(path, "SELECT * FROM _sqlite_migrations")) == sqlite_file.SCHEMA_VERSION


def test_sqlite_utils_migrates_to_the_same_schema(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.db", tmp_path / "theirs.db"
    with opened(ours):
        pass
    folder = sqlite_file._migrations_path().parent
    sqlite_utils("migrate", theirs, folder)
    schema = "SELECT type, name, sql FROM sqlite_master ORDER BY name"
    assert sql(ours, schema) == sql(theirs, schema)
    assert "0001_initial" not in sqlite_utils("migrate", "--list", ours, folder).partition("Pending:")[2]
    with opened(theirs) as store:
        assert post(store, "a")[0].id == 1


NEXT_STEP = """
@migrations(name="0003_next")
def next_step(db):
    db.execute("ALTER TABLE tweets ADD COLUMN more TEXT")
    db.execute("PRAGMA user_version = 3")
    db.execute("{last}")
"""


def with_next_step(folder: Path, monkeypatch: pytest.MonkeyPatch, *, last: str) -> None:
    """Let this ttweet have one migration more."""
    steps = folder / "migrations.py"
    steps.write_text(sqlite_file._migrations_path().read_text() + NEXT_STEP.format(last=last))
    monkeypatch.setattr(sqlite_file, "_migrations_path", lambda: steps)
    monkeypatch.setattr(sqlite_file, "SCHEMA_VERSION", 3)


def test_an_older_schema_is_migrated_and_keeps_its_tweets(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(path) as store:
        post(store, "a #t")
    with_next_step(path.parent, monkeypatch, last="SELECT 1")
    with opened(path) as store:
        assert texts(store) == ["a #t"]
        assert sql(path, "PRAGMA user_version", "SELECT text, more FROM tweets") == [(3,), ("a #t", None)]


def test_a_file_of_the_first_schema_is_read_as_it_is_and_gets_the_index_of_authors_from_a_server(path: Path) -> None:
    with opened(path) as store:
        store.append([draft("a", by="ann"), draft("b")], [], at=NOW)
    forget = "DELETE FROM _sqlite_migrations WHERE name = '0002_by_author'"
    sql(path, "DROP INDEX tweets_by_author", "PRAGMA user_version = 1", forget)
    with closing(SqliteReader(path)) as reader:
        assert texts(reader) == ["a", "b"]
        assert [tweet.text for tweet in reader.tweets_of_author("ann", limit=5).tweets] == ["a"]
    with opened(path) as store:
        assert [tweet.text for tweet in store.tweets_of_author("ann", limit=5).tweets] == ["a"]
    indexes = "SELECT name FROM sqlite_master WHERE name = 'tweets_by_author'"
    assert sql(path, "PRAGMA user_version", indexes) == [(2,), ("tweets_by_author",)]


def test_a_migration_that_fails_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(path) as store:
        post(store, "a #t")
    with monkeypatch.context() as patch:
        with_next_step(path.parent, patch, last="INSERT INTO nowhere VALUES (1)")
        with pytest.raises(OpenError, match="no such table: nowhere"):
            SqliteStore.open(path, log_limit=1, at=NOW)
    assert sql(path, "PRAGMA user_version") == [(2,)]
    with opened(path) as store:
        assert texts(store) == ["a #t"]


def test_migrations_are_found_inside_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages" / "ttweet"
    (package / "_migrations").mkdir(parents=True)
    monkeypatch.setattr(sqlite_file, "__file__", str(package / "sqlite_file.py"))
    assert sqlite_file._migrations_path() == tmp_path / "site-packages" / "migrations" / "migrations.py"
    (package / "_migrations" / "migrations.py").touch()
    assert sqlite_file._migrations_path() == package / "_migrations" / "migrations.py"
