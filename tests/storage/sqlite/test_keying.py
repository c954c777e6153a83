"""Tags that another rule, or the Unicode tables of another Python, has keyed."""

from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.storage.sqlite.test_check import findings
from tests.support.sqlite_files import NOW, opened, sql
from tests.support.stored import tweets_after
from ttweet.model import hashtags
from ttweet.model.keying import OURS
from ttweet.model.reports import message_deleted
from ttweet.model.tweets import Draft, search_key
from ttweet.storage.sqlite.reader import SqliteReader
from ttweet.storage.sqlite.writer import SqliteStore

CAPITAL, SMALL = "\U000e1234", "\U000e1235"
"""Two letters of a script that only a newer Python knows: it folds the first to the second, ours neither."""
UPPER, LOWER = "\u1c90", "\u10d0"
"""Two letters of Georgian, of which an older Python knows the second alone: it leaves the first as it is."""

Key = Callable[[str], str]


def newer_key(body: str) -> str:
    return hashtags.key(body.replace(CAPITAL, SMALL))


def older_key(body: str) -> str:
    return UPPER.join([hashtags.key(part) for part in body.split(UPPER)])


def first_rule(body: str) -> str:
    return hashtags.key(body, rule=1)


def stored_by(path: Path, key: Key, *taggings: str, rule: int = hashtags.RULE) -> None:
    """Make a file as a server has left it that keyed tags in another way; each tagging is the tags of a tweet."""
    with opened(path) as store:
        for number, tagging in enumerate(taggings):
            store.append([Draft(tagging or "x", keyed(key, tagging))], [], at=NOW + number * 43_200_000)
            if number % 3 == 2:
                store.settle()
        store.end_session("stopped", at=NOW)
    sql(path, f"UPDATE tag_index SET rule = {rule}, unicode = '99.0.0'")


def keyed(key: Key, tagging: str) -> Mapping[str, str]:
    spelled: dict[str, str] = {}
    for tag in tagging.split():
        spelled.setdefault(key(tag), tag)
    return spelled


@pytest.mark.parametrize(
    ("key", "rule", "taggings", "query", "before", "after"),
    [
        (newer_key, 2, [CAPITAL], CAPITAL, [1], [1]),
        (newer_key, 2, [CAPITAL], SMALL, [1], []),
        (newer_key, 2, [CAPITAL, SMALL, f"plain {CAPITAL}"], CAPITAL, [3, 2, 1], [3, 1]),
        (newer_key, 2, [f"a{CAPITAL}1", "a"], f"A{CAPITAL}1", [1], [1]),
        (older_key, 2, [UPPER, LOWER, "e"], LOWER, [2, 1], [2, 1]),
        (older_key, 2, [f"{UPPER} {LOWER}"], UPPER, [1], [1]),
        (first_rule, 1, ["東京・", "東京", "東京・ 東京"], "東京", [3, 2, 1], [3, 2, 1]),
        (first_rule, 1, ["東京・", "東京"], "東京・", [2, 1], [2, 1]),
        (first_rule, 1, ["CS_", "cs__ x", "cs"], "cs", [3, 2, 1], [3, 2, 1]),
        (first_rule, 1, ["a b", "_a"], "a_", [1], [1]),
    ],
)
def test_a_stored_tag_is_found_before_and_after_a_server_keys_it_again(
    path: Path, key: Key, rule: int, taggings: list[str], query: str, before: list[int], after: list[int]
) -> None:
    stored_by(path, key, *taggings, rule=rule)

    def check(found: list[int]) -> None:
        with closing(SqliteReader(path)) as reader:
            page = reader.tweets_of_tag(search_key(query), limit=9)
            assert [tweet.id for tweet in page.tweets] == found
            assert [tweet.id for tweet in reader.tweets_of_tag(search_key(query), limit=1).tweets] == found[:1]
            assert [tweet.id for tweet in tweets_after(reader, 0, 9, keys=[search_key(query)])] == found[::-1]
            assert [tweet.text for tweet in tweets_after(reader, 0, 9)] == taggings
        assert findings(path) == []

    check(before)
    with opened(path):
        pass
    assert sql(path, "SELECT rule, unicode FROM tag_index") == [OURS]
    check(after)


@pytest.mark.parametrize(("key", "rule"), [(newer_key, 2), (older_key, 2), (first_rule, 1)])
def test_with_its_tweets_a_tag_goes_whichever_version_keyed_it(path: Path, key: Key, rule: int) -> None:
    stored_by(path, key, CAPITAL, UPPER, "cs_", f"{SMALL} {LOWER} cs", rule=rule)
    with opened(path) as store:
        for tweet in (1, 2, 3, 4):
            store.delete(tweet, message_deleted(tweet, "ann"), at=NOW)
        assert store.list_tags(limit=9, now=NOW, numbers=True).tags == []
    assert sql(path, "SELECT * FROM tags UNION ALL SELECT *, 0, 0, 0, 0 FROM spellings") == []


@pytest.mark.parametrize("statement", ["UPDATE tags SET key = 'b' WHERE key = 'a'", "UPDATE tags SET key = 'ä'"])
@pytest.mark.parametrize(("key", "rule"), [(newer_key, 2), (first_rule, 1)])
def test_a_key_that_no_python_would_have_made_is_damage_in_such_a_file_too(
    path: Path, key: Key, rule: int, statement: str
) -> None:
    stored_by(path, key, "a", rule=rule)
    sql(path, statement)
    assert "wrong links to tweets" in findings(path)[0].what


def test_which_tags_have_letters_is_noted_again(path: Path) -> None:
    stored_by(path, newer_key, CAPITAL, "é", "1")
    sql(path, "UPDATE tags SET lettered = 1 - lettered")
    sql(path, "UPDATE tags SET lettered = 0 WHERE key = '1'")
    with opened(path) as store:
        assert {tag.tag for tag in store.list_tags(limit=9, now=NOW).tags} == {CAPITAL, "é"}


def counts(store: SqliteStore) -> dict[str, tuple[int, int, list[int]]]:
    tags = store.list_tags(limit=99, now=NOW, numbers=True).tags
    return {hashtags.key(tag.tag): (tag.count, tag.newest, tag.days) for tag in tags}


WORDS = st.sampled_from(
    [CAPITAL, SMALL, f"{SMALL}1", UPPER, LOWER, f"{UPPER}_", "a", "A", "a_", "a__", "東京・", "東京", "1", "1_"]
)
TAGGINGS = st.lists(st.lists(WORDS, max_size=4).map(" ".join), max_size=12)


@settings(max_examples=50, deadline=None)
@given(TAGGINGS, st.sampled_from([(newer_key, 2), (older_key, 2), (first_rule, 1)]))
def test_keyed_again_the_tags_are_those_of_a_new_file(
    tmp_path_factory: pytest.TempPathFactory, taggings: list[str], how: tuple[Key, int]
) -> None:
    folder = tmp_path_factory.mktemp("keying")
    stored_by(folder / "old.db", how[0], *taggings, rule=how[1])
    assert findings(folder / "old.db") == []
    with opened(folder / "old.db") as old, opened(folder / "new.db") as new:
        if entries := old.entries_after(0, 99):
            new.restore(entries)
        new.settle()
        assert counts(old) == counts(new)
    assert [findings(folder / name) for name in ("old.db", "new.db")] == [[], []]
