"""`scripts/prove`: which proofs there are, and what is said of them."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from server_process import Broken

from proofs import cluster, fuzz, hostile, mutation, queries
from proofs.figure import Result, Verdict
from proofs.scene import LONG_S
from proofs.stage import Skipped, Stage, fast_folder

Proof = Callable[[Stage, float, int], Result | Verdict | mutation.Hunt]
PROOFS: dict[str, Proof] = {
    **mutation.PROOFS,
    **cluster.PROOFS,
    "fuzz": fuzz.prove,
    "mutants": mutation.prove,
    "cluster-mutants": mutation.prove_clusters,
    "hostile": hostile.prove,
    "queries": queries.prove,
}
LASTING = ("kill9", "powercut", "restart-powercut", "mixed", "clocks", "fuzz")
"""Those of which --seconds says how long they run."""


def main(arguments: list[str] | None = None) -> int:
    """Run the proofs that are named, or all. Returns 0 when every promise was kept; a skipped one is not broken."""
    options = _parser().parse_args(arguments)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**32)
    print(f"seed {seed}", file=sys.stderr)
    kept = True
    for name in options.proofs or PROOFS:
        lasts = options.seconds is not None and name in LASTING
        kept &= _run(name, options.seconds / LONG_S if lasts else options.scale, seed)
    return 0 if kept else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/prove", description="Show that ttweet keeps its promises under faults and hostile clients."
    )
    parser.add_argument("proofs", nargs="*", type=_known, metavar="PROOF", help="a proof to run; default: all")
    parser.epilog = f"The proofs: {', '.join(PROOFS)}."
    long = parser.add_mutually_exclusive_group()
    long.add_argument("--scale", type=float, default=1.0, help="factor of the duration: 1 for a release, 0.05 to try")
    long.add_argument("--seconds", type=float, help="duration of the proofs of a minute, such as fuzz")
    parser.add_argument("--seed", type=int, help="seed of the random choices; default: a new one, which is printed")
    return parser


def _known(name: str) -> str:
    """Return the name of a proof. Not `choices`: with them, Python 3.11 rejects a command line without names."""
    if name not in PROOFS:
        raise argparse.ArgumentTypeError(f"there is no proof {name!r}; choose from {', '.join(PROOFS)}")
    return name


def _run(name: str, scale: float, seed: int) -> bool:
    with tempfile.TemporaryDirectory(prefix="ttweet-prove-", dir=fast_folder()) as folder:
        try:
            verdict = PROOFS[name](Stage(Path(folder)), scale, seed)
        except Skipped as why:
            print(f"{name}: skipped: {why}")
            return True
        except Broken as exc:
            print(f"{name}: FAILED {exc}")
            return False
    for sentence in verdict.told:
        print(f"{name}: {sentence}", file=sys.stderr)
    print(f"{name}: {'ok' if verdict.ok else 'FAILED'} {verdict.line}", flush=True)
    return verdict.ok
