"""Fill a database with tweets of many words, and index them: `python -m benchmarks.wordy FILE COUNT`.

Each tweet has twelve of 40,000 words by Zipf's law; 3 % have Japanese, 3 % an accent, and twenty a rare word. 70 % have
a tag, 80 % one of 50 authors. The same count gives the same tweets. Printed is the processor time of the index.
"""

from __future__ import annotations

import itertools
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

VOCABULARY, WORDS, AUTHORS, RARE_TWEETS, OTHER_TAGS = 40_000, 12, 50, 20, 1_000
RARE, TAG = "rareword", "ci"
START_MS, SPACING_MS = 1_700_000_000_000, 1_000
_BATCH = 5_000


def word(rank: int) -> str:
    """The word of a rank; neighbours in rank share no beginning."""
    return f"w{rank * 2_654_435_761 % 1_000_003:x}"


def tweets(count: int) -> Iterator[tuple[str, str | None, str | None]]:
    """The text, the tag and the author of each tweet."""
    chance = random.Random(count)
    names = [word(rank) for rank in range(VOCABULARY)]
    weights = list(itertools.accumulate(1 / rank for rank in range(1, VOCABULARY + 1)))
    every = max(1, count // RARE_TWEETS)
    for number in range(count):
        chosen = chance.choices(names, cum_weights=weights, k=WORDS)
        chosen[0] = {0: "東京の天気", 1: f"café{chosen[0]}"}.get(number % 33, chosen[0])
        if number % every == every // 2:
            chosen.append(RARE)
        tag = {True: TAG, False: f"topic{number % OTHER_TAGS}"}[number % 10 < 5] if number % 10 < 7 else None
        yield " ".join(chosen), tag, f"user{number % AUTHORS}" if number % 5 else None


def fill(path: Path, count: int) -> float:
    """Write `count` tweets into a new database and index their words. Returns the processor time of that (s)."""
    from ttweet.model.tweets import Draft
    from ttweet.storage.sqlite.writer import SqliteStore

    store = SqliteStore.open(path, log_limit=1_000_000, at=START_MS)
    numbered = enumerate(tweets(count))
    while batch := list(itertools.islice(numbered, _BATCH)):
        drafts = [
            Draft(f"{text} #{tag}" if tag else text, {tag: tag} if tag else {}, by) for _, (text, tag, by) in batch
        ]
        store.append(drafts, [], at=START_MS + SPACING_MS * batch[0][0])
    store.settle()
    began = time.process_time()
    while store.maintain():
        pass
    spent = time.process_time() - began
    store.end_session("filled", at=START_MS)
    store.close()
    return spent


if __name__ == "__main__":
    print(fill(Path(sys.argv[1]), int(sys.argv[2])))
