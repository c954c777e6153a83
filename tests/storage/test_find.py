"""The contract of find: each test runs over every store there is."""

from tests.support.stored import tweets_of
from ttweet.model import reports
from ttweet.model.query import Query, parse
from ttweet.model.tweets import Count, Found, Tweet, draft
from ttweet.storage.contract import Store

NOW = 1_700_000_000_000


def post(store: Store, *texts: str, at: int = NOW, by: str | None = None) -> list[Tweet]:
    return tweets_of(store.append([draft(text, by=by) for text in texts], [], at=at))


def found(store: Store, asked: str, limit: int = 100) -> list[str]:
    return [tweet.text for tweet in store.find(parse(asked, NOW), limit=limit).tweets]


def test_a_query_finds_words_tags_authors_and_times_newest_first(any_store: Store) -> None:
    post(any_store, "The build is Green", "café crème #ci_2", by="Ann", at=NOW - 100_000)
    post(any_store, "build failed: timed out #ci", "東京の天気 ☀", "a green_house", at=NOW)
    assert found(any_store, "build") == ["build failed: timed out #ci", "The build is Green"]
    assert found(any_store, "GREEN") == ["a green_house", "The build is Green"]
    assert found(any_store, '"timed out"') == found(any_store, "#ci") == ["build failed: timed out #ci"]
    assert found(any_store, '"out timed"') == found(any_store, "buil") == []
    assert found(any_store, "buil* -fail*") == ["The build is Green"]
    assert found(any_store, "cafe") == found(any_store, "tag:CI_2") == ["café crème #ci_2"]
    assert found(any_store, "東京") == found(any_store, "☀") == ["東京の天気 ☀"]
    assert found(any_store, "from:ann -tag:ci_2") == ["The build is Green"]
    assert found(any_store, "green -from:ann") == ["a green_house"]
    assert found(any_store, "green since:1m") == ["a green_house"]
    assert found(any_store, "green until:1m") == ["The build is Green"]


def test_a_page_of_a_query_says_whether_there_are_more_and_the_next_one_continues(any_store: Store) -> None:
    one, two, three = post(any_store, "a 1", "a 2", "a 3")
    query = parse("a", NOW)
    assert any_store.find(query, limit=2) == Found([three, two], more=True)
    assert any_store.find(query, limit=2, before=two.id) == Found([one], more=False)
    assert any_store.find(query, limit=3) == Found([three, two, one], more=False)
    assert any_store.find(query, limit=3, before=one.id) == Found([], more=False)


def test_a_query_counts_what_it_would_find(any_store: Store) -> None:
    _, two, _ = post(any_store, "a 1", "a 2", "b a")
    assert any_store.count_found(parse("a", NOW)) == Count(3)
    assert any_store.count_found(parse("a -b", NOW), before=two.id) == Count(1)
    assert any_store.count_found(parse("c", NOW)) == Count(0)


def test_a_query_of_a_time_finds_the_tweets_of_it_even_if_the_clock_went_back(any_store: Store) -> None:
    for at in (500, 300, 400, 100):
        post(any_store, f"at {at}", at=at)
    within = Query(since=300, until=500)
    assert [tweet.at for tweet in any_store.find(within, limit=9).tweets] == [400, 300]
    assert [tweet.at for tweet in any_store.find(parse("at", NOW)._replace(until=400), limit=9).tweets] == [100, 300]
    assert any_store.count_found(within) == Count(2)


def test_an_empty_query_finds_the_newest_tweets_that_are_not_empty(any_store: Store) -> None:
    post(any_store, "one", "", "three")
    assert found(any_store, "") == ["three", "one"]


def test_no_query_finds_a_tweet_that_was_deleted_or_removed(any_store: Store) -> None:
    post(any_store, "secret 1 #tag", "secret 2 #tag", "secret 3 #tag", "secret 4 #tag", by="ann")
    any_store.delete(3, reports.message_shown("x"), at=NOW)
    any_store.prune(2)
    for asked in ("secret", "tag:tag", "by:ann", "", "secret -3"):
        assert found(any_store, asked) == ["secret 4 #tag", "secret 2 #tag"], asked


def test_nothing_is_found_in_an_empty_store(any_store: Store) -> None:
    assert any_store.find(parse("", NOW), limit=5) == Found([], more=False)
    assert any_store.count_found(parse("a", NOW)) == Count(0)
