"""kill -9 at a random moment, again and again, while clients work."""

from __future__ import annotations

import random
import time

from proofs.checker import check
from proofs.figure import Result
from proofs.history import History
from proofs.load import clients, last_life, lives
from proofs.stage import Stage

MAX_LIFE_S = 1.0  # of a server: long enough for hundreds of commits


def prove(stage: Stage, *, seconds: float, seed: int) -> Result:
    """Kill servers for so long, then start one more, stop it in order, and check."""
    chance, history, left = random.Random(seed), History(), list[bytes]()
    with clients(history, chance) as target:
        for _ in lives(history, seconds):
            with stage.server() as server:
                target.set(server.port)
                time.sleep(chance.uniform(0.05, MAX_LIFE_S))
                server.kill()
            target.set(None)
            left.append(stage.sample.read_bytes() if stage.sample.exists() else b"")
            stage.sample.unlink(missing_ok=True)  # the next server may die before it has begun its own
        worked = history.acknowledged
        code = last_life(stage, target, history)
    findings = check(history, stage.db, sample=stage.sample, ended=True, left=left)
    passed = code == 0 and worked > 0
    return Result(findings, ("lost", "dup", "order", "stale"), history, f"kills={len(left)}", passed=passed)
