"""Fuzzing by coverage (atheris) of what reads bytes of strangers, and of what keeps them from a terminal.

It begins with `corpus/`. An input that takes too long, or more memory than MAX_MIB for all, is a finding as well. The
input that was found is printed in hexadecimal.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from proofs.figure import Verdict
from proofs.fuzz_targets import TARGETS
from proofs.scene import LONG_S
from proofs.stage import ROOT, Skipped, Stage

CORPUS = Path(__file__).parent / "corpus"
HANG_S = 120  # for an input that never ends; what one may take of the processor is a matter of the targets
MAX_INPUT_BYTES = 40_000  # two frames of the greatest length and more
MAX_MIB = 512
_RUNS = re.compile(r"stat::number_of_executed_units:\s*(\d+)")


def prove(stage: Stage, scale: float, seed: int) -> Verdict:
    """Fuzz each target for its share of the time."""
    return _prove(stage, {"max_total_time": max(1, int(LONG_S * scale / len(TARGETS)))}, seed)


def prove_briefly(stage: Stage, *, inputs: int, seed: int) -> Verdict:
    """Fuzz each target with so many inputs, those of the corpus among them."""
    return _prove(stage, {"runs": inputs}, seed)


def _prove(stage: Stage, limit: Mapping[str, int], seed: int) -> Verdict:
    if importlib.util.find_spec("atheris") is None:
        raise Skipped("atheris is not installed; scripts/setup dev brings it where it is built for this Python")
    inputs, told = dict[str, int](), list[str]()
    for name in TARGETS:
        code, said = _fuzz(name, stage.folder, limit, seed)
        counted = _RUNS.search(said)
        inputs[name] = int(counted[1]) if counted else 0
        if code:
            told.append(f"{name} ended with {code}: {_gist(said)}")
    figures = [f"found={len(told)}", *(f"{name}={number}" for name, number in inputs.items())]
    return Verdict(not told and all(inputs.values()), " ".join(figures), told)


def _fuzz(name: str, folder: Path, limit: Mapping[str, int], seed: int) -> tuple[int, str]:
    """The exit code of libFuzzer and what it said."""
    found = folder / f"corpus-{name}"
    found.mkdir()
    options = {
        **limit,
        "seed": seed % 2**31 or 1,
        "timeout": HANG_S,
        "max_len": MAX_INPUT_BYTES,
        "rss_limit_mb": MAX_MIB,
        "print_final_stats": 1,
    }
    command = [sys.executable, "-m", "proofs.fuzz_targets", name, str(found), str(CORPUS / name)]
    command += [f"-{option}={value}" for option, value in options.items()]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "scripts")])}
    pipe, same = subprocess.PIPE, subprocess.STDOUT
    done = subprocess.run(command, cwd=folder, env=environment, check=False, stdout=pipe, stderr=same)
    return done.returncode, done.stdout.decode(errors="replace")


def _gist(said: str) -> str:
    """The lines that tell most: the error and the input."""
    lines = [line for line in said.splitlines() if re.search(r"Error\b|ERROR: libFuzzer|^0x|Base64", line)]
    return " | ".join(lines[:4]) or said[-200:]
