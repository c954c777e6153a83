"""The proof about queries finds a wrong answer, and none where there is none."""

import random

import pytest
from proofs import queries

from tests.support.proofs import staged
from ttweet.storage.sqlite import word_search


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two small files with few queries each."""
    monkeypatch.setattr(queries, "QUERIES", 400)
    monkeypatch.setattr(queries, "OF_A_STORE", 200)
    monkeypatch.setattr(queries, "TWEETS", 100)


@pytest.mark.proof
def test_queries_find_what_a_look_at_each_tweet_finds() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    with staged() as stage:
        verdict = queries.prove(stage, 1, seed)
    assert verdict.told == []
    assert verdict.line.startswith("wrong=0 queries=400 refused=")


@pytest.mark.proof
def test_a_search_that_ignores_a_hit_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_search, "holds", lambda wanted, tweet: tweet.id % 7 != 0)
    with staged() as stage:
        verdict = queries.prove(stage, 1, 5)
    assert not verdict.ok
    assert " finds " in verdict.told[0]
