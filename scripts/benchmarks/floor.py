"""The floor of SQLite: how fast one thread can store the rows that ttweet stores, when it does nothing else.

`python -m benchmarks.floor FILE BATCH SECONDS` fills a new database of ttweet's schema and prints tweets a second.
One transaction a batch, one plain `executemany` a table; making the rows is not counted. It knows nothing of what
ttweet does to be faster.
"""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from itertools import accumulate
from pathlib import Path

from benchmarks.figures import Sample
from benchmarks.stage import BenchError, Stage, pinned

TAGS = 1000  # used by Zipf's law, as in the load generator
DAY_MS = 86_400_000
SESSION = 1
STATEMENTS = {
    "tweets": "INSERT INTO tweets (id, at, author, text, tags) VALUES (?, ?, NULL, ?, ?)",
    "tags": "INSERT INTO tags (id, key, spelling, spelling_count, count, newest, lettered) VALUES (?, ?, ?, ?, ?, ?, 1)"
    " ON CONFLICT (id) DO UPDATE SET spelling_count = spelling_count + excluded.spelling_count,"
    " count = count + excluded.count, newest = excluded.newest",
    "tweet_tags": "INSERT INTO tweet_tags (tag, tweet) VALUES (?, ?)",
    "tag_days": "INSERT INTO tag_days (day, tag, count) VALUES (?, ?, ?)"
    " ON CONFLICT DO UPDATE SET count = count + excluded.count",
    "log": f"INSERT INTO log (id, session, at, side, category, text) VALUES (?, {SESSION}, ?, 'SERVER', 'GENERAL', ?)",
}
Rows = dict[str, list[tuple[object, ...]]]


def measure(stage: Stage, batch: float, seconds: float) -> Sample:
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
    from ttweet.sqlite_file import connect_writer

    connection = connect_writer(path)
    connection.execute("INSERT INTO sessions (id, started, how, first_line) VALUES (?, 0, 'floor', 1)", (SESSION,))
    stored, took_s = 0, 0.0
    while took_s < seconds:
        rows = _rows(stored + 1, batch)
        start = time.perf_counter()
        _store(connection, rows)
        took_s += time.perf_counter() - start
        stored += batch
    connection.close()
    return stored / took_s


def _store(connection: sqlite3.Connection, rows: Rows) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for table, statement in STATEMENTS.items():
        connection.executemany(statement, rows[table])
    connection.execute("COMMIT")


_chance = random.Random(1)
_weights = list(accumulate(1 / rank for rank in range(1, TAGS + 1)))


def _rows(first: int, batch: int) -> Rows:
    """The rows of one batch of tweets whose ids begin with `first`."""
    now = time.time_ns() // 1_000_000
    ids = range(first, first + batch)
    tags = [1 + tag for tag in _chance.choices(range(TAGS), cum_weights=_weights, k=batch)]
    texts = [f"{id_:09} the nightly job has ended and nobody had to get up, so let us have a coffee #topic{tag}"
             for id_, tag in zip(ids, tags, strict=True)]  # fmt: skip
    uses = sorted(Counter(tags).items())
    return {
        "tweets": [(id_, now, text, f"topic{tag}") for id_, text, tag in zip(ids, texts, tags, strict=True)],
        "tags": [(tag, f"topic{tag}", f"topic{tag}", count, count, now) for tag, count in uses],
        "tweet_tags": sorted(zip(tags, ids, strict=True)),
        "tag_days": [(now // DAY_MS, tag, count) for tag, count in uses],
        "log": [(id_, now, f"Message Received: {text}") for id_, text in zip(ids, texts, strict=True)],
    }


if __name__ == "__main__":
    print(rate(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
