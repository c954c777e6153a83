"""Kept items are bounded in bytes, and those of deleted and removed tweets are dropped."""

import pytest
from markupsafe import Markup

from tests.support.http_calls import http_serving
from ttweet.model.tweets import Tweet
from ttweet.server.http.page import render
from ttweet.server.http.page.kept_items import MAX_BYTES, KeptItems


def tweet(id_: int, text: str = "text") -> Tweet:
    return Tweet(id_, 0, None, text, ())


class Making:
    """Makes items of a length, and counts them."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.made: list[int] = []

    def __call__(self, tweet: Tweet) -> Markup:
        self.made.append(tweet.id)
        return Markup("\U00010428" * self.length)


def test_an_item_is_made_once_for_a_tweet_and_again_for_another_with_its_id() -> None:
    making = Making(10)
    kept = KeptItems(making)
    assert kept.item(tweet(1)) is kept.item(tweet(1))
    kept.item(tweet(1, "other"))
    assert making.made == [1, 1]


@pytest.mark.parametrize("length", [10, 15_000])
def test_kept_items_are_bounded_in_bytes_and_the_least_recently_used_goes_first(length: int) -> None:
    making = Making(length)
    kept = KeptItems(making)
    for id_ in range(2, 5_000):
        kept.item(tweet(1))
        kept.item(tweet(id_))
        assert kept.weight <= MAX_BYTES
    assert making.made.count(1) == 1
    kept.item(tweet(2))
    assert making.made.count(2) == 2


def test_the_items_of_removed_tweets_are_dropped() -> None:
    kept = KeptItems(Making(10))
    for id_ in range(1, 4):
        kept.item(tweet(id_))
    each = kept.weight // 3
    kept.pruned(2)
    assert kept.weight == each


async def test_the_item_of_a_deleted_tweet_is_not_kept() -> None:
    async with http_serving() as http:
        await http.post("secret")
        await http.ask("GET", "/", accept="text/html")
        before = render.ITEMS.weight
        await http.ask("DELETE", "/tweets/1")
        assert render.ITEMS.weight < before
