"""The tail of the log, as one connection sees it."""

from tests.support.sqlite_files import NOW, post
from ttweet.model.tweets import Tweet
from ttweet.storage.sqlite.tail import Tail
from ttweet.storage.sqlite.writer import SqliteStore


def ids(tweets: list[Tweet]) -> list[int]:
    return [tweet.id for tweet in tweets]


def refreshed(store: SqliteStore) -> Tail:
    tail = Tail(store._connection)
    tail.refresh()
    return tail


def test_the_tail_holds_tweets_with_tags_that_are_not_indexed(store: SqliteStore) -> None:
    post(store, "1 #a")
    store.settle()
    post(store, "2 #Straße #b", "3", "4 #A")
    assert refreshed(store).tweets == [
        (Tweet(2, NOW, None, "2 #Straße #b", ("Straße", "b")), {"strasse": "Straße", "b": "b"}),
        (Tweet(4, NOW, None, "4 #A", ("A",)), {"a": "A"}),
    ]


def test_the_tail_is_searched_from_either_end(store: SqliteStore) -> None:
    post(store, "1 #a", "2 #b", "3 #a #b", "4 #c", "5 #a")
    tail = refreshed(store)
    assert ids(tail.newest_of("a", below=99, limit=2)) == [5, 3]
    assert ids(tail.newest_of("a", below=5, limit=9)) == [3, 1]
    assert ids(tail.newest_of("a", below=99, limit=0)) == []
    assert ids(tail.any_after(["a", "c"], 1, 2)) == [3, 4]
    assert ids(tail.any_after(["a", "c"], 0, 0)) == []
    assert ids(tail.any_after([], 0, 9)) == []


def test_a_refresh_reads_only_what_is_new(store: SqliteStore) -> None:
    post(store, "1 #a", "2 #a")
    tail = refreshed(store)
    first = tail.tweets[0]
    post(store, "3 #a")
    tail.refresh()
    assert [tweet.id for tweet, _ in tail.tweets] == [1, 2, 3]
    assert tail.tweets[0] is first
