"""The result of a proof: findings, and one line for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from proofs.findings import Findings, Kind

Sign = Kind | Literal["bar", "broken"]
"""By which a bug shows: a kind of finding, a bar that was not kept beside them, or a server that is Broken."""


class Evidence(Protocol):
    """The record of what clients did."""

    @property
    def shows_something(self) -> bool:
        """Whether clients were served."""
        ...

    @property
    def beside(self) -> str:
        """How much was seen, as a figure."""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a promise was kept, the figure, and what was found."""

    ok: bool
    line: str
    told: list[str]


@dataclass(frozen=True, slots=True)
class Result:
    """A proof's findings, the kinds its line always shows, what clients did, and what else the line says.

    `passed` is what must hold beside: an exit code, a bar.
    """

    findings: Findings
    kinds: tuple[Kind, ...]
    history: Evidence
    beside: str = ""
    passed: bool = True

    @property
    def ok(self) -> bool:
        """Whether the promise was kept. A proof in which nothing was acknowledged or pushed proves nothing."""
        return self.passed and not self.findings and self.history.shows_something

    @property
    def told(self) -> list[str]:
        """The findings."""
        return self.findings.told

    @property
    def signs(self) -> set[Sign]:
        """By what it shows that the promise was not kept."""
        return {*self.findings.counts, *(() if self.passed else ("bar",))}

    @property
    def line(self) -> str:
        """The figure."""
        return f"{self.findings.figure(*self.kinds)} {self.beside} {self.history.beside}".replace("  ", " ")
