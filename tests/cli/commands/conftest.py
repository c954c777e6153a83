"""A file of many tweets, as `ttweet export` writes it."""

from pathlib import Path

import pytest

from ttweet.model.tweets import Tweet
from ttweet.storage.jsonl import encode

MANY = 20_000


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of tweets with the ids from 1 to MANY - 1."""
    path = tmp_path_factory.mktemp("exported") / "tweets.jsonl"
    tweets = [Tweet(id_, id_ * 1000, "ann", f"number {id_} #n{id_ % 97}", (f"n{id_ % 97}",)) for id_ in range(1, MANY)]
    path.write_bytes(b"".join([encode(tweet) for tweet in tweets]))
    return path
