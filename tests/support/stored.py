"""The results of a store in the form that tests need: tweets alone, or deletions alone."""

from collections.abc import Sequence

from ttweet.model.tweets import Deletion, Tombstone, Tweet
from ttweet.storage.contract import TagQueries


def tweets_of(stored: Sequence[Tweet | Tombstone]) -> list[Tweet]:
    """The tweets that drafts whose keys are new have become, of which none is a tombstone."""
    tweets = [one for one in stored if isinstance(one, Tweet)]
    assert len(tweets) == len(stored)
    return tweets


def tweets_after(reader: TagQueries, cursor: int, limit: int, *, keys: Sequence[str] = ()) -> list[Tweet]:
    """The tweets of a slice that is read without deletions."""
    entries = reader.read_after(cursor, limit, keys=keys).entries
    tweets = [one for one in entries if isinstance(one, Tweet)]
    assert len(tweets) == len(entries)
    return tweets


def deletions_after(reader: TagQueries, cursor: int) -> list[Deletion]:
    """All deletions above a cursor."""
    entries = reader.read_after(cursor, 1_000_000, deletions=True).entries
    return [one for one in entries if isinstance(one, Deletion)]
