"""docs/schema.md is right: its tables, its ten queries; and what readers ask costs the same at any size."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

import ttweet
from tests.support.sqlite_files import MANY_BYTES
from tests.support.stored import tweets_after
from ttweet.model import reports
from ttweet.model.times import now_ms
from ttweet.model.tweets import draft
from ttweet.storage.sqlite import reader as sqlite_reader
from ttweet.storage.sqlite import tag_list
from ttweet.storage.sqlite.reader import SqliteReader
from ttweet.storage.sqlite.writer import SqliteStore

PAGE = (Path(ttweet.__file__).parent.parent / "docs" / "schema.md").read_text()
SECTIONS: dict[str, str] = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
QUESTIONS: dict[str, str] = dict(re.findall(r"^([A-Z].*\?)\n\n```sql\n(.*)\n```$", PAGE, re.MULTILINE))

DAY_MS = 86_400_000
NOW = now_ms()
OLD = NOW - 30 * DAY_MS
PEER = ("127.0.0.1", 50000)


def iso(at: int) -> str:
    return datetime.fromtimestamp(at // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{at % 1000:03d}Z"


def minute(at: int) -> str:
    return iso(at)[:19].replace("T", " ")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with two sessions, the first of which crashed."""
    path = tmp_path_factory.mktemp("schema") / "tweets.db"
    with closing(SqliteStore.open(path, log_limit=MANY_BYTES, at=OLD)) as store:
        store.append([draft("old #Python release", by="ann"), draft("no tag"), draft("")], [], at=OLD)
    with closing(SqliteStore.open(path, log_limit=MANY_BYTES, at=NOW)) as store:
        texts = ["one #python #go", "two #Python", "three #go #Python #1"]
        store.append([draft(text) for text in texts], [reports.input_refused(PEER, "bad_tag")], at=NOW)
        while store.maintain():
            pass
        store.end_session("stopped", at=NOW + 1000)
    return path


def ask(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def tables(path: Path) -> dict[str, dict[str, str]]:
    names = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT GLOB 'sqlite_*'"
    names += " AND name NOT GLOB 'word_index_*'"  # the parts of the index, with the tables that FTS5 keeps for each
    return {
        str(name): {
            str(column): str(kind) for column, kind in ask(path, f"SELECT name, type FROM pragma_table_info('{name}')")
        }
        for (name,) in ask(path, names)
    }


def test_every_table_and_every_column_is_documented(sample: Path) -> None:
    documented = {
        name: dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", text, re.MULTILINE)) for name, text in SECTIONS.items()
    }
    found = tables(sample)
    found["timeline"] |= {"at": "TEXT"}  # an expression, which has no declared type
    assert documented == found


def test_our_tables_are_strict(sample: Path) -> None:
    strict = {name for name, is_strict in ask(sample, "SELECT name, strict FROM pragma_table_list") if is_strict}
    assert strict == SECTIONS.keys() - {"timeline", "_sqlite_migrations"}


ANSWERS: dict[str, list[tuple[object, ...]]] = {
    "What are the ten newest tweets?": [
        (iso(NOW), "three #go #Python #1"),
        (iso(NOW), "two #Python"),
        (iso(NOW), "one #python #go"),
        (iso(OLD), "no tag"),
        (iso(OLD), "old #Python release"),
    ],
    "Which tweets carry `#python`, newest first?": [
        (6, "three #go #Python #1"),
        (5, "two #Python"),
        (4, "one #python #go"),
        (1, "old #Python release"),
    ],
    "Which are the ten most used tags?": [("Python", 4), ("go", 2)],
    "Which tags were used most in the last seven days?": [("Python", 3), ("go", 2), ("1", 1)],
    "How is `#python` spelled, and how often?": [("Python", 3), ("python", 1)],
    "How many tweets were posted on each day?": [(iso(OLD)[:10], 2), (iso(NOW)[:10], 3)],
    "How many tweets have no tag?": [(1,)],
    "Which tweets have a word in them?": [(1, "old #Python release")],
    "How did the server's sessions end?": [
        (1, minute(OLD), None, "crashed"),
        (2, minute(NOW), minute(NOW + 1000), "stopped"),
    ],
    "What went wrong in the newest session?": [(minute(NOW), reports.input_refused(PEER, "bad_tag").text)],
}


def test_there_are_ten_queries_of_one_line_each() -> None:
    assert QUESTIONS.keys() == ANSWERS.keys()
    assert len(QUESTIONS) == PAGE.count("```sql") == 10


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_query_is_answered_by_its_line_of_sql(sample: Path, question: str) -> None:
    assert ask(sample, QUESTIONS[question]) == ANSWERS[question]


@pytest.mark.parametrize("at", [0, 1, 999, 1_700_000_000_001, 1_714_567_890_789, 4_102_444_799_999])
def test_the_timeline_tells_time_to_the_millisecond(tmp_path: Path, at: int) -> None:
    with closing(SqliteStore.open(tmp_path / "t.db", log_limit=1, at=0)) as store:
        store.append([draft("x", by="ann")], [], at=at)
        row = ask(tmp_path / "t.db", 'SELECT id, at, "by", text, tags FROM timeline')
    assert row == [(1, iso(at), "ann", "x", "")]


# Cost


SMALL, LARGE = 1_000, 100_000
HOT = "all"
AUTHOR = "ann"


def fill(path: Path, tweets: int) -> Path:
    """A file of one author where one tag is in every tweet, and every tenth tweet has two of its own."""
    texts = [f"{n} #{HOT}" + (f" #own{n} #{n}" if n % 10 == 0 else "") for n in range(tweets)]
    with closing(SqliteStore.open(path, log_limit=MANY_BYTES, at=0)) as store:
        for first in range(0, tweets, 1000):
            part = texts[first : first + 1000]
            store.append(
                [draft(text, by=AUTHOR) for text in part], [reports.message_received(text) for text in part], at=NOW
            )
        store.end_session("stopped", at=NOW)
    with closing(SqliteStore.open(path, log_limit=MANY_BYTES, at=1)) as store:
        store.append([], [reports.server_started("127.0.0.1")], at=NOW)
    return path


@pytest.fixture(scope="module")
def sized(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[SqliteReader]]:
    folder = tmp_path_factory.mktemp("sizes")
    with (
        closing(SqliteReader(fill(folder / "small.db", SMALL))) as small,
        closing(SqliteReader(fill(folder / "large.db", LARGE))) as large,
    ):
        yield [small, large]


def steps(reader: SqliteReader, question: Callable[[SqliteReader], object]) -> int:
    """How many instructions SQLite runs for a query: what it costs, without a clock."""
    count = 0

    def step() -> None:
        nonlocal count
        count += 1

    reader._connection.set_progress_handler(step, 1)
    question(reader)
    reader._connection.set_progress_handler(None, 1)
    return count


ASKED: dict[str, Callable[[SqliteReader], object]] = {
    "count": lambda reader: reader.count(),
    "last": lambda reader: reader.last(),
    "read_after": lambda reader: tweets_after(reader, 500, 20),
    "newest 20": lambda reader: reader.newest_tweets(limit=20),
    "20 before an id": lambda reader: reader.newest_tweets(limit=20, before=500),
    "20 after an id": lambda reader: reader.newest_tweets(limit=20, after=500),
    "one by its id": lambda reader: reader.tweet(500),
    "newest 20 of a tag": lambda reader: reader.tweets_of_tag(HOT, limit=20),
    "20 of a tag in the middle": lambda reader: reader.tweets_of_tag(HOT, limit=20, before=500),
    "no such tag": lambda reader: reader.tweets_of_tag("nothing", limit=20),
    "20 of either of two tags after an id": lambda reader: tweets_after(reader, 500, 20, keys=[HOT, "own0"]),
    "newest 20 of an author": lambda reader: reader.tweets_of_author(AUTHOR, limit=20),
    "20 of an author after an id": lambda reader: reader.tweets_of_author(AUTHOR, limit=20, after=500),
    "newest deletions": lambda reader: reader.newest_deletions(20),
    "no such author": lambda reader: reader.tweets_of_author("nobody", limit=20),
    "tags": lambda reader: reader.list_tags(limit=20, now=NOW),
    "tags and numbers": lambda reader: reader.list_tags(limit=20, now=NOW, numbers=True),
    "log": lambda reader: reader.lines_after(500, limit=20),
    "log of the last session": lambda reader: reader.lines_after(0, limit=20, session=2),
    "log of the last session as text": lambda reader: reader.text_after(0, limit=20, session=2),
    "last session": lambda reader: reader.last_session(),
}


@pytest.mark.parametrize("name", ASKED)
def test_a_query_costs_the_same_at_a_thousand_and_at_a_hundred_thousand_tweets(
    sized: list[SqliteReader], name: str
) -> None:
    small, large = (steps(reader, ASKED[name]) for reader in sized)
    assert 0 < small == large


VALUES = dict.fromkeys(["cursor", "limit", "key", "before", "days", "numbers", "by", "session", "categories"], "1")


def plan(reader: SqliteReader, sql: str) -> list[str]:
    return [detail for _, _, _, detail in reader._connection.execute(f"EXPLAIN QUERY PLAN {sql}", VALUES)]


def test_the_newest_of_a_tag_and_the_list_of_tags_go_by_an_index(sized: list[SqliteReader]) -> None:
    for reader in sized:
        assert plan(reader, sqlite_reader._OF_TAG) == [
            "SEARCH tweet_tags USING PRIMARY KEY (tag=? AND tweet<?)",
            "SCALAR SUBQUERY 1",
            "SEARCH tags USING COVERING INDEX sqlite_autoindex_tags_1 (key=?)",
            "SEARCH tweets USING INTEGER PRIMARY KEY (rowid=?)",
        ]
        for question in (sqlite_reader._OF_AUTHOR, sqlite_reader._OF_AUTHOR_AFTER):
            (found,) = plan(reader, question)
            assert found.startswith("SEARCH tweets USING INDEX tweets_by_author (author=? AND rowid")
        listing = plan(reader, tag_list.MOST_USED)
        assert listing.count("SEARCH tags USING INDEX tags_by_use (lettered=?)") == 2
        assert "SEARCH tag_days USING PRIMARY KEY (day=? AND tag=?)" in listing
        assert not [detail for detail in listing if detail.startswith(("SCAN tags", "SCAN tag_days"))]
