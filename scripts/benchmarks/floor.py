"""The floor of SQLite: how fast one thread can store the rows that ttweet stores, when it does nothing else.

`python -m benchmarks.floor FILE BATCH SECONDS` fills a new database of ttweet's schema and prints tweets a second.
One transaction a batch with the fewest steps that SQLite allows; the rows are made beforehand, and that is not counted.
ttweet puts the rows of tags off until there are many of them, which this does not.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Sample
from benchmarks.stage import BenchError, BenchStage, pinned

if TYPE_CHECKING:
    from ttweet.storage.sqlite.rows import Rows

TAGS = 1000  # used by Zipf's law, as in the load generator
DAY_MS = 86_400_000
Table = list[tuple[str | int | None, ...]]


def measure(stage: BenchStage, batch: float, seconds: float) -> Sample:
    """Tweets a second in batches of this size, on the core of the servers."""
    path = stage.folder("floor") / "tweets.db"
    argv: list[str | Path] = [sys.executable, "-m", "benchmarks.floor", path, str(round(batch)), str(seconds)]
    with pinned(stage.cores.server):
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"the floor of SQLite: {done.stderr.strip()[-500:]}")
    return Sample(float(done.stdout))


def rate(path: Path, batch: int, seconds: float) -> float:
    """Tweets a second of this process."""
    from ttweet.storage.sqlite.connections import connect_writer

    connection = connect_writer(path)
    connection.execute("INSERT INTO sessions (id, started, how, first_line) VALUES (1, 0, 'floor', 1)")
    statements = _statements()
    stored, took_s = 0, 0.0
    while took_s < seconds:
        tables = _tables(stored + 1, batch)
        start = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        for statement, rows in zip(statements, tables, strict=True):
            statement.run(connection, rows)
        connection.execute("COMMIT")
        took_s += time.perf_counter() - start
        stored += batch
    connection.close()
    return stored / took_s


def _statements() -> list[Rows]:
    from ttweet.storage.sqlite.rows import Rows

    counted = " ON CONFLICT DO UPDATE SET count = count + excluded.count"
    return [
        Rows("INSERT INTO tweets (id, at, author, text, tags) VALUES ", 5),
        Rows("INSERT INTO tags (id, key, spelling, spelling_count, count, newest, lettered) VALUES ", 7,
             " ON CONFLICT (id) DO UPDATE SET spelling_count = spelling_count + excluded.spelling_count,"
             " count = count + excluded.count, newest = excluded.newest"),
        Rows("INSERT INTO tweet_tags (tag, tweet) VALUES ", 2),
        Rows("INSERT INTO tag_days (day, tag, count) VALUES ", 3, counted),
        Rows("INSERT INTO log (id, session, at, side, category, text) VALUES ", 6),
    ]  # fmt: skip


_chance = random.Random(1)
_weights = list(accumulate(1 / rank for rank in range(1, TAGS + 1)))


def _tables(first: int, batch: int) -> list[Table]:
    """The rows of one batch of tweets whose ids begin with `first`, in the order of the statements."""
    now = time.time_ns() // 1_000_000
    ids = range(first, first + batch)
    tags = [1 + tag for tag in _chance.choices(range(TAGS), cum_weights=_weights, k=batch)]
    texts = [f"{id_:09} the nightly job has ended and nobody had to get up, so let us have a coffee #topic{tag}"
             for id_, tag in zip(ids, tags, strict=True)]  # fmt: skip
    uses = sorted(Counter(tags).items())
    return [
        [(id_, now, None, text, f"topic{tag}") for id_, text, tag in zip(ids, texts, tags, strict=True)],
        [(tag, f"topic{tag}", f"topic{tag}", count, count, now, 1) for tag, count in uses],
        [*sorted(zip(tags, ids, strict=True))],
        [(now // DAY_MS, tag, count) for tag, count in uses],
        [(id_, 1, now, "SERVER", "GENERAL", f"Message Received: {text}") for id_, text in zip(ids, texts, strict=True)],
    ]


if __name__ == "__main__":
    print(rate(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
