"""SIGTERM under load: the server ends by itself, in order, and nothing that was acknowledged is lost."""

from __future__ import annotations

import random
import time

from proofs.checker import check
from proofs.figure import Result
from proofs.history import History
from proofs.load import clients, wait_for_acknowledged
from proofs.stage import Stage

MAX_STOP_S = 10.0
MAX_ACKNOWLEDGED = 400  # uploads before a stop


def prove(stage: Stage, *, times: int, seed: int) -> Result:
    """Stop that many servers, one after the other, and check."""
    chance, history = random.Random(seed), History()
    slowest, wrong = 0.0, 0
    with clients(history, chance) as target:
        for _ in range(times):
            with stage.server() as server:
                target.set(server.port)
                wait_for_acknowledged(history, chance.randrange(1, MAX_ACKNOWLEDGED))
                asked = time.monotonic()
                code = server.stop()
                slowest = max(slowest, time.monotonic() - asked)
                target.set(None)
            wal = stage.db.with_name(stage.db.name + "-wal")
            wrong += code != 0 or (wal.exists() and wal.stat().st_size > 0)
    findings = check(history, stage.db, sample=stage.sample, ended=True)
    beside = f"stops={times} wrong={wrong} slowest={slowest:.1f}s"
    return Result(findings, ("lost", "dup", "order"), history, beside, passed=not wrong and slowest <= MAX_STOP_S)
