"""Searches for words, of files with one and ten million tweets: the slowest of twenty, by one reader."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import wordy
from benchmarks.figures import PartFigures, Sample
from benchmarks.parts.part import Kind
from benchmarks.plan import Plan, Turn, say, take_turns
from benchmarks.stage import BenchError, BenchStage, pinned

if TYPE_CHECKING:
    from ttweet.storage.sqlite.reader import SqliteReader

SIZES = (1_000_000, 10_000_000)
QUICK_SIZES = (20_000,)
SEARCHES = 20  # of one shape in a round
LIMIT = 20
_A, _B, _C, _D = [wordy.word(rank) for rank in range(4)]

SHAPES = {  # what to find, and below which id
    "common": (_A, None),
    "rare": (wordy.RARE, None),
    "nowhere": ("nowhere", None),
    "two common": (f"{_A} {_B}", None),
    "common and rare": (f"{_A} {wordy.word(39_999)} {wordy.word(39_990)}", None),
    "phrase": (f'"{_A} {_B}"', None),
    "tag and word": (f"tag:{wordy.TAG} {_D}", None),
    "tag, author, word": (f"tag:{wordy.TAG} from:user3 {_A}", None),
    "common but not": (f"{_C} -{_B}", None),
    "until the middle": (f"{_A} until:{{middle}}", None),
    "Japanese": ("東京", None),
    "oldest page": (_A, 1_000),
    "newest": ("", None),
}
SLOW_SHAPES = {  # within the budget of a search
    "phrase of five": (f'"{_A} {_B} {_C} {_B} {_A}"', None),
    "short prefix": (f"{_D[:2]}*", None),
}
SLOWEST, INDEXING, BYTES = "slowest of 13", "indexing a tweet", "bytes of a tweet"


def measure(stage: BenchStage, plan: Plan) -> PartFigures:
    """Fill the files, then search them for each shape in turn."""
    from ttweet.storage.sqlite.reader import SqliteReader

    part = PartFigures("find")
    with ExitStack() as stack:
        for size in QUICK_SIZES if plan.quick else SIZES:
            path = _database(stage, plan, part, size)
            reader = stack.enter_context(closing(SqliteReader(path)))
            asked = {**SHAPES, **SLOW_SHAPES}
            turns = [
                Turn(shape, f"{size:,}", "ms", partial(_search, reader, size, *query)) for shape, query in asked.items()
            ]
            take_turns(plan, part, turns)
            _add_slowest(part, f"{size:,}")
    return part


def _database(stage: BenchStage, plan: Plan, part: PartFigures, size: int) -> Path:
    """A file of this many tweets: filled now, or kept from an earlier run."""
    folder = stage.folder("find") if plan.databases is None else plan.databases
    path = folder / f"words-{size}.db"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        say(f"find: writing {size:,} tweets")
        with pinned(stage.cores.server):
            argv = [sys.executable, "-m", "benchmarks.wordy", str(path), str(size)]
            done = subprocess.run(argv, check=False, capture_output=True, text=True)
        if done.returncode:
            raise BenchError(f"filling a database with {size:,} tweets failed: {done.stderr[-500:]}")
        part.add(INDEXING, f"{size:,}", "us", Sample(float(done.stdout) / size * 1e6))
    part.add(BYTES, f"{size:,}", "1", Sample(_index_bytes(path) / size))
    return path


def _index_bytes(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_schema WHERE name GLOB 'word_index_*_data'").fetchall()
        sizes = [f"SELECT sum(length(block)) AS size FROM {name}" for (name,) in tables]
        total: int = connection.execute(f"SELECT sum(size) FROM ({' UNION ALL '.join(sizes)})").fetchone()[0]
    return total


def _search(reader: SqliteReader, size: int, asked: str, before: int | None) -> Sample:
    """Return the 95th percentile of some searches, in ms."""
    from ttweet.model.query import parse

    end = wordy.START_MS + size * wordy.SPACING_MS
    middle = time.strftime("%Y-%m-%dT%H:%M", time.gmtime((wordy.START_MS + end) / 2_000))
    query = parse(asked.format(middle=middle), end)
    times = []
    for _ in range(SEARCHES):
        start = time.perf_counter()
        reader.find(query, limit=LIMIT, before=before)
        times.append(time.perf_counter() - start)
    return Sample(sorted(times)[SEARCHES * 95 // 100 - 1] * 1000)


def _add_slowest(part: PartFigures, case: str) -> None:
    figures = [part.find(shape, case) for shape in SHAPES]
    for values in zip(*[figure.values for figure in figures if figure], strict=False):
        part.add(SLOWEST, case, "ms", Sample(max(values)))


KIND = Kind(
    name="find",
    title="Find",
    about=f"One reader searches files of different sizes for {LIMIT} tweets with {SEARCHES} queries of each shape; the "
    "figure is the 95th percentile. Tweets have twelve of 40,000 words by Zipf's law. A search ends after 0.5 s.",
    measure=measure,
    titles={name: name for name in (*SHAPES, *SLOW_SHAPES, SLOWEST, INDEXING, BYTES)},
    case_title="tweets",
)
