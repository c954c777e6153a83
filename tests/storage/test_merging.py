"""Tweets of other databases, merged under new ids: each once, whatever is repeated, deleted, removed or interrupted."""

import io
import random
from collections import Counter
from pathlib import Path

import pytest

from tests.support.sqlite_files import NOW, opened, post, texts
from ttweet.model.errors import Refused, StoreError
from ttweet.model.reports import Report
from ttweet.model.tweets import Tweet
from ttweet.storage import merging
from ttweet.storage.jsonl import ImportTally, encode, encode_origin, read_lines, split_origin
from ttweet.storage.merging import merge_entries
from ttweet.storage.sqlite.check import Check
from ttweet.storage.sqlite.origins import name_of
from ttweet.storage.sqlite.writer import SqliteStore

GONE = Report("SERVER", "GENERAL", "deleted")


def exported(path: Path) -> bytes:
    with opened(path) as store:
        return b"".join([encode_origin(store.origin), *map(encode, store.entries_after(0, 1000))])


def delete(store: SqliteStore, tweet: int) -> None:
    store.delete(tweet, GONE, at=NOW)


def merged(store: SqliteStore, export: bytes) -> ImportTally:
    tally = ImportTally()
    origin, lines = split_origin(read_lines(io.BytesIO(export)))
    assert origin
    merge_entries(store, origin, lines, tally, delete=lambda tweet: delete(store, tweet), progress=lambda: None)
    return tally


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A database of three tweets, the second of which is deleted."""
    path = tmp_path / "other.db"
    with opened(path) as store:
        post(store, "one #a", "two", "three #a")
        delete(store, 2)
    return path


def test_merged_tweets_get_new_ids_and_keep_all_else(path: Path, other: Path) -> None:
    with opened(path) as store:
        post(store, "mine", at=NOW + 5)
        assert merged(store, exported(other)) == ImportTally(new=2)
        assert store.entries_after(1, 9) == [
            Tweet(2, NOW, None, "one #a", ("a",)),
            Tweet(3, NOW, None, "three #a", ("a",)),
        ]
        assert [tweet.id for tweet in store.tweets_of_tag("a", limit=9).tweets] == [3, 2]
        assert post(store, "next")[0].id == 4
    assert list(Check(path).run(lambda done, total: None)) == []


def test_a_second_merge_adds_what_is_new_and_deletes_what_was_deleted(path: Path, other: Path) -> None:
    with opened(path) as store:
        merged(store, exported(other))
        assert merged(store, exported(other)) == ImportTally(known=2)
    with opened(other) as store:
        post(store, "four")
        delete(store, 3)
    with opened(path) as store:
        assert merged(store, exported(other)) == ImportTally(new=1, known=1, deleted=1)
        assert merged(store, exported(other)) == ImportTally(known=2)
        assert texts(store) == ["one #a", "four"]


def test_a_tweet_that_is_deleted_or_removed_here_does_not_come_back(path: Path, other: Path) -> None:
    with opened(path) as store:
        merged(store, exported(other))
        post(store, "mine")
        delete(store, 2)
        assert store.prune(2) == 1
        assert merged(store, exported(other)) == ImportTally(known=2)
        assert texts(store) == ["mine"]


def test_the_deletion_of_a_tweet_that_was_removed_at_its_origin_counts_too(path: Path, other: Path) -> None:
    with opened(path) as store:
        merged(store, exported(other))
    with opened(other) as store:
        delete(store, 1)
        store.prune(3)
    assert b'"deleted"' not in exported(other)
    with opened(path) as store:
        assert merged(store, exported(other)) == ImportTally(known=1, deleted=1)
        assert texts(store) == ["three #a"]


@pytest.mark.parametrize("seed", range(4))
def test_each_tweet_of_two_origins_is_there_once_in_any_order_of_events(path: Path, tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    origins = [tmp_path / "a.db", tmp_path / "b.db"]
    for number in range(40):
        file = dice.choice(origins)
        with opened(file) as store:
            if dice.random() < 0.6 or not texts(store):
                post(store, f"{file.stem} {number} #{file.stem}")
            else:
                delete(store, dice.choice([tweet.id for tweet in store.tweets_after(0, limit=1000)]))
        with opened(path) as store:
            if dice.random() < 0.3:
                merged(store, exported(dice.choice(origins)))
            elif dice.random() < 0.2:
                post(store, f"mine {number}")
    with opened(path) as store:
        for origin in origins:
            merged(store, exported(origin))
            assert merged(store, exported(origin)).new == 0
        found = Counter(texts(store))
    expected: list[str] = []
    for origin in origins:
        with opened(origin) as store:
            expected += texts(store)
    assert Counter({text: count for text, count in found.items() if not text.startswith("mine")}) == Counter(expected)
    assert list(Check(path).run(lambda done, total: None)) == []


@pytest.mark.parametrize("calls", range(4))
def test_an_interrupted_merge_is_completed_by_the_next(
    path: Path, other: Path, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    with opened(path) as store:
        merged(store, exported(other))
    with opened(other) as store:
        post(store, *[f"later {number}" for number in range(5)])
        delete(store, 1)
        delete(store, 3)
    monkeypatch.setattr(merging, "PAGE_ENTRIES", 2)
    left = calls

    def fail_after(method: object) -> object:
        def call(*arguments: object, **named: object) -> object:
            nonlocal left
            if left == 0:
                raise StoreError("busy", "the database is locked")
            left -= 1
            return method(*arguments, **named)  # type: ignore[operator]

        return call

    with opened(path) as store:
        for name in ("merge", "delete"):
            monkeypatch.setattr(store, name, fail_after(getattr(store, name)))
        with pytest.raises(StoreError):
            merged(store, exported(other))
    with opened(path) as store:
        merged(store, exported(other))
        assert texts(store) == [f"later {number}" for number in range(5)]


def test_another_tweet_with_the_same_origin_is_refused(path: Path, other: Path) -> None:
    export = exported(other)
    with opened(path) as store:
        merged(store, export)
        with pytest.raises(Refused, match="line 2: tweet 1 differs from the one that was merged as 1; merge"):
            merged(store, export.replace(b"one #a", b"two #a"))
        assert texts(store) == ["one #a", "three #a"]


def test_the_lines_before_an_invalid_one_are_merged(path: Path, other: Path) -> None:
    with opened(path) as store:
        with pytest.raises(Refused, match="invalid JSON"):
            merged(store, exported(other) + b"{\n")
        assert texts(store) == ["one #a", "three #a"]


def test_each_database_has_a_name_of_its_own_which_stays(path: Path, other: Path) -> None:
    with opened(path) as store:
        name = store.origin
    assert name != name_of(other)
    assert name_of(path) == name
    origin, rest = split_origin(read_lines(io.BytesIO(encode_origin(name) + b'{"id":1}\n')))
    assert (origin, list(rest)) == (name, [(2, b'{"id":1}\n')])


@pytest.mark.parametrize("line", [b'{"origin":1}\n', b'{"origin":"x"}\n', b'{"origin":"0123456789abcdef","a":1}', b"x"])
def test_a_first_line_without_a_valid_name_is_left_for_the_reader_of_entries(line: bytes) -> None:
    origin, rest = split_origin(read_lines(io.BytesIO(line)))
    assert (origin, list(rest)) == (None, [(1, line)])
