"""The ratios that ttweet must reach: each a line of one table, judged from the figures of the same run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from benchmarks.figures import Figure, PartFigures, ratio

Sense = Literal["at least", "at most"]
AT_LEAST: Sense = "at least"
AT_MOST: Sense = "at most"
Named = tuple[str, str]
"""A figure of a part: its subject and its case."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure of `part` against another of the same part, or as it stands when `against` is None.

    `sense` says on which side of the limit the value must be.
    """

    part: str
    figure: Named
    sense: Sense
    limit: float
    text: str
    against: Named | None = None
    above_zero: bool = False


@dataclass(frozen=True, slots=True)
class BarVerdict:
    """A bar with the value that was measured; `value` is None when a side of it was not."""

    bar: Bar
    value: float | None

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None when nothing was measured."""
        if self.value is None:
            return None
        if self.bar.above_zero and self.value <= 0:
            return False
        return self.value >= self.bar.limit if self.bar.sense == "at least" else self.value <= self.bar.limit


def _against(
    part: str, what: str, subject: str, title: str, limits: Mapping[str, float], *, mine: str = "ttweet"
) -> list[Bar]:
    """Bars for several cases of the same."""
    return [
        Bar(part, (mine, case), AT_LEAST, limit, f"{what} at {case} against {title}", (subject, case))
        for case, limit in limits.items()
    ]


def _growth(what: str, text: str) -> Bar:
    return Bar("growth", (what, "growth"), AT_MOST, 1.3, f"{text}, time at the largest against the smallest")


def _syncs(clients: str, limit: float) -> Bar:
    text = f"syncs for each acknowledgement, clients: {clients}"
    return Bar("fsyncs", ("fsyncs/ack", clients), AT_MOST, limit, text, above_zero=True)


_REDIS = {"1": 0.8, "16": 0.75, "64": 0.6, "256": 0.6, "1000": 0.31, "64x16": 0.8}
_PYTHON = ("python", "process")
BARS: tuple[Bar, ...] = (
    *_against("acks", "acks", "redis-multi", "Redis, MULTI with tag", _REDIS),
    *_against("acks", "acks", "postgresql", "PostgreSQL, insert with tag", {"1": 0.75, "64": 3.5, "256": 4.5}),
    *_against("acks", "acks", "nats", "JetStream, sync always", {"1": 1.2, "64": 9, "256": 13}),
    *_against("acks", "acks", "naive", "FastAPI + sqlite3", {"1": 5, "64": 25}),
    Bar("acks", ("ttweet", "1000"), AT_LEAST, 0.9, "acks at 1,000 against its own at 256", ("ttweet", "256")),
    Bar("acks", ("p99/p50", "1000"), AT_MOST, 3, "p99 against p50 at 1,000 clients"),
    Bar("acks", ("longest turn", "1000"), AT_MOST, 5, "longest turn of the event loop at 1,000 clients, ms"),
    Bar("acks", ("ttweet", "64"), AT_LEAST, 0.4, "acks at 64 against the SQLite floor", ("sqlite", "64")),
    _syncs("1", 1),
    _syncs("64", 0.02),
    *_against("connects", "connects", "redis-multi", "Redis", {"16": 0.6}),
    *_against("connects", "last message", "redis-last", "Redis", {"16": 0.29}, mine="ttweet-last"),
    *_against("reads", "last message", "redis-last", "Redis", {"64": 0.4, "16x16": 0.52}, mine="ttweet-last"),
    *_against("reads", "newest 20 of a tag", "redis-tag", "Redis", {"64": 0.54}, mine="ttweet-tag"),
    Bar("reads", ("ttweet-tag", "64"), AT_LEAST, 5000, "newest 20 of a tag at 64 clients, a second"),
    Bar("reads", ("ttweet-tags", "64"), AT_LEAST, 5700, "list of tags at 64 clients, a second"),
    *_against("follow", "deliveries", "mosquitto", "Mosquitto", {"100": 0.6, "100x16": 1}),
    *_against("follow", "deliveries", "redis", "Redis", {"100": 0.51, "100x16": 0.87}),
    Bar(
        "follow",
        ("ttweet", "100, last"),
        AT_MOST,
        2,
        "time to the last of 100 followers against Redis",
        ("redis", "100, last"),
    ),
    Bar("follow", ("ttweet", "1,000, last"), AT_MOST, 25, "commit to the last of 1,000 followers, ms"),
    Bar(
        "follow",
        ("beside", "uploads"),
        AT_LEAST,
        0.95,
        "uploads with 1,000 idle followers against none",
        ("without", "uploads"),
    ),
    Bar("follow", ("ttweet", "catch-up"), AT_LEAST, 100_000, "tweets a second of a follower that catches up"),
    Bar("http", ("post", "64"), AT_LEAST, 3000, "POST of a tweet at 64 clients, a second"),
    Bar("http", ("json", "64"), AT_LEAST, 3500, "GET of 20 tweets as JSON at 64 clients, a second"),
    Bar("http", ("page", "64"), AT_LEAST, 800, "GET of the first page at 64 clients, a second"),
    Bar("http", ("304", "64"), AT_LEAST, 5000, "GET of tweets that the client has at 64 clients, a second"),
    *_against("http", "deliveries by SSE", "framed", "the framed protocol", {"100": 0.8, "100x16": 0.8}, mine="sse"),
    Bar("http", ("sse", "memory"), AT_MOST, 6, "resident memory of a follower by SSE, KiB"),
    Bar(
        "http",
        ("beside", "upload p99"),
        AT_MOST,
        2,
        "p99 of uploads beside 1,000 followers by SSE against alone",
        ("alone", "upload p99"),
    ),
    Bar("idle", ("ttweet", "memory"), AT_MOST, 6, "resident memory of an idle connection, KiB"),
    Bar("start", ("ttweet -d", "process"), AT_MOST, 2.2, "ttweet -d against python -I -c pass", _PYTHON),
    Bar("start", ("ttweet --help", "process"), AT_MOST, 6, "ttweet --help against python -I -c pass", _PYTHON),
    _growth("last", "last message"),
    _growth("tags", "list of tags"),
    _growth("hot tag", "newest 20 of a hot tag"),
    Bar("growth", ("insert", "growth"), AT_LEAST, 0.6, "upload rate, largest against smallest"),
    Bar("growth", ("first answer", "largest"), AT_MOST, 1, "start to first answer with the largest database, s"),
    Bar("find", ("slowest of 13", "1,000,000"), AT_MOST, 10, "p95 of the slowest of 13 shapes of query, ms"),
    Bar("find", ("slowest of 13", "10,000,000"), AT_MOST, 20, "p95 of the slowest of 13 shapes of query, ms"),
    Bar("find", ("phrase of five", "10,000,000"), AT_MOST, 550, "a phrase of common words that is nowhere, ms"),
    Bar("find", ("short prefix", "10,000,000"), AT_MOST, 550, "a short prefix, ms"),
    Bar("find", ("bytes of a tweet", "10,000,000"), AT_MOST, 60, "bytes of the index for each tweet"),
    *_against("find", "acks with an index of words", "no index", "--no-find", {"64": 0.7}, mine="indexing"),
    Bar("find", ("caught up", "64"), AT_MOST, 60, "the index of words has all tweets of a load, s after it"),
    *_against("cluster", "acks of a cluster", "alone", "one server", {"64x16": 0.4}, mine="etcd"),
    Bar("cluster", ("etcd", "1, p50"), AT_MOST, 6, "latency of a lone client against one server", ("alone", "1, p50")),
    Bar("cluster", ("etcd", "lag p99"), AT_MOST, 50, "p99 of the lag between two servers, ms"),
    Bar("cluster", ("etcd", "catch-up"), AT_LEAST, 5000, "tweets a second of a server that starts from nothing"),
)


def judge(part: PartFigures) -> list[BarVerdict]:
    """Return the verdict on each bar of this part."""
    return [BarVerdict(bar, _value(bar, part)) for bar in BARS if bar.part == part.name]


def _value(bar: Bar, part: PartFigures) -> float | None:
    figure = part.find(*bar.figure)
    if figure is None:
        return None
    if bar.against is None:
        return figure.median
    other: Figure | None = part.find(*bar.against)
    return None if other is None else ratio(figure, other)
