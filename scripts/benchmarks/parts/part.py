"""A part of the benchmark."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from benchmarks.figures import PartFigures
from benchmarks.peers.peer import BEFORE
from benchmarks.plan import Plan
from benchmarks.stage import BenchStage


@dataclass(frozen=True, slots=True)
class Kind:
    """A part: how it is measured and how its figures are called.

    `titles` names the subjects on the page. `mine` gives, for each other subject, the one of ours that it is compared
    with. `case_title` heads the column of cases; `faster` says, for a subject, why it may be ahead.
    """

    name: str
    title: str
    about: str
    measure: Callable[[BenchStage, Plan], PartFigures]
    titles: Mapping[str, str]
    mine: Mapping[str, str] = field(default_factory=dict)
    case_title: str = "clients"
    faster: Mapping[str, str] = field(default_factory=dict)

    def title_of(self, subject: str) -> str:
        """How a subject is called, also one of another checkout."""
        name = subject.removesuffix(BEFORE)
        return self.titles.get(name, name) + subject[len(name) :]

    def mine_of(self, subject: str) -> str | None:
        """Return which of our subjects another one is compared with, if any."""
        return subject.removesuffix(BEFORE) if subject.endswith(BEFORE) else self.mine.get(subject)
