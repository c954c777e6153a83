"""Figures as values: loads, samples, medians and ratios. Knows no process and no page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple, dataclass, field
from statistics import median
from typing import Any

UNITS = ("1/s", "s", "ms", "us", "KiB", "MiB", "tweets", "1")


@dataclass(frozen=True, slots=True)
class Load:
    """The load of the generator: `clients` connections with `in_flight` requests each, `seconds` after `warmup_s`."""

    clients: int
    in_flight: int = 1
    seconds: float = 2.0
    warmup_s: float = 0.5
    tag: str | None = None
    reconnect: bool = False

    @property
    def case(self) -> str:
        """The name of this load in tables and bars: `64`, or `64x16` with 16 in flight."""
        return str(self.clients) if self.in_flight == 1 else f"{self.clients}x{self.in_flight}"


@dataclass(frozen=True, slots=True)
class Sample:
    """One round of one subject in one case. Latencies in microseconds.

    `cpu_share` is the generator's, 1 is a core; `server_us` is the server's processor time for an operation.
    """

    value: float
    p50_us: float | None = None
    p99_us: float | None = None
    max_us: float | None = None
    cpu_share: float | None = None
    server_us: float | None = None


@dataclass(slots=True)
class Figure:
    """All rounds of one subject in one case, oldest first."""

    subject: str
    case: str
    unit: str
    samples: list[Sample] = field(default_factory=list)

    @property
    def values(self) -> list[float]:
        """The measured values, one a round."""
        return [sample.value for sample in self.samples]

    @property
    def median(self) -> float:
        """The median over the rounds."""
        return median(self.values)

    def median_of(self, name: str) -> float | None:
        """The median of one of a sample's other fields; None where no round has it."""
        known = [value for sample in self.samples if (value := getattr(sample, name)) is not None]
        return median(known) if known else None


@dataclass(slots=True)
class PartFigures:
    """The figures of one part of the benchmark with what is needed to run it again.

    `notes` are sentences for the page: what was skipped and why, what a figure does not include.
    """

    name: str
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    command: str = ""
    date: str = ""

    def add(self, subject: str, case: str, unit: str, sample: Sample) -> None:
        """Add one round to the figure of this subject and case, and make that figure when it is the first."""
        figure = self.find(subject, case)
        if figure is None:
            figure = Figure(subject, case, unit)
            self.figures.append(figure)
        figure.samples.append(sample)

    def find(self, subject: str, case: str) -> Figure | None:
        """The figure of this subject and case, if it was measured."""
        return next((one for one in self.figures if (one.subject, one.case) == (subject, case)), None)

    def note(self, sentence: str) -> None:
        """Keep a sentence for the page, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def processor_time(self) -> PartFigures:
        """Return a part with the server's processor time for an operation, us, in place of each value that has one."""
        costs = PartFigures(self.name)
        for figure in self.figures:
            for sample in figure.samples:
                if sample.server_us:
                    costs.add(figure.subject, figure.case, "us", Sample(sample.server_us))
        return costs

    @property
    def cases(self) -> list[str]:
        """The cases in the order in which they were first measured."""
        return list(dict.fromkeys(figure.case for figure in self.figures))

    @property
    def subjects(self) -> list[str]:
        """The subjects in the order in which they were first measured."""
        return list(dict.fromkeys(figure.subject for figure in self.figures))


def ratio(one: Figure, other: Figure) -> float:
    """How many times the other one is, as the median of the ratios of the rounds.

    Two figures of the same number of rounds were measured in turn, so that what slows down the machine for a while is
    in both sides of a round's ratio. With different numbers of rounds it is the ratio of the medians.
    """
    if len(one.samples) == len(other.samples):
        return median(mine / theirs for mine, theirs in zip(one.values, other.values, strict=True) if theirs)
    return one.median / other.median


def serial_bound(rates: Iterable[float]) -> float:
    """The rate of one process that has to do several things one after another: 1 / (1/a + 1/b + ...)."""
    return 1 / sum(1 / rate for rate in rates)


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie; of an empty sequence it is an error."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def to_line(part: PartFigures) -> str:
    """The part as a line of JSON; a sample is the list of its fields, of six digits each."""
    return json.dumps(asdict(part) | {"figures": [_figure(one) for one in part.figures]})


def from_line(line: str) -> PartFigures:
    """The part that `to_line` has written."""
    data: dict[str, Any] = json.loads(line)
    figures = [
        Figure(subject, case, unit, [Sample(*sample) for sample in samples])
        for subject, case, unit, *samples in data["figures"]
    ]
    return PartFigures(data["name"], figures, data["notes"], data["command"], data["date"])


def _figure(figure: Figure) -> list[Any]:
    samples = [[_rounded(value) for value in astuple(sample)] for sample in figure.samples]
    return [figure.subject, figure.case, figure.unit, *map(_without_end, samples)]


def _rounded(value: float | None) -> float | None:
    return value if value is None else float(f"{value:.6g}")


def _without_end(fields: list[float | None]) -> list[float | None]:
    """The fields up to the last that is known."""
    while fields and fields[-1] is None:
        fields = fields[:-1]
    return fields
