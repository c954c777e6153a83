"""What a proof comes to: findings, and one line for them."""

from __future__ import annotations

from dataclasses import dataclass

from proofs.findings import Findings, Kind
from proofs.history import History


@dataclass(frozen=True, slots=True)
class Result:
    """A proof's findings, the kinds its line always shows, what clients did, and what else the line says.

    `passed` is what must hold beside: an exit code, a bar.
    """

    findings: Findings
    kinds: tuple[Kind, ...]
    history: History
    beside: str = ""
    passed: bool = True

    @property
    def ok(self) -> bool:
        """Whether the promise was kept. A proof in which nothing was acknowledged or pushed proves nothing."""
        return self.passed and not self.findings and self.history.shows_something

    @property
    def line(self) -> str:
        """The figure."""
        return f"{self.findings.figure(*self.kinds)} {self.beside} {self.history.beside}".replace("  ", " ")
