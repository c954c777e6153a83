"""kill -9 at a random moment, again and again, while clients work."""

from __future__ import annotations

import time

from proofs.figure import Result
from proofs.scene import scene
from proofs.stage import Stage

MAX_LIFE_S = 1.0  # of a server: long enough for hundreds of commits


def prove(stage: Stage, scale: float, seed: int) -> Result:
    """Kill servers for so long, then start one more, stop it in order, and check."""
    left = list[bytes]()
    with scene(stage, seed) as here:
        for _ in here.lives(scale):
            with here.server() as server:
                time.sleep(here.chance.uniform(0.05, MAX_LIFE_S))
                server.kill()
            left.append(stage.sample.read_bytes() if stage.sample.exists() else b"")
            stage.sample.unlink(missing_ok=True)  # the next server may die before it has begun its own
        passed = here.last_life()
    here.check(left)
    return here.result("lost", "dup", "order", "stale", beside=f"kills={len(left)}", passed=passed)
