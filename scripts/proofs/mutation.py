"""Each bug of `mutants` must be found by the proof that is there for it, and by the signs that it must leave there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from server_process import Broken

from proofs import (
    clocks,
    crashpoints,
    diskfull,
    following,
    fsyncs,
    ioerrors,
    kill9,
    loopsteps,
    mixed,
    powercut,
    sieges,
    sigterm,
    syncfail,
    unlinked,
)
from proofs.figure import Result, Sign
from proofs.mutants import BUGS
from proofs.stage import Skipped, Stage

Proof = Callable[[Stage, int], Result]
ATTEMPTS = 8  # of a proof that needs luck, such as a power cut in the one right moment
ENOUGH = 10  # bugs to be found, of all
PROOFS: dict[str, Proof] = {
    "kill9": lambda stage, seed: kill9.prove(stage, seconds=1.5, seed=seed),
    "powercut": lambda stage, seed: powercut.prove(stage, seconds=2.0, seed=seed),
    "restart-powercut": lambda stage, seed: powercut.prove(stage, seconds=8.0, seed=seed, restart=True),
    "following": lambda stage, seed: following.prove(stage, kills=3, seed=seed),
    "diskfull": lambda stage, seed: diskfull.prove(stage, rounds=2, seed=seed),
    "crashpoints": lambda stage, seed: crashpoints.prove(stage, points=150, seed=seed, losses=1),
    "ioerrors": lambda stage, seed: ioerrors.prove(stage, share=0.04, seed=seed),
    "syncfail": lambda stage, seed: syncfail.prove(stage, share=0.2, seed=seed),
    "fsyncs": lambda stage, seed: fsyncs.prove(stage, uploads=500, seed=seed),
    "sigterm": lambda stage, seed: sigterm.prove(stage, times=2, seed=seed),
    "mixed": lambda stage, seed: mixed.prove(stage, seconds=2.0, seed=seed),
    "clocks": lambda stage, seed: clocks.prove(stage, seconds=2.0, seed=seed),
    "unlinked": lambda stage, seed: unlinked.prove(stage, share=0.5, seed=seed),
    "sieges": lambda stage, _: sieges.prove(stage, scale=0.1),
    "loopsteps": lambda stage, seed: loopsteps.prove(stage, scale=1, seed=seed),
}
"""Short forms, which need not find the bug at the first attempt."""


@dataclass(frozen=True, slots=True)
class Hunt:
    """How many bugs there are to look for, those that were looked for, and those that were not found; with reasons."""

    named: int
    sought: int
    missed: list[str]
    skipped: list[str]
    told: list[str]

    @property
    def ok(self) -> bool:
        """Whether each was found that could be looked for, and whether those were enough."""
        return not self.missed and self.sought >= min(self.named, ENOUGH)

    @property
    def line(self) -> str:
        """The figure."""
        rest = [f"missed: {', '.join(self.missed)}"] * bool(self.missed) + self.skipped
        return " ".join([f"caught {self.sought - len(self.missed)}/{self.sought}", *rest])


def prove(stage: Stage, *, names: list[str] | None = None, seed: int) -> Hunt:
    """Look for each bug, or for those that are named. Raises Skipped when none of them can be looked for."""
    missed, skipped, told, sought = [], [], [], 0
    names = names or list(BUGS)
    for name in names:
        try:
            found, sentence = _find(stage, name, seed)
        except Skipped as why:
            skipped.append(f"skipped {name}: {why}")
            continue
        sought += 1
        told.append(f"{name}: {sentence}" if found else f"{name}: NOT FOUND, {sentence}")
        if not found:
            missed.append(name)
    if not sought:
        raise Skipped("; ".join(skipped))
    return Hunt(len(names), sought, missed, skipped, told)


def _find(stage: Stage, name: str, seed: int) -> tuple[bool, str]:
    """Whether it was found, and the first line of what was found, or the other signs that there were.

    Raises Broken when the bug keeps a server from starting at all or from serving: that tells nothing of a proof.
    """
    with replace(stage, folder=stage.folder / name, mutant=name).server():
        pass
    bug, others = BUGS[name], set[Sign]()
    for attempt in range(ATTEMPTS):
        buggy = replace(stage, folder=stage.folder / f"{name}-{attempt}", mutant=name)
        try:
            result = PROOFS[bug.proof](buggy, seed + attempt)
        except Broken as exc:
            signs: set[Sign] = {"broken"}
            first = f"broken: {exc}"
        else:
            if not result.history.shows_something:
                raise Broken(f"with the bug {name} nobody is served: {result.line}")
            signs, first = result.signs, next(iter(result.findings.told), result.line)
        if signs & bug.signs:
            return True, first
        others |= signs
    return False, f"but {', '.join(sorted(others)) or 'nothing'} instead of {', '.join(sorted(bug.signs))}"
