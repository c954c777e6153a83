"""The ratios that ttweet must reach: each a line of one table, judged from the figures of the same run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from benchmarks.figures import Figure, Part, ratio


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure of `part` against another of the same part, or as it stands when `against` is None.

    `against` is (subject, case). `sense` says on which side of the limit the value must be.
    """

    part: str
    text: str
    subject: str
    case: str
    against: tuple[str, str] | None
    sense: Literal["at least", "at most"]
    limit: float
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


def _acks(against: str, title: str, limits: Mapping[str, float]) -> list[Bar]:
    return [
        Bar("acks", f"acks at {case} against {title}", "ttweet", case, (against, case), "at least", limit)
        for case, limit in limits.items()
    ]


BARS: tuple[Bar, ...] = (
    *_acks("redis-multi", "Redis, MULTI with tag", {"1": 0.8, "16": 0.75, "64": 0.6, "256": 0.6, "64x16": 0.8}),
    *_acks("postgresql", "PostgreSQL, insert with tag", {"1": 0.75, "64": 3.5, "256": 4.5}),
    *_acks("nats", "JetStream, sync always", {"1": 1.2, "64": 9, "256": 13}),
    *_acks("naive", "the naive service", {"1": 5, "64": 25}),
    Bar("acks", "acks at 1,000 against its own at 256", "ttweet", "1000", ("ttweet", "256"), "at least", 0.9),
    Bar("acks", "p99 against p50 at 1,000 clients", "p99/p50", "1000", None, "at most", 3),
    Bar("acks", "acks at 64 against the SQLite floor", "ttweet", "64", ("sqlite", "64"), "at least", 0.4),
    Bar(
        "fsyncs",
        "fsyncs an acknowledgement at 64 clients",
        "fsyncs/ack",
        "64",
        None,
        "at most",
        1 / 25,
        above_zero=True,
    ),
    Bar("connects", "connects at 16 against Redis", "ttweet", "16", ("redis-multi", "16"), "at least", 0.6),
    Bar(
        "reads", "last message at 64 clients against Redis", "ttweet-last", "64", ("redis-last", "64"), "at least", 0.35
    ),
    Bar("reads", "newest 20 of a tag at 64 clients, a second", "ttweet-tag", "64", None, "at least", 5000),
    *(
        Bar("follow", f"deliveries at {case} against Mosquitto", "ttweet", case, ("mosquitto", case), "at least", limit)
        for case, limit in {"100": 0.6, "100x16": 1}.items()
    ),
    Bar("follow", "time to the last of 100 against Redis", "ttweet", "100, last", ("redis", "100, last"), "at most", 2),
    Bar("follow", "from the commit to the last of 1,000, ms", "ttweet", "1,000, last", None, "at most", 25),
    Bar("follow", "uploads beside 1,000 idle followers", "beside", "uploads", ("without", "uploads"), "at least", 0.95),
    Bar("follow", "tweets a second of one that catches up", "ttweet", "catch-up", None, "at least", 100_000),
    Bar("idle", "resident memory of an idle connection, KiB", "ttweet", "memory", None, "at most", 6),
    Bar("start", "ttweet -d against python -I -c pass", "ttweet -d", "process", ("python", "process"), "at most", 2.2),
    Bar(
        "start",
        "ttweet --help against python -I -c pass",
        "ttweet --help",
        "process",
        ("python", "process"),
        "at most",
        12,
    ),
    *(
        Bar("growth", f"{text}, largest against smallest, times the time", what, "growth", None, "at most", 1.3)
        for what, text in (("last", "last message"), ("tags", "list of tags"), ("hot tag", "newest 20 of a hot tag"))
    ),
    Bar("growth", "insert rate, largest against smallest", "insert", "growth", None, "at least", 0.6),
    Bar(
        "growth",
        "start of serve with the largest to the first answer, s",
        "first answer",
        "largest",
        None,
        "at most",
        1,
    ),
)


def judge(part: Part) -> list[BarVerdict]:
    """What became of each bar of this part."""
    return [BarVerdict(bar, _value(bar, part)) for bar in BARS if bar.part == part.name]


def _value(bar: Bar, part: Part) -> float | None:
    figure = part.find(bar.subject, bar.case)
    if figure is None:
        return None
    if bar.against is None:
        return figure.median
    other: Figure | None = part.find(*bar.against)
    return None if other is None else ratio(figure, other)
