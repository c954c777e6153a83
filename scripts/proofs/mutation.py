"""Each bug of `mutants` must be found by the proof that is there for it, and by the signs that it must leave there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from server_process import Broken

from proofs import (
    clocks,
    cluster,
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

Proof = Callable[[Stage, float, int], Result]
ATTEMPTS = 16  # of a proof that needs luck, such as a power cut in the one right moment
ENOUGH = 10  # bugs to be found, of all
PROOFS: dict[str, Proof] = {
    "kill9": kill9.prove,
    "following": following.prove,
    "powercut": powercut.prove,
    "restart-powercut": partial(powercut.prove, restart=True),
    "mixed": mixed.prove,
    "clocks": clocks.prove,
    "crashpoints": crashpoints.prove,
    "ioerrors": ioerrors.prove,
    "syncfail": syncfail.prove,
    "diskfull": diskfull.prove,
    "unlinked": unlinked.prove,
    "sigterm": sigterm.prove,
    "fsyncs": fsyncs.prove,
    "loopsteps": loopsteps.prove,
    "sieges": sieges.prove,
}
"""The hunt that each name runs: on a stage, at a scale, which is 1 in the long form, by a seed."""
SCALES = {
    "kill9": 0.025,
    "following": 0.03,
    "powercut": 0.035,
    "restart-powercut": 0.135,
    "mixed": 0.035,
    "clocks": 0.035,
    "crashpoints": 0.075,
    "ioerrors": 0.04,
    "syncfail": 0.1,
    "diskfull": 0.2,
    "unlinked": 0.1,
    "sigterm": 0.04,
    "fsyncs": 0.025,
    "loopsteps": 1.0,
    "sieges": 0.1,
}
"""The scale of a hunt, whose proof need not find the bug at the first attempt."""
CLUSTER_SCALES = {
    "cluster-kill9": 0.05,
    "cluster-quorum": 0.1,
    "cluster-model": 0.1,
}
"""The scale of a hunt by a proof of clusters."""


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


def prove(stage: Stage, _: float, seed: int, *, names: list[str] | None = None) -> Hunt:
    """Look for each bug, or for those that are named. Raises Skipped when none of them can be looked for."""
    missed, skipped, told, sought = [], [], [], 0
    names = names or [name for name, bug in BUGS.items() if bug.proof in PROOFS]
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


def prove_clusters(stage: Stage, scale: float, seed: int) -> Hunt:
    """Look for each bug of clusters."""
    return prove(stage, scale, seed, names=[name for name, bug in BUGS.items() if bug.proof in cluster.PROOFS])


def _find(stage: Stage, name: str, seed: int) -> tuple[bool, str]:
    """Whether it was found, and the first line of what was found, or the other signs that there were.

    Raises Broken when the bug keeps a server from starting at all or from serving: that tells nothing of a proof.
    """
    with replace(stage, folder=stage.folder / name, mutant=name).server():
        pass
    bug, others = BUGS[name], set[Sign]()
    proof = partial(sieges.prove, names=(bug.siege,)) if bug.siege else {**PROOFS, **cluster.PROOFS}[bug.proof]
    for attempt in range(ATTEMPTS):
        buggy = replace(stage, folder=stage.folder / f"{name}-{attempt}", mutant=name)
        try:
            result = proof(buggy, {**SCALES, **CLUSTER_SCALES}[bug.proof], seed + attempt)
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
