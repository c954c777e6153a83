"""Fill a database with tweets as ttweet itself stores them: `python -m benchmarks.fill FILE COUNT`.

Half of the tweets carry one of 1,000 hot tags by Zipf's law, the rest one of 100,000 others in turn; twenty carry a
rare tag, spread over the whole log. The same count gives the same tweets.
"""

from __future__ import annotations

import itertools
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

HOT_TAGS, OTHER_TAGS, RARE_TWEETS = 1000, 100_000, 20
HOT_TAG, RARE_TAG = "hot0", "rare"
MAX_BATCH = 10_000  # tweets of one transaction, and 1 % of all at most, so that few tweets too are spread over the days
SPAN_MS = 11 * 86_400_000  # of every log, whatever its size: then a list of tags has as many days to tell of


def tags(count: int) -> Iterator[str]:
    """The tag of each tweet."""
    chance = random.Random(count)
    weights = list(itertools.accumulate(1 / rank for rank in range(1, HOT_TAGS + 1)))
    hot = iter(lambda: chance.choices(range(HOT_TAGS), cum_weights=weights, k=MAX_BATCH), None)
    ranks = itertools.chain.from_iterable(hot)
    every = max(1, count // RARE_TWEETS)
    for number, rank in zip(range(count), ranks, strict=False):
        if number % every == every // 2:
            yield RARE_TAG
        elif number % 2:
            yield f"other{number // 2 % OTHER_TAGS}"
        else:
            yield f"hot{rank}"


def fill(path: Path, count: int) -> None:
    """Write `count` tweets with their report lines into a new database, and leave it as a stopped server does."""
    from ttweet.model.tweets import Draft
    from ttweet.storage.sqlite.writer import SqliteStore

    now = time.time_ns() // 1_000_000
    start = now - SPAN_MS
    batch_size = min(MAX_BATCH, max(1, count // 100))
    store = SqliteStore.open(path, log_limit=100_000_000, at=start)
    numbered = enumerate(tags(count))
    while batch := list(itertools.islice(numbered, batch_size)):
        texts = [
            f"{number:09} a tweet of a long log that somebody wrote about something #{tag}" for number, tag in batch
        ]
        drafts = [Draft(text, {tag: tag}) for text, (_, tag) in zip(texts, batch, strict=True)]
        store.append(drafts, drafts, at=start + SPAN_MS * batch[0][0] // count)
    store.end_session("filled", at=now)
    store.close()


if __name__ == "__main__":
    fill(Path(sys.argv[1]), int(sys.argv[2]))
