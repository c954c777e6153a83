"""Each bug of `mutants` must be found by the proof that is there for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from proofs import diskfull, following, kill9, powercut
from proofs.figure import Result
from proofs.mutants import PATCHES
from proofs.stage import Broken, Skipped, Stage

Proof = Callable[[Stage, int], Result]
ATTEMPTS = 8  # of a proof that needs luck, such as a power cut in the one right moment


def _kill9(stage: Stage, seed: int) -> Result:
    return kill9.prove(stage, seconds=1.5, seed=seed)


def _powercut(stage: Stage, seed: int) -> Result:
    return powercut.prove(stage, seconds=2.0, seed=seed)


def _restart_powercut(stage: Stage, seed: int) -> Result:
    return powercut.prove(stage, seconds=8.0, seed=seed, restart=True)


def _diskfull(stage: Stage, seed: int) -> Result:
    return diskfull.prove(stage, rounds=2, seed=seed)


def _following(stage: Stage, seed: int) -> Result:
    return following.prove(stage, kills=3, seed=seed)


FOUND_BY: dict[str, Proof] = {
    "synchronous-off": _powercut,
    "synchronous-normal": _powercut,
    "no-checkpoint-at-start": _restart_powercut,
    "resume-skips-one": _following,
    "cache-kept-after-rollback": _diskfull,
}
"""The others are found by kill -9, or by the checker without any fault."""


@dataclass(frozen=True, slots=True)
class Hunt:
    """How many bugs were looked for, and those that were not found or could not be looked for, with the reason."""

    sought: int
    missed: list[str]
    skipped: list[str]
    told: list[str]

    @property
    def ok(self) -> bool:
        """Whether each was found."""
        return not self.missed

    @property
    def line(self) -> str:
        """The figure."""
        rest = [f"missed: {', '.join(self.missed)}"] * bool(self.missed) + self.skipped
        return " ".join([f"caught {self.sought - len(self.missed)}/{self.sought}", *rest])


def prove(stage: Stage, *, names: list[str] | None = None, seed: int) -> Hunt:
    """Look for each bug, or for those that are named."""
    missed, skipped, told, sought = [], [], [], 0
    for name in names or list(PATCHES):
        try:
            finding = _find(stage, name, seed)
        except Skipped as why:
            skipped.append(f"skipped {name}: {why}")
            continue
        sought += 1
        told.append(f"{name}: {finding or 'NOT FOUND'}")
        if finding is None:
            missed.append(name)
    return Hunt(sought, missed, skipped, told)


def _find(stage: Stage, name: str, seed: int) -> str | None:
    """The first line of what was found, None when nothing was.

    Raises Broken when the bug keeps a server from starting at all or from serving: that tells nothing of a proof.
    """
    with replace(stage, folder=stage.folder / name, mutant=name).server():
        pass
    proof = FOUND_BY.get(name, _kill9)
    for attempt in range(ATTEMPTS):
        buggy = replace(stage, folder=stage.folder / f"{name}-{attempt}", mutant=name)
        try:
            result = proof(buggy, seed + attempt)
        except Broken as exc:
            return f"broken: {exc}"
        if not result.history.shows_something:
            raise Broken(f"with the bug {name} nobody is served: {result.line}")
        if result.findings:
            return result.findings.told[0]
    return None
