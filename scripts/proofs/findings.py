"""Findings, counted by kind.

`lost`: acknowledged or shown, and not there as it was answered. `dup`: there more than once. `order`: ids that
contradict what came before what. `stale`: an answer that others had already outdated, or that knew the future.
`forged`: a tweet that no client sent, or that was refused. `corrupt`: the file, its index of tags or its log does not
hold together. `differ`: the files of two servers of a cluster are not equal.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["lost", "dup", "order", "stale", "forged", "corrupt", "differ"]
MAX_TOLD = 5  # findings told in full of each kind


@dataclass(slots=True)
class Findings:
    """The findings, counted by kind."""

    counts: Counter[Kind] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)

    def add(self, kind: Kind, sentence: str) -> None:
        """Count one and keep its sentence, for the first few of each kind."""
        self.counts[kind] += 1
        if self.counts[kind] <= MAX_TOLD:
            self.told.append(f"{kind}: {sentence}")

    def include(self, others: Findings) -> None:
        """Add what was found elsewhere."""
        self.counts += others.counts
        self.told += others.told

    def __bool__(self) -> bool:
        return bool(self.counts)

    def figure(self, *kinds: Kind) -> str:
        """Such as `lost=0 dup=0`; kinds that were not asked for are added when there are some."""
        shown = [*kinds, *sorted(kind for kind in self.counts if kind not in kinds)]
        return " ".join(f"{kind}={self.counts[kind]}" for kind in shown)
