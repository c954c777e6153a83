"""Check compares the index of words with the tweets."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.storage.sqlite.test_word_index import WORDS, maintained, post
from tests.support.sqlite_files import NOW
from ttweet.model import reports
from ttweet.storage.sqlite import word_index
from ttweet.storage.sqlite.check import Check
from ttweet.storage.sqlite.writer import SqliteStore


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of eight tweets, so that a short log has several."""
    monkeypatch.setattr(word_index, "PART_BITS", 3)
    monkeypatch.setattr(word_index, "CHUNK_TWEETS", 3)


def faults(path: Path) -> list[str]:
    return [finding.what for finding in Check(path).run(lambda *_: None)]


def changed(path: Path, statement: str) -> list[str]:
    """The faults of a file whose index was changed by hand."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()
    return faults(path)


def filled(store: SqliteStore) -> None:
    """Two parts, with a deleted tweet, and with tags and authors of all kinds; the third has one tweet."""
    post(store, *[f"{word} {word} 7" for word in WORDS], by="Ann")
    post(store, "", "x #ß", "gone", "東京の天気", by="Ünal")
    maintained(store)
    store.delete(14, reports.message_shown("x"), at=NOW)


def test_an_index_behind_its_deletions_and_behind_the_log_has_no_fault(path: Path, store: SqliteStore) -> None:
    filled(store)
    assert faults(path) == []
    maintained(store)  # the mark is now the id of the deletion, which no tweet has
    assert faults(path) == []
    post(store, *["later"] * 9)
    assert faults(path) == []
    store.maintain()
    assert faults(path) == []


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO word_index_0 (rowid, text, tags, author) VALUES (3, 'more', '', '')",
        "INSERT INTO word_index_0 (word_index_0, rowid, text, tags, author) VALUES ('delete', 3, 'ab ab 7', '', 'ann')",
        "UPDATE tweets SET text = 'ab 7 ab' WHERE id = 3",
        "UPDATE tweets SET author = 'Bob' WHERE id = 3",
    ],
)
def test_check_finds_a_tweet_whose_words_are_not_those_of_the_index(
    path: Path, store: SqliteStore, statement: str
) -> None:
    filled(store)
    store.close()
    assert changed(path, statement) == ["tweets whose words are not those of the index: 1; the first is 3"]


@pytest.mark.parametrize("id_", [14, 300])
def test_check_finds_words_without_a_tweet(path: Path, store: SqliteStore, id_: int) -> None:
    filled(store)
    store.close()
    statement = f"INSERT INTO word_index_1 (rowid, text, tags, author) VALUES ({id_}, 'gone', '', '')"
    assert changed(path, statement) == [f"tweets whose words are not those of the index: 1; the first is {id_}"]


@pytest.mark.parametrize("up_to", [4, 17, 1_000])
def test_check_finds_a_mark_that_cannot_be(path: Path, store: SqliteStore, up_to: int) -> None:
    filled(store)
    store.close()
    said = f"part 1 of the index of words has the mark {up_to:,}, and the newest id is 16"
    assert changed(path, f"UPDATE word_index SET up_to = {up_to} WHERE part = 1") == [said]


def test_check_says_that_a_part_without_its_table_cannot_be_read(path: Path, store: SqliteStore) -> None:
    filled(store)
    store.close()
    [said] = changed(path, "DROP TABLE word_index_1")
    assert said.startswith("part 1 of the index of words cannot be read: ")
