"""The index of words: find answers alike however much of it there is, and deleted words go out of the file."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.sqlite_files import MANY_BYTES, NOW, opened, sql
from ttweet.model import query, reports, tweets
from ttweet.model.errors import Refused
from ttweet.model.query import Query, holds
from ttweet.model.tweets import Count, Found, Tweet
from ttweet.storage.sqlite import room, word_index, word_search
from ttweet.storage.sqlite.integrity import damages
from ttweet.storage.sqlite.reader import SqliteReader
from ttweet.storage.sqlite.writer import SqliteStore

WORDS = ["a", "b", "ab", "Café", "東京", "x_y", "🎉", "#t", "#T_1", "#東京", "#a～"]
ASKED = [*WORDS, "a*", "caf*", "-b", "-#t", '"a b"', '"東 a"', "by:ann", "-by:ann", "from:Ann", "tag:t*", "NEAR", ") ("]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)
QUERIES = st.lists(st.sampled_from(ASKED), max_size=4).map(" ".join)
TIMES = st.sampled_from([None, NOW - 50, NOW, NOW + 50])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("post"), st.lists(st.tuples(TEXTS, st.sampled_from([None, "ann", "Bob"])), max_size=4)),
        st.tuples(st.just("clock"), st.integers(-60, 60)),
        st.tuples(st.just("delete"), st.integers(1, 40)),
        st.tuples(st.just("prune"), st.integers(1, 40)),
        st.tuples(st.just("maintain"), st.integers(1, 12)),
        st.tuples(st.just("reopen"), st.sampled_from(["this", "another", "none"])),
        st.tuples(st.just("find"), st.tuples(QUERIES, TIMES, TIMES)),
    ),
    max_size=40,
)


@pytest.fixture(autouse=True, scope="module")
def small_parts() -> Iterator[None]:
    """Parts of a few tweets, so that a short log has several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word_index, "PART_BITS", 3)
        patch.setattr(word_index, "CHUNK_TWEETS", 3)
        patch.setattr(word_index, "MERGED_PAGES", 1)
        patch.setattr(word_search, "READ_IDS", 2)
        yield


def post(store: SqliteStore, *texts: str, at: int = NOW, by: str | None = None) -> None:
    store.append([tweets.draft(text, by=by) for text in texts], [], at=at)


def set_made_by(version: str) -> None:
    for module in (word_index, word_search):
        vars(module)["MADE_BY"] = version


def maintained(store: SqliteStore) -> SqliteStore:
    """A store that has nothing left to do."""
    while store.maintain():
        pass
    return store


def found(store: SqliteStore | SqliteReader, asked: str) -> list[str]:
    return [tweet.text for tweet in store.find(query.parse(asked, NOW), limit=1000).tweets]


def raw(path: Path) -> bytes:
    wal = Path(f"{path}-wal")
    return path.read_bytes() + (wal.read_bytes() if wal.exists() else b"")


def parts(path: Path) -> list[tuple[object, ...]]:
    return sql(path, "SELECT part, up_to, erasing FROM word_index ORDER BY part")


class Model:
    """A store beside a plain list of tweets."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.at = NOW
        self.tweets: list[Tweet] = []
        self.store = SqliteStore.open(path, log_limit=MANY_BYTES, at=NOW)

    def post(self, batch: list[tuple[str, str | None]]) -> None:
        drafts = [tweets.draft(text, by=by) for text, by in batch]
        self.tweets += [one for one in self.store.append(drafts, [], at=self.at) if isinstance(one, Tweet)]

    def clock(self, later: int) -> None:
        self.at += later

    def delete(self, which: int) -> None:
        try:
            self.store.delete(which, reports.message_shown("x"), at=self.at)
        except Refused:
            return
        self.tweets = [one for one in self.tweets if one.id != which]

    def prune(self, before: int) -> None:
        self.store.prune(before)
        self.tweets = [one for one in self.tweets if one.id >= before]

    def maintain(self, steps: int) -> None:
        for _ in range(steps):
            self.store.maintain()

    def reopen(self, made_by: str) -> None:
        """Open the file again: by the same Python, by another one, or by a server without an index."""
        self.store.close()
        set_made_by("other" if made_by == "another" else "this")
        self.store = SqliteStore.open(self.path, log_limit=MANY_BYTES, at=NOW, find=made_by != "none")

    def find(self, what: tuple[str, int | None, int | None]) -> None:
        asked, since, until = what
        try:
            wanted = query.parse(asked, NOW)._replace(since=since, until=until)
        except Refused:
            return
        expected = [one for one in reversed(self.tweets) if holds(wanted, one)]
        assert self.store.find(wanted, limit=3) == Found(expected[:3], more=len(expected) > 3)
        assert self.store.find(wanted, limit=100, before=12).tweets == [one for one in expected if one.id < 12]
        assert self.store.count_found(wanted) == Count(len(expected))


@settings(deadline=None, max_examples=80)
@given(steps=STEPS)
def test_after_any_steps_the_store_finds_what_a_look_at_each_tweet_finds(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, object]]
) -> None:
    made_by = word_index.MADE_BY
    model = Model(tmp_path_factory.mktemp("find") / "tweets.db")
    try:
        for step, value in steps:
            getattr(model, step)(value)
        for asked in ASKED:
            model.find((asked, None, None))
    finally:
        set_made_by(made_by)
        model.store.close()


def test_the_index_is_built_a_chunk_at_a_time_from_the_newest_part_on(store: SqliteStore, path: Path) -> None:
    post(store, *[f"word{number}" for number in range(1, 21)])
    assert store.size().without_words == 20
    store.maintain()
    store.maintain()
    assert parts(path) == [(2, 18, 0)]
    assert store.size().without_words == 17
    maintained(store)
    assert store.size().without_words == 0
    assert parts(path) == [(0, 7, 0), (1, 15, 0), (2, 20, 0)]
    post(store, "word21")
    assert store.maintain()
    assert parts(path)[2] == (2, 21, 0)
    assert not store.maintain()


@pytest.mark.parametrize("indexed", [True, False])
def test_a_deleted_word_is_nowhere_in_the_file_or_its_log(path: Path, store: SqliteStore, indexed: bool) -> None:
    post(store, *[f"common{number} word" for number in range(1, 7)], "Zanzibar ☃東 #secrettag", by="mallory")
    if indexed:
        maintained(store)
        assert b"zanzibar" in raw(path)
    store.delete(7, reports.message_shown("x"), at=NOW)
    maintained(store)
    for word in ("zanzibar", "Zanzibar", "secrettag", "☃"):
        assert word.encode() not in raw(path), word
    assert found(store, "common*") == [f"common{number} word" for number in range(6, 0, -1)]


def test_a_word_of_a_removed_tweet_is_nowhere_in_the_file_and_an_empty_part_is_dropped(
    path: Path, store: SqliteStore
) -> None:
    post(store, *[f"unique{number}x" for number in range(1, 13)])
    maintained(store)
    store.prune(10)
    maintained(store)
    assert not [number for number in range(1, 10) if f"unique{number}x".encode() in raw(path)]
    assert parts(path) == [(1, 12, 0)]
    assert found(store, "unique*") == ["unique12x", "unique11x", "unique10x"]


def test_a_log_without_tweets_needs_no_index(path: Path, store: SqliteStore) -> None:
    post(store, *["zanzibar"] * 12)
    maintained(store)
    while store.prune(100) is not None:
        pass
    maintained(store)
    assert parts(path) == []
    assert b"zanzibar" not in raw(path)
    post(store, "word")
    maintained(store)
    assert parts(path) == [(1, 13, 0)]


def test_a_part_that_other_words_made_is_built_again_and_left_alone_at_the_end_of_a_session(path: Path) -> None:
    with opened(path) as store:
        post(store, *["word"] * 12)
        maintained(store)
    sql(path, "UPDATE word_index SET made_by = '0.0 1.1'")
    with opened(path) as store:
        assert len(found(store, "word")) == 12
        store.end_session("stopped", at=NOW)
    assert sql(path, "SELECT DISTINCT made_by FROM word_index") == [("0.0 1.1",)]
    with opened(path) as store:
        maintained(store)
        assert len(found(store, "word")) == 12
    assert sql(path, "SELECT DISTINCT made_by FROM word_index") == [(word_index.MADE_BY,)]


def test_words_that_are_still_to_be_erased_at_the_end_of_a_session_are_erased_then(path: Path) -> None:
    with opened(path) as store:
        post(store, "zanzibar", *["word"] * 5)
        maintained(store)
        store.delete(1, reports.message_shown("x"), at=NOW)
        store.end_session("stopped", at=NOW)
    assert b"zanzibar" not in raw(path)
    assert parts(path) == [(0, 6, 0)]


def test_a_server_that_was_killed_before_a_word_was_erased_leaves_it_to_the_next(path: Path) -> None:
    with opened(path) as store:
        post(store, "zanzibar", *["word"] * 5)
        maintained(store)
        store.delete(1, reports.message_shown("x"), at=NOW)
        store.maintain()
    with opened(path) as store:
        maintained(store)
        assert b"zanzibar" not in raw(path)


def test_a_deletion_while_words_are_being_erased_begins_another_round(path: Path, store: SqliteStore) -> None:
    post(store, "zanzibar", "timbuktu", *["word"] * 4)
    maintained(store)
    store.delete(1, reports.message_shown("x"), at=NOW)
    store.maintain()
    store.delete(2, reports.message_shown("x"), at=NOW)
    maintained(store)
    assert b"zanzibar" not in raw(path)
    assert b"timbuktu" not in raw(path)
    assert found(store, "word") == ["word"] * 4


def test_a_server_without_an_index_drops_the_one_that_is_there(path: Path) -> None:
    with opened(path) as store:
        post(store, *["word"] * 20)
        maintained(store)
    with closing(SqliteStore.open(path, log_limit=MANY_BYTES, at=NOW, find=False)) as store:
        maintained(store)
        assert parts(path) == []
        assert sql(path, "SELECT name FROM sqlite_schema WHERE name LIKE 'word_index_%'") == []
        assert len(found(store, "word")) == 20


def test_without_fts5_the_index_is_left_and_a_deletion_has_it_built_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(path) as store:
        post(store, "zanzibar", *["word"] * 9)
        maintained(store)
    with monkeypatch.context() as patch:
        patch.setattr(word_index, "_HAS_FTS5", "SELECT 0")
        with opened(path) as store:
            assert len(found(store, "word")) == 9
            assert not store.maintain()
            assert not store.can_index_words
            assert store.size().without_words == 10
            store.delete(1, reports.message_shown("x"), at=NOW)
            assert found(store, "zanzibar") == []
            assert len(found(store, "word")) == 9
    with opened(path) as store:
        maintained(store)
        assert b"zanzibar" not in raw(path)
        assert parts(path) == [(0, 7, 0), (1, 11, 0)]


def test_a_table_of_that_name_that_is_not_ours_is_left_alone(path: Path) -> None:
    with opened(path) as store:
        post(store, "word")
    sql(path, "CREATE TABLE word_index (part INTEGER)", "INSERT INTO word_index VALUES (7)")
    with opened(path) as store:
        maintained(store)
        assert found(store, "word") == ["word"]
    assert sql(path, "SELECT * FROM word_index") == [(7,)]


def test_a_damaged_index_changes_no_answer_and_the_next_server_builds_it_again(path: Path) -> None:
    with opened(path) as store:
        post(store, *["some word"] * 12)
        maintained(store)
    sql(path, "DELETE FROM word_index_1_data WHERE id > 10")
    with opened(path) as store:
        assert len(found(store, "word")) == 12
        assert store.count_found(query.parse("word", NOW)) == Count(12)
        store.delete(10, reports.message_shown("x"), at=NOW)
        post(store, "another word")
        maintained(store)
        assert len(found(store, "word")) == 12
    with opened(path) as store:
        maintained(store)
        assert len(found(store, "word")) == 12
        assert parts(path) == [(0, 7, 0), (1, 14, 0)]


class NewerSqlite(sqlite3.Connection):
    """SQLite 3.44 or newer: its checks also report damaged full-text indexes."""

    def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
        if "_check" in sql:
            sql = "SELECT 'malformed inverted index for FTS5 table main.word_index_1' UNION ALL SELECT 'row 1 missing'"
        return super().execute(sql)


def test_a_damaged_index_is_no_damage_of_the_file_whatever_the_version_of_sqlite() -> None:
    with closing(sqlite3.connect(":memory:", factory=NewerSqlite)) as connection:
        assert damages(connection, ["tweets"]) == ["row 1 missing"]


def test_the_index_grows_only_while_the_disk_has_spare_room(
    path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(store, "zanzibar", "word")
    maintained(store)
    monkeypatch.setattr(room, "SPARE_BYTES", 1 << 62)
    post(store, "word")
    store.delete(1, reports.message_shown("x"), at=NOW)
    maintained(store)
    assert parts(path) == [(0, 2, 0)]
    assert b"zanzibar" not in raw(path)
    assert found(store, "word") == ["word", "word"]


def test_a_search_whose_time_is_up_says_how_far_it_came_and_the_next_continues(
    path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(word_search, "BUDGET_S", 0.0)
    monkeypatch.setattr(word_search, "_STEPS_PER_LOOK", 1)
    post(store, *[f"word {number}" for number in range(30)])
    for is_indexed in (False, True):
        if is_indexed:
            maintained(store)
        seen: list[int] = []
        before: int | None = None
        for _ in range(40):
            page = store.find(query.parse("word -absent", NOW), limit=100, before=before)
            seen += [tweet.id for tweet in page.tweets]
            before = page.searched_to
            if before is None:
                break
            assert page.more
        assert seen == [*range(30, 0, -1)]
        counted = store.count_found(query.parse("word", NOW))
        assert counted.searched_to is not None
        assert counted.number == 31 - counted.searched_to


def test_a_reader_beside_the_writer_finds_from_the_index(path: Path, store: SqliteStore) -> None:
    post(store, *["word"] * 12)
    maintained(store)
    with closing(SqliteReader(path)) as reader:
        statements: list[str] = []
        reader._connection.set_trace_callback(statements.append)
        assert len(found(reader, "word")) == 12
        assert [one for one in statements if "MATCH" in one]
        assert not [one for one in statements if "text <> ''" in one]


def test_the_times_of_a_part_leave_out_what_a_query_does_not_ask_for(store: SqliteStore) -> None:
    for number in range(1, 25):
        post(store, "word", at=NOW + number)
    maintained(store)
    looked_at: list[str] = []
    store._connection.set_trace_callback(looked_at.append)
    page = store.find(Query(query.parse("word", NOW).terms, since=NOW + 3, until=NOW + 6), limit=9)
    assert [tweet.id for tweet in page.tweets] == [5, 4, 3]
    assert [one for one in looked_at if "MATCH" in one and "word_index_0" in one]
    assert not [one for one in looked_at if "word_index_1" in one or "word_index_2" in one]


def test_check_and_a_copy_take_a_file_with_an_index(path: Path, tmp_path: Path, store: SqliteStore) -> None:
    from ttweet.storage.sqlite.backup import back_up
    from ttweet.storage.sqlite.check import Check

    post(store, *["word"] * 12)
    maintained(store)
    assert list(Check(path).run(lambda *_: None)) == []
    copy = tmp_path / "copy.db"
    assert back_up(path, copy, overwrite=False, progress=lambda *_: None) == 12
    with opened(copy) as copied:
        assert not copied.maintain()
        assert len(found(copied, "word")) == 12
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
