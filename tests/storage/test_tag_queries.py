"""The contract of the queries of tweets: each test runs over every store there is."""

import pytest

from tests.support.stored import tweets_after, tweets_of
from ttweet.model import reports
from ttweet.model.tweets import HISTORY_DAYS, Deletion, Page, TagSummary, Tombstone, Tweet, draft
from ttweet.storage.contract import Kept, Position, Reader, Slice, Store

DAY_MS = 86_400_000
NOW = 20_000 * DAY_MS + 1
REPORT = reports.message_shown("hello")


def post(store: Store, *texts: str, at: int = NOW, by: str | None = None) -> list[Tweet]:
    return tweets_of(store.append([draft(text, by=by) for text in texts], [], at=at))


def texts(tweets: list[Tweet]) -> list[str]:
    return [tweet.text for tweet in tweets]


def summaries(reader: Reader, *, limit: int = 100, now: int = NOW, numbers: bool = False) -> list[tuple[str, int]]:
    return [(tag.tag, tag.count) for tag in reader.list_tags(limit=limit, now=now, numbers=numbers).tags]


def test_a_cursor_reads_what_comes_after_it_oldest_first(any_store: Store) -> None:
    post(any_store, "a", "b", "", "d")
    assert texts(tweets_after(any_store, 1, 2)) == ["b", ""]
    assert texts(tweets_after(any_store, 3, 2)) == ["d"]
    assert tweets_after(any_store, 4, 2) == []


def test_a_cursor_reads_the_tweets_of_any_of_some_tags_each_once(any_store: Store) -> None:
    post(any_store, "1 #a", "2 #b", "3 #A #b #c", "4 #c", "5", "6 #b", "7 #a")
    assert texts(tweets_after(any_store, 0, 100, keys=["a", "b"])) == ["1 #a", "2 #b", "3 #A #b #c", "6 #b", "7 #a"]
    assert texts(tweets_after(any_store, 1, 2, keys=["a", "b"])) == ["2 #b", "3 #A #b #c"]
    assert texts(tweets_after(any_store, 3, 2, keys=["nobody's", "c"])) == ["4 #c"]
    assert tweets_after(any_store, 7, 2, keys=["a"]) == []
    assert texts(tweets_after(any_store, 5, 9, keys=[*"abc", *[f"t{number}" for number in range(29)]])) == [
        "6 #b",
        "7 #a",
    ]


def test_a_slice_has_the_deletions_on_demand_each_in_its_place(any_store: Store) -> None:
    one, two, _ = post(any_store, "1 #a", "2 #b", "3 #a")
    first = any_store.delete(3, REPORT, at=NOW + 1)
    [five] = post(any_store, "5 #a")
    second = any_store.delete(5, REPORT, at=NOW + 2)
    [seven] = post(any_store, "7 #c")
    assert (first, second, five.id) == (Deletion(4, NOW + 1, 3), Deletion(6, NOW + 2, 5), 5)
    assert any_store.read_after(0, 9, deletions=True).entries == [one, two, first, second, seven]
    assert any_store.read_after(0, 9).entries == [one, two, seven]
    assert any_store.read_after(1, 3, deletions=True).entries == [two, first, second]
    assert any_store.read_after(0, 3, keys=["a", "c"], deletions=True).entries == [one, first, second]


def test_a_slice_says_which_tweets_were_not_kept(any_store: Store) -> None:
    [*_, three] = post(any_store, "1 #a", "2 #a", "3")
    assert any_store.read_after(0, 9).pruned_up_to == any_store.position().pruned_up_to == 0
    while any_store.prune(3) is not None:
        pass
    assert any_store.read_after(0, 9) == Slice([three], 2)
    assert any_store.read_after(0, 9, keys=["a"]) == Slice([], 2)
    assert any_store.position() == Position(three, 3, 2)


def test_the_kept_tweets_begin_at_a_given_id_at_the_latest(any_store: Store) -> None:
    for number in range(1, 6):
        post(any_store, "x", at=NOW + number)
    assert any_store.oldest_kept(last=2, now=NOW + 9) == Kept(4, NOW + 4)
    assert any_store.oldest_kept(last=2, before=3, now=NOW + 9) == Kept(3, NOW + 3)
    assert any_store.oldest_kept(since=NOW + 9, before=6, now=NOW + 9) == Kept(6, NOW + 9)
    assert any_store.oldest_kept(before=2, now=NOW + 9) == Kept(2, NOW + 2)
    assert any_store.oldest_kept(last=6, before=9, now=NOW + 9) == Kept(0, None)


def test_the_tweets_of_an_author_come_either_way_in_pages_without_the_empty_ones(any_store: Store) -> None:
    for text, by in [("1", "ann"), ("2", None), ("3", "Ann"), ("", "ann"), ("5", "ann"), ("6", "ann")]:
        post(any_store, text, by=by)
    newest, more = any_store.tweets_of_author("ann", limit=2)
    assert (texts(newest), more) == (["6", "5"], True)
    older, more = any_store.tweets_of_author("ann", limit=2, before=5)
    assert (texts(older), more) == (["1"], False)
    oldest, more = any_store.tweets_of_author("ann", limit=2, after=0)
    assert (texts(oldest), more) == (["1", "5"], True)
    assert any_store.tweets_of_author("ann", limit=2, after=6) == Page([], more=False)


def test_the_newest_tweets_come_in_pages_without_the_empty_and_the_deleted_ones(any_store: Store) -> None:
    post(any_store, "1", "2 #a", "", "4", "5")
    any_store.delete(4, REPORT, at=NOW)
    newest, more = any_store.newest_tweets(limit=2)
    assert (texts(newest), more) == (["5", "2 #a"], True)
    assert texts(any_store.newest_tweets(limit=2, before=2).tweets) == ["1"]
    assert any_store.newest_tweets(limit=2, before=1) == Page([], more=False)
    oldest, more = any_store.newest_tweets(limit=2, after=1)
    assert (texts(oldest), more) == (["2 #a", "5"], False)
    assert any_store.newest_tweets(limit=1, after=0).more
    assert any_store.newest_tweets(limit=2, after=5) == Page([], more=False)


def test_one_tweet_is_found_by_its_id_and_a_deleted_one_as_its_tombstone(any_store: Store) -> None:
    [one, _] = post(any_store, "1 #a", "2")
    any_store.delete(2, REPORT, at=NOW + 1)
    assert any_store.tweet(1) == one
    assert any_store.tweet(2) == Tombstone(2, NOW)
    assert (any_store.tweet(3), any_store.tweet(9)) == (None, None)


def test_text_comes_back_to_the_letter(any_store: Store) -> None:
    odd = ["  blanks  ", "\t\n\r", "😀👩‍👩‍👧", "quote ' \" \\ %", "\x1b[31m", "ÿ\u2028\ufeff", "é" * 150]
    post(any_store, *odd)
    assert texts(tweets_after(any_store, 0, 10)) == odd


def test_the_tweets_of_a_tag_come_newest_first_in_pages(any_store: Store) -> None:
    post(any_store, "1 #python", "2 #Python", "3 #pythons", "4 #PYTHON #go", "")
    page = any_store.tweets_of_tag("python", limit=2)
    assert (texts(page.tweets), page.more) == (["4 #PYTHON #go", "2 #Python"], True)
    rest = any_store.tweets_of_tag("python", limit=2, before=page.tweets[-1].id)
    assert (texts(rest.tweets), rest.more) == (["1 #python"], False)
    assert any_store.tweets_of_tag("python", limit=3).more is False


def test_a_tweet_carries_each_of_its_tags_once_as_typed(any_store: Store) -> None:
    post(any_store, "#One #two #ONE #1 #Straße")
    [tweet] = tweets_after(any_store, 0, 1)
    assert tweet.tags == ("One", "two", "1", "Straße")
    assert any_store.tweets_of_tag("strasse", limit=1).tweets == [tweet]


def test_tags_are_listed_most_used_first_then_newest(any_store: Store) -> None:
    post(any_store, "#old", at=NOW - 5)
    post(any_store, "#a #b", "#b", at=NOW)
    assert summaries(any_store) == [("b", 2), ("a", 1), ("old", 1)]
    page = any_store.list_tags(limit=2, now=NOW)
    assert ([tag.tag for tag in page.tags], page.more) == (["b", "a"], True)
    assert any_store.list_tags(limit=3, now=NOW).more is False


def test_tags_without_a_letter_are_listed_on_demand_only(any_store: Store) -> None:
    post(any_store, "#1 #1a #2", "#1 #2 #a", "#1 #a", "#1 #a")
    assert summaries(any_store) == [("a", 3), ("1a", 1)]
    assert summaries(any_store, numbers=True) == [("1", 4), ("a", 3), ("2", 2), ("1a", 1)]
    assert any_store.list_tags(limit=3, now=NOW, numbers=True).more is True
    assert any_store.list_tags(limit=4, now=NOW, numbers=True).more is False


def test_a_tag_shows_its_most_frequent_spelling(any_store: Store) -> None:
    post(any_store, "#python", "#Python")
    assert summaries(any_store) == [("python", 2)]
    post(any_store, "#Python", "#PYTHON")
    assert summaries(any_store) == [("Python", 4)]
    post(any_store, *["#PYTHON"] * 2, "#python")
    assert summaries(any_store) == [("PYTHON", 7)]
    post(any_store, *["#python"] * 2)
    assert summaries(any_store) == [("python", 9)]


def test_a_tag_counts_its_tweets_day_by_day(any_store: Store) -> None:
    for age, times in [(HISTORY_DAYS, 7), (HISTORY_DAYS - 1, 2), (1, 3), (0, 1)]:
        post(any_store, *["#a"] * times, at=NOW - age * DAY_MS)
    [tag] = any_store.list_tags(limit=1, now=NOW).tags
    assert tag == TagSummary("a", 13, NOW, [2, *[0] * (HISTORY_DAYS - 3), 3, 1])
    [tag] = any_store.list_tags(limit=1, now=NOW + 2 * DAY_MS).tags
    assert tag.days[-4:] == [3, 1, 0, 0]


@pytest.mark.parametrize(
    ("times", "removed", "newest"),
    [
        ([0, 400], 0, 400),
        ([0, 400, 1], 0, 1),
        ([400, 400, 1, 2], 0, 2),
        ([5, 4, 3], 0, 3),
        ([5, 400, 4], 3, 400),
        ([5, 400, 4], 2, 4),
        ([400, 5, 5], 3, 5),
        ([5, 400, 5], 3, 400),
    ],
)
@pytest.mark.parametrize("settled", [True, False])
def test_the_newest_tweet_of_a_tag_is_the_one_with_the_highest_id_whatever_the_clock_said(
    any_store: Store, times: list[int], removed: int, newest: int, settled: bool
) -> None:
    for days in times:
        post(any_store, "#a", at=NOW + days * DAY_MS)
        if settled:
            any_store.settle()
    if removed:
        any_store.delete(removed, REPORT, at=NOW)
    [tag] = any_store.list_tags(limit=1, now=NOW).tags
    assert tag.newest == NOW + newest * DAY_MS


@pytest.mark.parametrize("settled", [True, False])
def test_a_clock_that_was_ahead_once_puts_no_tag_first(any_store: Store, settled: bool) -> None:
    post(any_store, "#ahead", at=NOW + 400 * DAY_MS)
    post(any_store, "#ahead", "#later", at=NOW)
    post(any_store, "#later", at=NOW + 1)
    if settled:
        any_store.settle()
    assert [tag.tag for tag in any_store.list_tags(limit=2, now=NOW).tags] == ["later", "ahead"]
