"""Searches of files with one and ten million tweets, and uploads to a server with and without an index of words."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import generator, wordy
from benchmarks.figures import PartFigures, Sample
from benchmarks.parts.part import Kind
from benchmarks.peers import ttweet
from benchmarks.plan import Plan, Turn, say, take_turns
from benchmarks.stage import BenchError, BenchStage, PeerServer, pinned
from ttweet.client.sync_client import Client

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
PROTOCOL = "ttweet-upload"
CLIENTS = 64  # that upload at full load
CATCH_UP_LIMIT_S = 120.0
SLOWEST, INDEXING, BYTES = "slowest of 13", "indexing a tweet", "bytes of a tweet"


def measure(stage: BenchStage, plan: Plan) -> PartFigures:
    """Load a server with and one without an index of words, then fill the files and search them for each shape."""
    from ttweet.storage.sqlite.reader import SqliteReader

    part = PartFigures("find")
    _measure_uploads(stage, plan, part)
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


def _measure_uploads(stage: BenchStage, plan: Plan, part: PartFigures) -> None:
    load = plan.load(CLIENTS)
    with ttweet.serve(stage) as indexing, ttweet.serve(stage, options=("--no-find",)) as without:
        turns = [
            Turn("indexing", load.case, "1/s", partial(generator.measure, stage, indexing, PROTOCOL, load)),
            Turn("caught up", load.case, "s", partial(_catch_up, indexing)),
            Turn("no index", load.case, "1/s", partial(generator.measure, stage, without, PROTOCOL, load)),
        ]
        take_turns(plan, part, turns)


def _catch_up(server: PeerServer) -> Sample:
    """How long after the end of a load the index of words has all of its tweets, s."""
    began = time.monotonic()
    with Client("127.0.0.1", server.port) as client:
        while client.stats()["file"]["without_words"]:
            if time.monotonic() - began > CATCH_UP_LIMIT_S:
                raise BenchError(f"the index of words is not complete {CATCH_UP_LIMIT_S:g} s after the load")
            time.sleep(0.05)
    return Sample(time.monotonic() - began)


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
    "figure is the 95th percentile. Tweets have twelve of 40,000 words by Zipf's law. A search ends after 0.5 s. "
    f"{CLIENTS} clients upload at full load to a server with an index of words and to one with `--no-find`; `caught "
    "up` is the time after each load until the index has all tweets.",
    measure=measure,
    titles={
        "indexing": "uploads, words indexed",
        "no index": "uploads, --no-find",
        "caught up": "caught up",
        **{name: name for name in (*SHAPES, *SLOW_SHAPES, SLOWEST, INDEXING, BYTES)},
    },
    mine={"no index": "indexing"},
    case_title="tweets or clients",
)
