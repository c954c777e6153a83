"""SIGTERM under load: the server ends by itself, in order, and nothing that was acknowledged is lost."""

from __future__ import annotations

import time

from proofs.figure import Result
from proofs.scene import scene
from proofs.stage import Stage

STOPS = 50
MAX_STOP_S = 10.0
MAX_ACKNOWLEDGED = 400  # uploads before a stop


def prove(stage: Stage, scale: float, seed: int) -> Result:
    """Stop one server after the other, and check."""
    times, slowest, wrong = max(1, int(STOPS * scale)), 0.0, 0
    with scene(stage, seed) as here:
        for _ in range(times):
            with here.server() as server:
                here.acknowledges(here.chance.randrange(1, MAX_ACKNOWLEDGED))
                asked = time.monotonic()
                code = server.stop()
                slowest = max(slowest, time.monotonic() - asked)
            wal = stage.db.with_name(stage.db.name + "-wal")
            wrong += code != 0 or (wal.exists() and wal.stat().st_size > 0)
    here.check()
    beside = f"stops={times} wrong={wrong} slowest={slowest:.1f}s"
    return here.result("lost", "dup", "order", beside=beside, passed=not wrong and slowest <= MAX_STOP_S)
