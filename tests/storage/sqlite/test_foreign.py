"""Objects of other programs on our tables: some are welcome, some are refused, and no acknowledged tweet is lost."""

import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.sqlite_files import DAY_MS, NOW, damage_index, lines, opened, post, sql, sqlite_utils, texts
from ttweet.model.errors import OpenError, StoreError
from ttweet.model.remedies import NEW_FILE
from ttweet.storage.sqlite.backup import back_up
from ttweet.storage.sqlite.check import Check, Finding
from ttweet.storage.sqlite.foreign import GUIDE
from ttweet.storage.sqlite.writer import SqliteStore

REFUSED = {  # what it is called, and how it gets there
    "trigger 'raises' on tweets": (
        "CREATE TRIGGER raises BEFORE INSERT ON tweets BEGIN SELECT raise(ABORT, 'no'); END",
    ),
    "trigger 'skips' on tweets": ("CREATE TRIGGER skips BEFORE INSERT ON tweets BEGIN SELECT raise(IGNORE); END",),
    "trigger 'copies' on TWEETS": (
        "CREATE TABLE copy (text)",
        "CREATE TRIGGER copies AFTER INSERT ON TWEETS BEGIN INSERT INTO copy VALUES (new.text); END",
    ),
    "trigger 'on_delete' on keys": ("CREATE TRIGGER on_delete AFTER DELETE ON keys BEGIN SELECT 1; END",),
    "trigger 'on_line' on log": ("CREATE TRIGGER on_line AFTER INSERT ON log WHEN 0 BEGIN SELECT 1; END",),
    "trigger 'an \"odd\" one' on tags": (
        """CREATE TRIGGER "an ""odd"" one" AFTER UPDATE OF count ON tags BEGIN SELECT 1; END""",
    ),
    "index 'once' on tweets": ("CREATE UNIQUE INDEX once ON tweets (text, at)",),
    "index 'parsed' on tweets": ("CREATE INDEX parsed ON tweets (json_valid(text))",),
    "index 'some' on tweets": ("CREATE INDEX some ON tweets (at) WHERE length(text) > 1",),
    "foreign key of 'likes' to tweets": ("CREATE TABLE likes (tweet INTEGER REFERENCES tweets (id))",),
    "foreign key of 'stars' to tweets": ("CREATE TABLE stars (tweet INTEGER REFERENCES Tweets ON DELETE CASCADE)",),
    "foreign key of 'moods' to tags": ("CREATE TABLE moods (tag INTEGER REFERENCES tags (id))",),
}
ALTERED = {
    "tweets differs from the schema": "ALTER TABLE tweets ADD COLUMN lang TEXT CHECK (length(lang) = 2)",
    "tags differs from the schema": "ALTER TABLE tags ADD COLUMN n INTEGER AS (json_valid(key)) VIRTUAL",
    "log differs from the schema": "ALTER TABLE log RENAME COLUMN text TO line",
    "keys is missing from the schema": "DROP TABLE keys",
}
WELCOME = {
    "a view": "CREATE VIEW mine AS SELECT * FROM tweets",
    "a table": "CREATE TABLE notes (id INTEGER PRIMARY KEY AUTOINCREMENT, tweet INTEGER, note TEXT UNIQUE)",
    "a plain index": "CREATE INDEX by_time ON tweets (at DESC, author COLLATE NOCASE)",
    "a trigger on a table of one's own": (
        "CREATE TABLE a (x); CREATE TRIGGER b AFTER INSERT ON a BEGIN SELECT raise(ABORT, 'no'); END"
    ),
    "a trigger on the timeline": "CREATE TRIGGER t INSTEAD OF DELETE ON timeline BEGIN SELECT 1; END",
    "an index of one's own": "CREATE TABLE a (x); CREATE UNIQUE INDEX b ON a (abs(x))",
    "keys between tables of one's own": "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (a REFERENCES a (id))",
    "JSON of one's own": "CREATE TABLE a (x TEXT CHECK (json_valid(x))); INSERT INTO a VALUES ('[]')",
    "a search index": "CREATE VIRTUAL TABLE s USING fts5 (text, content='tweets', content_rowid='id')",
    "statistics": "ANALYZE",
}


@pytest.fixture
def stopped(path: Path) -> Path:
    with opened(path) as store:
        post(store, "first #python", key="k")
        store.end_session("stopped", at=NOW)
    return path


def script(path: Path, statements: str) -> None:
    """Run statements, some of which have semicolons in them."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(statements)


def findings(path: Path) -> list[Finding]:
    return list(Check(path).run(lambda done, total: None))


def follow(way_out: str) -> None:
    """Do what a way out says."""
    program, *arguments = shlex.split(way_out.removeprefix("remove it: ").removesuffix(f"; {GUIDE}"))
    if program == "sqlite3":
        sql(Path(arguments[0]), arguments[1])
    else:
        assert program == "sqlite-utils"
        sqlite_utils(*arguments)


@pytest.mark.parametrize("what", REFUSED)
def test_a_server_does_not_start_with_what_would_run_in_its_transactions(stopped: Path, what: str) -> None:
    sql(stopped, *REFUSED[what])
    before = stopped.read_bytes()
    with pytest.raises(OpenError) as refusal:
        SqliteStore.open(stopped, log_limit=1, at=NOW)
    assert refusal.value.code == "altered"
    assert refusal.value.text.startswith(f"{stopped} cannot be served: {what} would run in the server's transactions; ")
    assert stopped.read_bytes() == before
    follow(refusal.value.text.partition("; ")[2])
    with opened(stopped) as store:
        assert texts(store) == ["first #python"]


@pytest.mark.parametrize("what", REFUSED)
def test_a_check_finds_what_would_run_in_a_servers_transactions(stopped: Path, what: str) -> None:
    sql(stopped, *REFUSED[what])
    [found] = findings(stopped)
    assert found.what == f"{what} would run in the server's transactions"
    follow(found.way_out)
    assert findings(stopped) == []


@pytest.mark.parametrize("what", REFUSED)
def test_a_foreign_object_that_appears_keeps_the_server_from_storing_until_it_is_removed(
    stopped: Path, what: str
) -> None:
    with opened(stopped) as store, closing(store.reader()) as reader:
        sql(stopped, *REFUSED[what])
        for _ in range(2):
            with pytest.raises(StoreError, match="would run in the server's transactions; nothing was stored") as error:
                post(store, "second")
            assert (error.value.code, error.value.may_pass) == ("altered", True)
        assert stopped.name not in error.value.text
        assert texts(reader) == ["first #python"]
        [found] = findings(stopped)
        follow(found.way_out)
        assert post(store, "second #b")[0].id == 2
        store.settle()
    assert findings(stopped) == []


@pytest.mark.parametrize("change", [lambda store: store.delete(1, lines("x")[0], at=NOW), lambda store: store.prune(9)])
def test_nothing_at_all_is_changed_while_a_trigger_is_there(
    stopped: Path, change: Callable[[SqliteStore], object]
) -> None:
    with opened(stopped) as store:
        sql(stopped, *REFUSED["trigger 'skips' on tweets"])
        with pytest.raises(StoreError, match="trigger 'skips' on tweets"):
            change(store)
        sql(stopped, "DROP TRIGGER skips")
        assert change(store)


@pytest.mark.parametrize("what", ALTERED)
def test_a_table_of_ours_that_was_altered_is_refused(stopped: Path, what: str) -> None:
    with opened(stopped) as store:
        sql(stopped, ALTERED[what])
        with pytest.raises(StoreError, match=what) as error:
            post(store, "second")
        assert error.value.code == "altered"
    with pytest.raises(OpenError, match=f"cannot be served: {what}; make a new database from its tweets") as refusal:
        SqliteStore.open(stopped, log_limit=1, at=NOW)
    assert refusal.value.code == "altered"
    assert Finding(what, NEW_FILE) in findings(stopped)


@pytest.mark.parametrize("what", WELCOME)
def test_foreign_objects_that_only_read_our_tables_are_allowed(stopped: Path, what: str) -> None:
    with opened(stopped) as store:
        script(stopped, WELCOME[what])
        post(store, "second #b", at=NOW + DAY_MS)
        store.settle()
        store.delete(1, lines("x")[0], at=NOW)
    with opened(stopped) as store:
        assert store.prune(3) == 1  # and a tombstone
        assert texts(store) == []
    assert findings(stopped) == []


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE a (x TEXT CHECK (known_to_me(x)))",
        "CREATE TABLE a (x TEXT COLLATE known_to_me UNIQUE)",
        "CREATE TABLE a (x TEXT); CREATE INDEX b ON a (known_to_me(x))",
    ],
)
def test_functions_that_only_another_program_has_are_no_damage(stopped: Path, statement: str) -> None:
    with closing(sqlite3.connect(stopped)) as theirs:
        theirs.create_function("known_to_me", 1, lambda _: 1, deterministic=True)
        theirs.create_collation("known_to_me", lambda a, b: (a > b) - (a < b))
        theirs.executescript(f"{statement}; INSERT INTO a VALUES ('x'), ('y')")
    assert findings(stopped) == []
    copy = stopped.with_name("copy.db")
    assert back_up(stopped, copy, overwrite=False, progress=lambda done, total: None) == 1
    with opened(stopped) as store:
        post(store, "second")
    damage_index(stopped, "sqlite_autoindex_tags_1", b"python", b"pythom")
    assert [one.what for one in findings(stopped)] == ["row 1 missing from index sqlite_autoindex_tags_1"]


def test_several_are_counted_and_the_check_names_each(stopped: Path) -> None:
    sqlite_utils("enable-fts", stopped, "tweets", "text", "--create-triggers")
    with pytest.raises(OpenError, match=r"trigger 'tweets_ai' on tweets .*; 2 more; a check lists them"):
        SqliteStore.open(stopped, log_limit=1, at=NOW)
    assert [one.what.partition(" would")[0] for one in findings(stopped)] == [
        "trigger 'tweets_ai' on tweets",
        "trigger 'tweets_ad' on tweets",
        "trigger 'tweets_au' on tweets",
    ]
    sqlite_utils("disable-fts", stopped, "tweets")
    with opened(stopped) as store:
        assert texts(store) == ["first #python"]


def test_a_trigger_on_a_file_of_an_older_schema_does_not_run_in_its_migration(stopped: Path) -> None:
    sql(stopped, "DROP INDEX tweets_by_author", "PRAGMA user_version = 1", *REFUSED["trigger 'raises' on tweets"])
    before = stopped.read_bytes()
    with pytest.raises(OpenError, match="trigger 'raises' on tweets"):
        SqliteStore.open(stopped, log_limit=1, at=NOW)
    assert stopped.read_bytes() == before
    assert [one.what.partition(" would")[0] for one in findings(stopped)] == ["trigger 'raises' on tweets"]


def test_an_index_of_ours_in_an_order_that_only_another_program_knows_is_refused(stopped: Path) -> None:
    with opened(stopped) as store:
        with closing(sqlite3.connect(stopped)) as theirs:
            theirs.create_collation("theirs", lambda a, b: (a > b) - (a < b))
            theirs.execute("CREATE INDEX theirs ON tweets (text COLLATE theirs)")
        with pytest.raises(StoreError, match="index 'theirs' on tweets would run"):
            post(store, "second")
    with pytest.raises(OpenError, match="index 'theirs' on tweets would run"):
        SqliteStore.open(stopped, log_limit=1, at=NOW)


def test_a_name_of_theirs_that_a_migration_needs_is_no_damage(stopped: Path) -> None:
    sql(stopped, "DROP TABLE deletions", "CREATE TABLE deletions (x)", "PRAGMA user_version = 3")
    sql(stopped, "DELETE FROM _sqlite_migrations WHERE name > '0004'")
    with pytest.raises(OpenError, match="cannot be opened: table deletions already exists; rename or") as refusal:
        SqliteStore.open(stopped, log_limit=1, at=NOW)
    assert refusal.value.code == "altered"
