"""Where `follow` begins: after the tweets that it is not to show, however long the search for them takes."""

import time
from collections.abc import Callable

import pytest

from ttweet.cli import follow_start
from ttweet.cli.follow_start import before_last, before_time, when_reachable
from ttweet.cli.live import News
from ttweet.client.sync_client import Client
from ttweet.model.errors import ConnectError, SetupError
from ttweet.model.tweets import Found, Page, Tweet


class Answering(Client):
    """A client that gives these answers to searches, in turn, and the tweets of these tags."""

    def __init__(self, *found: Found, **tags: list[int]) -> None:
        super().__init__()
        self._found = list(found)
        self._tags = tags
        self.before: list[int | None] = []

    def find(self, query: str = "", *, limit: int | None = None, before: int | None = None) -> Found:
        self.before.append(before)
        return self._found.pop(0)

    def tweets_of_tag(self, tag: str, *, limit: int | None = None, before: int | None = None) -> Page:
        return Page(tweets(*self._tags[tag][:limit]), more=False)


def tweets(*ids: int) -> list[Tweet]:
    return [Tweet(id_, id_, None, "text", ()) for id_ in ids]


def failing(*errors: ConnectError, result: int) -> Callable[[], int]:
    left = list(errors)

    def ask() -> int:
        if left:
            raise left.pop(0)
        return result

    return ask


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts, which take no time."""
    passed: list[float] = []
    monkeypatch.setattr(follow_start, "pause", lambda seconds, _: passed.append(seconds))
    return passed


def test_the_search_for_a_time_continues_where_its_own_time_was_up() -> None:
    client = Answering(Found([], True, 500), Found([], True, 300), Found(tweets(42), True))
    assert before_time(client, "2h") == 42
    assert client.before == [None, 500, 300]


def test_without_a_tweet_before_a_time_it_begins_with_the_first() -> None:
    assert before_time(Answering(Found([], True, 1), Found([], False)), "2h") == 0


@pytest.mark.parametrize(("last", "after"), [(1, 8), (2, 6), (3, 4), (4, 0), (9, 0)])
def test_the_last_tweets_of_several_tags_are_counted_together_and_each_once(last: int, after: int) -> None:
    start = follow_start.Start(["a", "b"], None, None, None, last, None)
    assert before_last(Answering(a=[9, 5], b=[9, 7]), start) == after


def test_a_search_whose_time_was_up_begins_where_it_ended() -> None:
    start = follow_start.Start([], "word", None, None, 3, None)
    assert before_last(Answering(Found(tweets(90, 80), True, 50)), start) == 49


UNREACHABLE = ConnectError("unreachable", "no server is listening")


def test_a_server_that_is_not_there_yet_is_asked_again(pauses: list[float]) -> None:
    ask = failing(UNREACHABLE, UNREACHABLE, result=7)
    assert when_reachable(ask, News(waits_for_server=True), time.monotonic() + 60) == 7
    assert len(pauses) == 2
    assert min(pauses) > 0


@pytest.mark.parametrize(
    ("waits", "left_s", "error"),
    [(False, 60, UNREACHABLE), (True, 0, UNREACHABLE), (True, 60, SetupError("token", "no token"))],
)
def test_an_error_that_no_wait_mends_is_raised(
    waits: bool, left_s: float, error: ConnectError, pauses: list[float]
) -> None:
    with pytest.raises(ConnectError) as raised:
        when_reachable(failing(error, result=7), News(waits_for_server=waits), time.monotonic() + left_s)
    assert raised.value is error
    assert pauses == []
