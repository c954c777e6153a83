"""The power fails under load: what was not synced is dropped, kept in part or torn, and the next server continues."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

from proofs.disk import LOSSES, Disk, operations, recorded, restore
from proofs.figure import Result
from proofs.scene import Scene, scene
from proofs.stage import Stage

MAX_LIFE_S = 0.8  # of a server that the power is cut from
MAX_FIRST_LIFE_S = 0.2  # of one that is killed before another is started and its power cut
MAX_SECOND_LIFE_S = 0.06  # of one that was started after a kill: what was not synced must not be served by then
SLOWER = 1.5  # the next life, until a client was served: the machine may be busy with other things
SLOW_SYNC_US = 30_000  # a slow disk, for what is between a write and its sync to be seen


def prove(stage: Stage, scale: float, seed: int, *, restart: bool = False) -> Result:
    """Cut the power again and again; with `restart` kill the server first and start another for a moment."""
    traced, trace = recorded(stage, sync_us=SLOW_SYNC_US if restart else 0)
    durable, cuts, slowness = dict[str, bytes](), 0, 1.0
    with scene(traced, seed) as here:
        for _ in here.lives(scale):
            disk = Disk(durable)
            for life_s in _lives(here.chance, restart, slowness):
                live(here, life_s)
                take_note(disk, trace, stage.data)
            durable = disk.after(here.chance.choice(LOSSES) if cuts else "dropped", here.chance)
            restore(stage.data, durable)
            cuts += 1
            slowness = 1.0 if here.history.acknowledged else slowness * SLOWER
        passed = here.last_life(stage)
    here.check()
    return here.result("lost", "dup", "order", "stale", beside=f"cuts={cuts}", passed=passed)


def _lives(chance: random.Random, restart: bool, slowness: float) -> Iterator[float]:
    yield slowness * chance.uniform(0.05, MAX_FIRST_LIFE_S if restart else MAX_LIFE_S)
    if restart:
        yield chance.uniform(0.0, MAX_SECOND_LIFE_S)


def live(here: Scene, life_s: float, *, in_order: bool = False) -> int:
    """Let clients work with a server for so long; then stop it, or kill it. Returns its exit code."""
    with here.server() as server:
        time.sleep(life_s)
        if not in_order:
            server.kill()
        return server.stop()


def take_note(disk: Disk, trace: Path, folder: Path) -> None:
    """Apply to the disk what a server has done since the trace was begun; begin the trace again."""
    for operation in operations(trace):
        disk.apply(operation)
    trace.unlink()
    disk.reconcile(folder)
