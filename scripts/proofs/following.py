"""kill -9 again and again under followers that come back with their last id: what each has seen is what is stored."""

from __future__ import annotations

from dataclasses import replace

from proofs.figure import Result
from proofs.scene import HTTP, scene
from proofs.stage import Stage

FOLLOWED = ((), ("PROOF",), ("crash", "Straße"), ("寿司",), ("3251", "proof", "cs"))
FOLLOWED_BY_HTTP = ((), ("crash", "Straße"), ("寿司",))
KILLS = 100
MAX_ACKNOWLEDGED = 400  # uploads in the life of a server; it dies within them, and as often at once


def prove(stage: Stage, scale: float, seed: int) -> Result:
    """Kill one server after the other under load, then let every follower catch up and compare."""
    kills = max(1, int(KILLS * scale))
    with scene(replace(stage, options=(*stage.options, *HTTP)), seed, followed=FOLLOWED) as here:
        for tags in FOLLOWED_BY_HTTP:
            here.follow_by_http(*tags)
        for _ in range(kills):
            with here.server() as server:
                here.acknowledges(here.chance.randrange(MAX_ACKNOWLEDGED))
                server.kill()
        passed = here.last_life()
    here.check()
    resumed = sum(one.resumed for one in here.following)
    beside = f"kills={kills} followers={len(here.following)} resumed={resumed}"
    return here.result("lost", "dup", "order", beside=beside, passed=passed)
