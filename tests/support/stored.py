"""What a store gives back of drafts whose keys are new: tweets alone."""

from collections.abc import Sequence

from ttweet.model.tweets import Tombstone, Tweet


def tweets_of(stored: Sequence[Tweet | Tombstone]) -> list[Tweet]:
    """The tweets, of which none is a tombstone."""
    tweets = [one for one in stored if isinstance(one, Tweet)]
    assert len(tweets) == len(stored)
    return tweets
