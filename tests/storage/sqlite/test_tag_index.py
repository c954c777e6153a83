"""The index of tags: built in chunks behind the log, complete whenever it should be, and never out of step with it."""

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.sqlite_files import NOW, limited_pages, opened, post, sql
from tests.support.stored import tweets_after
from ttweet.model import reports
from ttweet.model.errors import StoreError
from ttweet.model.tweets import Tweet, draft, weight_of
from ttweet.storage.sqlite import tag_index
from ttweet.storage.sqlite.reader import SqliteReader
from ttweet.storage.sqlite.writer import SqliteStore


def up_to(path: Path) -> object:
    return sql(path, "SELECT up_to FROM tag_index")[0][0]


def links(path: Path) -> list[object]:
    return [tweet for (tweet,) in sql(path, "SELECT tweet FROM tweet_tags ORDER BY tweet")]


def is_due(store: SqliteStore) -> bool:
    return store.must_settle


def settle_if_due(store: SqliteStore) -> None:
    if is_due(store):
        store.settle()


def of_tag(reader: SqliteStore | SqliteReader, key: str) -> list[int]:
    return [tweet.id for tweet in reader.tweets_of_tag(key, limit=99).tweets]


def test_a_chunk_is_due_when_there_are_enough_tweets_and_settling_indexes_it(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tag_index, "CHUNK_TWEETS", 5)
    post(store, "1 #a", "2 #b")
    post(store, "3", "4 #a")
    assert not is_due(store)
    post(store, "5 #b")
    assert (is_due(store), up_to(path), links(path)) == (True, 0, [])
    store.settle()
    assert (is_due(store), up_to(path), links(path)) == (False, 5, [1, 2, 4, 5])
    post(store, "6 #a")
    assert (is_due(store), up_to(path), links(path)) == (False, 5, [1, 2, 4, 5])


SHORT_TAGS = [" ".join(f"#{tweet:02}x{tag:02}" for tag in range(20)) for tweet in range(60)]
LONG_TAGS = [f"#{tweet:02}" + "\u0f66" * 147 for tweet in range(60)]


@pytest.mark.parametrize("texts", [SHORT_TAGS, LONG_TAGS], ids=["many short tags", "long tags"])
def test_a_chunk_is_due_when_tags_weigh_enough_and_tags_that_come_again_weigh_little(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, texts: list[str]
) -> None:
    monkeypatch.setattr(tag_index, "CHUNK_WEIGHT", 10 * weight_of(draft(texts[0]).tags))
    post(store, *[texts[0]] * 10)
    post(store, *texts[1:7])
    assert not is_due(store)
    post(store, *texts[7:10])
    assert is_due(store)
    with closing(store.reader()) as reader:
        for settled in (False, True):
            for number, text in enumerate(texts[1:10], start=11):
                assert of_tag(reader, next(iter(draft(text).tags))) == [number]
            if not settled:
                store.settle()
    assert store.size().unindexed == 0


@pytest.mark.parametrize("limit", ["CHUNK_WEIGHT", "CHUNK_TWEETS", "MAX_DELAY_MS"])
def test_the_index_does_not_fall_behind_without_a_call_to_settle(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    values = {"CHUNK_WEIGHT": 12 * weight_of(draft(SHORT_TAGS[0]).tags), "CHUNK_TWEETS": 12, "MAX_DELAY_MS": 2}
    monkeypatch.setattr(tag_index, "CHUNK_WEIGHT", 60 * values["CHUNK_WEIGHT"])  # not due by weight
    monkeypatch.setattr(tag_index, limit, values[limit])
    most = 0
    for start in range(0, 60, 6):
        post(store, *SHORT_TAGS[start : start + 6], at=NOW + start // 6)
        most = max(most, store.size().unindexed)
    assert 12 <= most <= 24


def test_a_chunk_that_is_rolled_back_waits_again(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tag_index, "CHUNK_WEIGHT", 2 * weight_of(draft("#a").tags))
    post(store, "1 #a")
    with limited_pages(store._connection, spare=1), pytest.raises(StoreError, match="full"):
        post(store, *[f"{'x' * 140} #b{number}" for number in range(100)])
    assert (up_to(path), is_due(store)) == (0, False)
    post(store, "2 #b", "3 #c")
    assert is_due(store)
    with limited_pages(store._connection, spare=0), pytest.raises(StoreError, match="full"):
        post(store, *[f"{'x' * 140} #b{number}" for number in range(100)])
    assert (up_to(path), is_due(store)) == (0, True)
    store.settle()
    assert (up_to(path), links(path), of_tag(store, "a")) == (3, [1, 2, 3], [1])


def test_tweets_without_tags_do_not_make_the_tail_longer(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tag_index, "CHUNK_TWEETS", 5)
    post(store, *"abcdefg")
    settle_if_due(store)
    assert up_to(path) == 7


@pytest.mark.parametrize("later", [tag_index.MAX_DELAY_MS, -tag_index.MAX_DELAY_MS])
def test_a_tweet_waits_for_a_bounded_time_while_others_follow(store: SqliteStore, path: Path, later: int) -> None:
    post(store, "1 #a", at=NOW)
    post(store, "2 #a", at=NOW + tag_index.MAX_DELAY_MS - 1)
    settle_if_due(store)
    assert up_to(path) == 0
    post(store, "3 #a", at=NOW + later)
    settle_if_due(store)
    assert (up_to(path), links(path)) == (3, [1, 2, 3])
    post(store, "4 #a", at=NOW + later)
    settle_if_due(store)
    assert up_to(path) == 3


def test_settling_indexes_what_waits_and_writes_nothing_when_nothing_does(store: SqliteStore, path: Path) -> None:
    post(store, "1 #a", "2")
    store.settle()
    assert (up_to(path), links(path)) == (2, [1])
    changes = store._connection.total_changes
    store.settle()
    assert store._connection.total_changes == changes


def test_the_index_is_complete_when_a_session_has_ended_or_begun(path: Path) -> None:
    with opened(path) as store:
        post(store, "1 #a")
    assert up_to(path) == 0
    with opened(path) as store:
        assert (up_to(path), links(path)) == (1, [1])
        post(store, "2 #a")
        store.end_session("stopped", at=NOW)
        assert (up_to(path), links(path)) == (2, [1, 2])


def test_a_batch_that_fails_leaves_nothing_in_the_index_and_loses_nothing_that_waits(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tag_index, "CHUNK_TWEETS", 5)
    post(store, "1 #a", "2 #a")
    with limited_pages(store._connection, spare=1), pytest.raises(StoreError, match="full"):
        post(store, *[f"{'x' * 140} #b{number}" for number in range(100)])
    assert (up_to(path), links(path), of_tag(store, "b1")) == (0, [], [])
    assert post(store, "3 #b")[0].id == 3
    assert of_tag(store, "a") == [2, 1]
    store.settle()
    assert (up_to(path), links(path)) == (3, [1, 2, 3])


def test_the_writer_and_readers_find_what_waits(store: SqliteStore, path: Path) -> None:
    post(store, "1 #a", "2 #b")
    store.settle()
    post(store, "3 #A #b", "4 #a")
    with closing(SqliteReader(path)) as reader:
        for one in (store, reader):
            assert of_tag(one, "a") == [4, 3, 1]
            assert [tweet.id for tweet in one.tweets_of_tag("a", limit=2, before=4).tweets] == [3, 1]
            assert one.tweets_of_tag("a", limit=3).more is False
            assert one.tweets_of_tag("a", limit=1).more is True
            assert [tweet.id for tweet in tweets_after(one, 1, 2, keys=["a", "b"])] == [2, 3]
            assert [(tag.tag, tag.count) for tag in one.list_tags(limit=9, now=NOW).tags] == [("a", 3), ("b", 2)]


def test_how_many_tweets_wait_is_reported_by_the_writer_and_by_readers(store: SqliteStore) -> None:
    with closing(store.reader()) as reader:
        post(store, "1 #a", "2", "3 #b")
        assert (store.size().unindexed, reader.size().unindexed) == (2, 2)
        store.delete(1, reports.message_deleted(1, "ann"), at=NOW)
        assert (store.size().unindexed, reader.size().unindexed) == (0, 0)
        post(store, "5 #a")
        assert reader.size().unindexed == 1
        store.settle()
        assert reader.size().unindexed == 0


def test_a_tag_shows_the_spelling_that_is_most_frequent_with_those_that_wait(store: SqliteStore) -> None:
    def shown() -> list[tuple[str, int]]:
        return [(tag.tag, tag.count) for tag in store.list_tags(limit=9, now=NOW).tags]

    post(store, "#go", "#go", "#Go")
    store.settle()
    post(store, "#Go")
    assert shown() == [("go", 4)]
    post(store, "#Go")
    assert shown() == [("Go", 5)]
    store.settle()
    assert shown() == [("Go", 5)]


def test_a_reader_that_stays_drops_what_has_been_indexed(store: SqliteStore) -> None:
    with closing(store.reader()) as reader:
        post(store, "1 #a", "2 #a")
        assert of_tag(reader, "a") == [2, 1]
        store.settle()
        post(store, "3 #a")
        assert of_tag(reader, "a") == [3, 2, 1]
        assert [tweet for tweet, _ in reader._tail.tweets] == [Tweet(3, NOW, None, "3 #a", ("a",))]


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from(["#ab", "#Ab", "#AB", "#1"]), min_size=1, max_size=6), min_size=1, max_size=6))
def test_the_list_of_tags_is_the_same_before_and_after_they_are_indexed(batches: list[list[str]]) -> None:
    with TemporaryDirectory() as folder, closing(SqliteStore.open(Path(folder) / "t.db", log_limit=9, at=0)) as store:
        for at, batch in enumerate(batches):
            store.append([draft(text) for text in batch], [], at=NOW + at // 2)
            before = store.list_tags(limit=9, now=NOW, numbers=True)
            if at % 2:
                store.settle()
            assert store.list_tags(limit=9, now=NOW, numbers=True) == before
