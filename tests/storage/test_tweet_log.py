"""The contract of a tweet log: each test runs over every store there is."""

import pytest

from tests.support.stored import tweets_after, tweets_of
from ttweet.model import reports
from ttweet.model.reports import message_received
from ttweet.model.tweets import Page, TagPage, Tweet, draft
from ttweet.storage.contract import Position, Reader, Store

DAY_MS = 86_400_000
NOW = 20_000 * DAY_MS + 1
WEEK_MS = 7 * DAY_MS
MANY = 1_000_000
REPORT = reports.message_shown("hello")


def post(store: Store, *texts: str, at: int = NOW, by: str | None = None) -> list[Tweet]:
    return tweets_of(store.append([draft(text, by=by) for text in texts], [], at=at))


def texts(tweets: list[Tweet]) -> list[str]:
    return [tweet.text for tweet in tweets]


def summaries(reader: Reader, *, limit: int = 100, now: int = NOW, numbers: bool = False) -> list[tuple[str, int]]:
    return [(tag.tag, tag.count) for tag in reader.list_tags(limit=limit, now=now, numbers=numbers).tags]


def test_a_new_store_has_no_tweets_no_tags_and_a_session(any_store: Store) -> None:
    assert len(tweets_after(any_store, 0, MANY)) == 0
    assert any_store.position().last is None
    assert tweets_after(any_store, 0, 10) == []
    assert any_store.tweets_of_tag("python", limit=10) == Page([], more=False)
    assert any_store.list_tags(limit=10, now=NOW) == TagPage([], more=False)
    assert any_store.lines_after(0, limit=10) == []
    assert any_store.text_after(0, limit=10) == ("", 0)
    assert any_store.last_session() == any_store.session == 1


def test_drafts_come_back_as_tweets_with_rising_ids(any_store: Store) -> None:
    first = any_store.append([draft("a #Tag", by="ann"), draft("b")], [], at=NOW)
    assert first == [Tweet(1, NOW, "ann", "a #Tag", ("Tag",)), Tweet(2, NOW, None, "b", ())]
    assert post(any_store, "c", at=NOW + 5) == [Tweet(3, NOW + 5, None, "c", ())]
    assert tweets_after(any_store, 0, 10) == [*first, Tweet(3, NOW + 5, None, "c", ())]
    assert len(tweets_after(any_store, 0, MANY)) == 3


def test_an_append_of_nothing_stores_nothing(any_store: Store) -> None:
    assert any_store.append([], [], at=NOW) == []
    assert len(tweets_after(any_store, 0, MANY)) == 0


def test_the_position_is_that_of_the_newest_entry_and_of_the_newest_tweet_that_stands(any_store: Store) -> None:
    assert any_store.position() == Position(None, 0, 0)
    [one, _] = post(any_store, "1", "2")
    any_store.delete(2, REPORT, at=NOW)
    assert any_store.position() == Position(one, 3, 0)
    while any_store.prune(9) is not None:
        pass
    assert any_store.position() == Position(None, 3, 3)


def test_the_last_tweet_may_be_an_empty_one(any_store: Store) -> None:
    post(any_store, "a", "")
    assert any_store.position().last == Tweet(2, NOW, None, "", ())


def test_a_key_used_before_gives_the_first_tweet_and_stores_nothing(any_store: Store) -> None:
    [first] = any_store.append([draft("a", key="k", by="ann")], [], at=NOW)
    again = any_store.append([draft("b"), draft("other words", key="k", by="ann")], [], at=NOW + 1)
    assert again == [Tweet(2, NOW + 1, None, "b", ()), first]
    assert len(tweets_after(any_store, 0, MANY)) == 2


def test_a_key_twice_in_one_batch_stores_one_tweet(any_store: Store) -> None:
    tweets = any_store.append([draft("a #x", key="k"), draft("b"), draft("a #x", key="k")], [], at=NOW)
    assert [tweet.id for tweet in tweets] == [1, 2, 1]
    assert any_store.list_tags(limit=9, now=NOW).tags[0].count == 1


def test_each_author_has_keys_of_their_own(any_store: Store) -> None:
    authors = ["ann", "bob", None]
    tweets = any_store.append([draft("a", key="k", by=by) for by in authors], [], at=NOW)
    assert [tweet.id for tweet in tweets] == [1, 2, 3]
    assert any_store.append([draft("a", key="k", by=by) for by in authors], [], at=NOW) == tweets


@pytest.mark.parametrize(("age_ms", "counts"), [(WEEK_MS - 1, True), (WEEK_MS, True), (WEEK_MS + 1, False)])
@pytest.mark.parametrize("looked_for", [True, False])
def test_a_key_counts_for_seven_days_whether_old_keys_were_looked_for_or_not(
    any_store: Store, age_ms: int, counts: bool, looked_for: bool
) -> None:
    [first] = any_store.append([draft("first", key="k")], [], at=NOW)
    if looked_for:
        post(any_store, "a store looks for keys that are too old when it appends", at=NOW + age_ms)
    again, twice = any_store.append([draft("again", key="k"), draft("twice", key="k")], [], at=NOW + age_ms)
    assert again == twice
    assert (again == first) is counts
    assert any_store.append([draft("later", key="k")], [], at=NOW + age_ms + 1 - counts) == [again]


def test_a_key_of_a_clock_that_was_ahead_counts_when_the_clock_is_put_right(any_store: Store) -> None:
    first = any_store.append([draft("first", key="k")], [], at=NOW + 1000 * DAY_MS)
    assert any_store.append([draft("again", key="k")], [], at=NOW) == first


def test_a_reader_sees_what_is_committed(any_store: Store) -> None:
    reader = any_store.reader()
    post(any_store, "a #t")
    assert texts(tweets_after(reader, 0, 9)) == ["a #t"]
    post(any_store, "b #t")
    assert texts(reader.tweets_of_tag("t", limit=9).tweets) == ["b #t", "a #t"]
    reader.close()


def test_a_batch_of_any_size_is_stored_whole(any_store: Store) -> None:
    for size in [1, 2, 3, 511, 512, 513, 1023, 1300]:
        before = len(tweets_after(any_store, 0, MANY))
        drafts = [draft(f"{n} #t{n % 7} #all") for n in range(size)]
        tweets = any_store.append(drafts, [message_received(one.text) for one in drafts], at=NOW)
        assert tweets_after(any_store, before, size + 1) == tweets
    assert dict(summaries(any_store))["all"] == len(tweets_after(any_store, 0, MANY))
    assert len(any_store.lines_after(0, limit=100_000)) == len(tweets_after(any_store, 0, MANY))
