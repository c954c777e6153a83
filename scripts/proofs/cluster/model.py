"""The model of the replicated store at length: random servers with one log in memory, in a process of its own.

The model is that of the test suite, which runs it for a moment.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from dataclasses import dataclass

from proofs.figure import Result
from proofs.findings import Findings
from proofs.stage import ROOT, Skipped, Stage

EXAMPLES = 500  # at scale 1
STEPS = 40  # of an example


@dataclass(frozen=True, slots=True)
class Examples:
    """How many examples the model was tried with."""

    number: int

    @property
    def shows_something(self) -> bool:
        """Whether there were any."""
        return self.number > 0

    @property
    def beside(self) -> str:
        """The number."""
        return f"examples={self.number}"


def prove_model(stage: Stage, scale: float, seed: int) -> Result:
    """Apply random entries in any grouping, with lost answers and restarts in between: all files are equal."""
    if importlib.util.find_spec("hypothesis") is None:
        raise Skipped("hypothesis is not installed; scripts/setup dev")
    stage.folder.mkdir(parents=True, exist_ok=True)
    examples, findings = max(15, int(EXAMPLES * scale)), Findings()
    run = f"from proofs.cluster.model import main; main({examples}, {seed}, {stage.mutant!r})"
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "scripts")])}
    command = [sys.executable, "-c", run]
    done = subprocess.run(command, cwd=stage.folder, env=variables, capture_output=True, text=True)
    if done.returncode:
        findings.add("differ", "\n".join(done.stderr.splitlines()[-40:]))
    return Result(findings, ("differ",), Examples(examples))


def main(examples: int, seed: int, mutant: str | None) -> None:
    """Run the model. Raises AssertionError; the example is the shortest that fails, unless it is of a mutant."""
    import hypothesis
    from hypothesis.stateful import run_state_machine_as_test

    if mutant is not None:
        from proofs.mutants import BUGS

        BUGS[mutant].put_in()
    from tests.storage.replicated.test_model import Servers

    settings = hypothesis.settings(max_examples=examples, stateful_step_count=STEPS, deadline=None, database=None)
    if mutant is not None:
        settings = hypothesis.settings(settings, phases=[hypothesis.Phase.generate])
    run_state_machine_as_test(hypothesis.seed(seed)(Servers), settings=settings)
