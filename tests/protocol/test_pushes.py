"""A follower reads the tweets that a server pushes: the two ends joined without a socket."""

from ttweet.client.cursor import Cursor, FollowListener
from ttweet.model.tweets import Deletion, Tweet
from ttweet.protocol import pushes

TWEET = Tweet(7, 1795446500123, "ann", 'quo"ted\n寿司 #a', ("a",))


class Heard(FollowListener):
    wants_deletions = True

    def __init__(self) -> None:
        self.words: list[tuple[str, int]] = []

    def on_deleted(self, tweet: int) -> None:
        self.words.append(("deleted", tweet))

    def on_pruned(self, up_to: int) -> None:
        self.words.append(("gone", up_to))


def test_a_tweet_comes_once() -> None:
    cursor = Cursor((), after=6)
    line = pushes.FrameEncoder().tweet(TWEET)
    assert cursor.receive(line) == TWEET
    assert cursor.after == 7
    assert cursor.receive(line) is None


def test_a_push_that_is_not_a_tweet_moves_the_cursor_and_is_reported() -> None:
    heard, encoder = Heard(), pushes.FrameEncoder()
    cursor = Cursor((), 3, heard)
    told = [
        encoder.pruned(5),
        encoder.deletion(Deletion(8, 1795446500123, 2)),
        encoder.keep_alive,
        encoder.caught_up(9),
    ]
    assert [cursor.receive(line) for line in told] == [None] * 4
    assert heard.words == [("gone", 5), ("deleted", 2)]
    assert cursor.after == 9
