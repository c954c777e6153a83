"""Files of every schema that there was, and of another Python: read, migrated, exported, refused by what is older."""

import _thread
import io
import logging
from contextlib import closing
from pathlib import Path

import pytest

from tests.storage.sqlite.test_check import findings
from tests.support.schema_files import AT, DAY_MS, KNOWS_DELETIONS, load, versions
from tests.support.sqlite_files import opened, post, sql
from ttweet.model.errors import OpenError
from ttweet.model.hashtags import key
from ttweet.model.keying import OURS
from ttweet.model.tweets import Tombstone, Tweet, draft
from ttweet.storage.jsonl import ImportTally, encode, import_entries, read_lines
from ttweet.storage.sqlite import header, migrating
from ttweet.storage.sqlite.reader import Queries, SqliteReader
from ttweet.storage.sqlite.writer import SqliteStore

OPENED_AT = AT + 3 * DAY_MS  # when the keys are remembered still


@pytest.fixture(params=versions())
def version(request: pytest.FixtureRequest, path: Path) -> int:
    """A schema; the file at `path` has it."""
    load(f"schema_{request.param}", path)
    return int(request.param)


def entries_of(file: Path) -> list[bytes]:
    with closing(SqliteReader(file)) as reader:
        return [encode(entry) for entry in reader.entries_after(0, 99)]


def ids_of_tag(reader: Queries, tag: str) -> list[int]:
    return [tweet.id for tweet in reader.tweets_of_tag(key(tag), limit=9).tweets]


def ask(reader: Queries, version: int) -> None:
    entries = reader.entries_after(0, 99)
    known = version >= KNOWS_DELETIONS
    assert [one.id for one in entries] == [1, 2, 3, 4, 5, 6, *([7] if known else [])]
    assert isinstance(entries[4], Tombstone if known else Tweet)
    assert [ids_of_tag(reader, tag) for tag in ("PYTHON", "東京", "東京・", "cs", "CS_", "1")] == [
        [6, 1], [4, 3], [4, 3], [6, 3], [6, 3], [4],
    ]  # fmt: skip
    assert [tweet.id for tweet in reader.tweets_of_author("寿司", limit=9).tweets] == [3]
    assert reader.lines_after(0, limit=1)[0].text == "Message Received: Learning #Python"


def test_a_file_of_any_schema_is_read_as_it_is(version: int, path: Path) -> None:
    before = path.read_bytes()
    with closing(SqliteReader(path)) as reader:
        ask(reader, version)
    assert findings(path) == []
    assert path.read_bytes() == before


def test_views_of_others_outlive_the_migration(version: int, path: Path) -> None:
    tables = [name for (name,) in sql(path, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        sql(path, f"CREATE VIEW of_{table} AS SELECT * FROM {table}")
    sql(path, "CREATE VIEW of_none AS SELECT * FROM removed")
    with opened(path, at=OPENED_AT) as store:
        store.end_session("stopped", at=OPENED_AT)
    for table in tables:
        assert sql(path, f"SELECT count(*) FROM of_{table}") == sql(path, f"SELECT count(*) FROM {table}")


def test_a_server_brings_a_file_of_any_schema_up_to_date_and_keeps_what_is_in_it(version: int, path: Path) -> None:
    before = entries_of(path)
    with opened(path, at=OPENED_AT) as store:
        ask(store, version)
        tags = {tag.tag: (tag.count, tag.newest) for tag in store.list_tags(limit=9, now=OPENED_AT).tags}
        store.end_session("stopped", at=OPENED_AT)
    assert entries_of(path) == before
    assert findings(path) == []
    schema = sql(path, "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    assert sorted(schema) == sorted(migrating.expected_schema().items())
    assert sql(path, "SELECT rule, unicode FROM tag_index") == [OURS]
    assert sql(path, "PRAGMA user_version") == [(header.SCHEMA_VERSION,)]
    assert {tag: newest - AT for tag, (_, newest) in tags.items()}["Python"] == DAY_MS
    assert {count for tag, (count, _) in tags.items() if key(tag) in ("東京", "cs", "python")} == {2}
    assert len(sql(path, "SELECT * FROM _sqlite_migrations")) == header.SCHEMA_VERSION


def test_the_keys_of_a_file_of_any_schema_keep_working(version: int, path: Path) -> None:
    again = [draft("x", key="nightly", by="ann"), draft("x", key="zebra"), draft("x", key="lost", by="bob")]
    with opened(path, at=OPENED_AT) as store:
        stored = store.append(again, [], at=OPENED_AT)
        assert [one.id for one in stored] == [1, 4, 5]
        assert isinstance(stored[2], Tombstone) is (version >= KNOWS_DELETIONS)
        new = post(store, "new #東京・", at=OPENED_AT)[0].id
        assert new == (8 if version >= KNOWS_DELETIONS else 7)
        assert ids_of_tag(store, "東京") == [new, 4, 3]


def test_the_export_of_a_file_of_any_schema_is_imported_into_a_new_one(version: int, path: Path) -> None:
    exported = entries_of(path)
    copy = path.with_name("copy.db")
    with opened(copy) as store:
        import_entries(store, read_lines(io.BytesIO(b"".join(exported))), ImportTally(), lambda: None)
        ids = [ids_of_tag(store, tag) for tag in ("python", "東京", "cs")]
    assert ids == [[6, 1], [4, 3], [6, 3]]
    assert entries_of(copy) == exported
    assert findings(copy) == []


def test_a_server_that_is_older_leaves_the_file_alone_and_names_the_way_back(
    version: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()
    monkeypatch.setattr(header, "SCHEMA_VERSION", version - 1)
    way_back = "update ttweet, or export its tweets with the newer ttweet and import them with this one"
    for use in (lambda: SqliteStore.open(path, log_limit=9, at=AT), lambda: SqliteReader(path)):
        with pytest.raises(OpenError, match=f"has schema {version} and .*: {way_back}") as refusal:
            use()
        assert refusal.value.code == "newer"
    assert path.read_bytes() == before


def test_a_migration_that_takes_long_says_so_once(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    load("schema_1", path)
    monkeypatch.setattr(migrating, "NOTICE_AFTER_S", 0)
    monkeypatch.setattr(migrating, "STEPS_PER_LOOK", 1)
    with caplog.at_level(logging.WARNING), opened(path):
        pass
    said = "this may take minutes, and Ctrl-C leaves the file as it was"
    assert caplog.messages == [
        f"bringing {path} to schema {header.SCHEMA_VERSION}; {said}",
        f"keying the tags of {path} again; {said}",
    ]


class CtrlC(logging.Handler):
    """Press Ctrl-C at the first message."""

    def emit(self, record: logging.LogRecord) -> None:
        logging.getLogger(migrating.__name__).removeHandler(self)
        _thread.interrupt_main()


@pytest.mark.parametrize("steps", [1, 20, 150, 400])
def test_ctrl_c_ends_a_migration_and_leaves_the_file_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    load("schema_1", path)
    before = sql(path, "SELECT name, sql FROM sqlite_master"), entries_of(path)
    logging.getLogger(migrating.__name__).addHandler(CtrlC())
    with monkeypatch.context() as patch:
        patch.setattr(migrating, "NOTICE_AFTER_S", 0)
        patch.setattr(migrating, "STEPS_PER_LOOK", steps)
        with pytest.raises(KeyboardInterrupt):
            SqliteStore.open(path, log_limit=9, at=AT)
    assert (sql(path, "SELECT name, sql FROM sqlite_master"), entries_of(path)) == before
    assert sql(path, "PRAGMA user_version") == [(1,)]
    with opened(path) as store:
        ask(store, 1)


LETTER, DIGITS, FOLDS, MARKED = "\U00031350", "\U00011f50\U00011f51", "\U0001e030", "a\u0323\U0001e08f"


def ask_other_python(reader: Queries) -> None:
    """Characters that Python 3.13 stored; to 3.11 and 3.12 some of them are unassigned."""
    found = [ids_of_tag(reader, tag) for tag in (LETTER, DIGITS, FOLDS, MARKED, "plain")]
    assert [ids[-1:] for ids in found] == [[1], [2], [3], [4], [6]]
    assert [tweet.id for tweet in reader.tweets_of_author(LETTER, limit=9).tweets] == [7, 6, 5, 4, 3, 2, 1]


def test_a_file_of_another_python_is_read_checked_exported_and_taken_over(path: Path) -> None:
    load("python_3_13", path)
    with closing(SqliteReader(path)) as reader:
        ask_other_python(reader)
    assert findings(path) == []
    exported = entries_of(path)
    with opened(path) as store:
        ask_other_python(store)
        assert store.append([draft("x", key="k", by=LETTER)], [], at=AT)[0].id == 7
    assert findings(path) == []
    assert entries_of(path) == exported
    copy = path.with_name("copy.db")
    with opened(copy) as store:
        import_entries(store, read_lines(io.BytesIO(b"".join(exported))), ImportTally(), lambda: None)
        ask_other_python(store)
    assert entries_of(copy) == exported
    assert findings(copy) == []
