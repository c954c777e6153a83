"""The calendar clock is put back and forward under load, over hours and days, with a kill now and then.

Ids must rise all the same, keys must find their tweets, and the log must stay in order. `at` is what the clock said, so
it goes back with the clock: that much must show, or nothing was moved.
"""

from __future__ import annotations

import random
import sqlite3
import struct
import time
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from proofs.figure import Result
from proofs.findings import Findings
from proofs.scene import WORK_S, scene
from proofs.stage import Stage, compiled

MAX_MOVE_S = 3 * 86_400  # back or forward: keys are kept for seven days by the clock
PAUSE_S = 0.03  # between two moves
MAX_LIFE_S = 1.5  # of a server


def prove(stage: Stage, scale: float, seed: int) -> Result:
    """Move the clock again and again, and kill servers meanwhile; then stop one in order, and check."""
    clock, moves = stage.folder / "clock", 0
    moved = replace(stage, environment={"LD_PRELOAD": str(compiled("clock", stage.folder)), "CLOCK_FILE": str(clock)})
    _move(clock, 0)
    with scene(moved, seed) as here:
        for _ in here.lives(scale):
            with here.server() as server:
                moves += _move_for(clock, here.chance, here.chance.uniform(0.3, MAX_LIFE_S))
                server.kill()
        served = here.history.acknowledged > 0
        with here.server() as server:
            moves += _move_for(clock, here.chance, WORK_S)
            code = here.finish(server)
    here.check()
    back = _times_back(stage.db, here.findings)
    passed = code == 0 and back > 0 and served
    return here.result("lost", "dup", "order", "stale", beside=f"moves={moves} back={back}", passed=passed)


def _move_for(clock: Path, chance: random.Random, seconds: float) -> int:
    """How often the clock was moved in that time."""
    moves, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        _move(clock, chance.randint(-MAX_MOVE_S, MAX_MOVE_S))
        moves += 1
        time.sleep(PAUSE_S)
    return moves


def _move(clock: Path, seconds: int) -> None:
    """Write over what is there: the server has the file in its memory."""
    with clock.open("r+b" if clock.exists() else "wb") as file:
        file.write(struct.pack("q", seconds * 1_000_000_000))


def _times_back(db: Path, findings: Findings) -> int:
    """How often a tweet is older, by its `at`, than the one before; lines of the log stay in their sessions' order."""
    with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True)) as connection:
        sessions = [row[0] for row in connection.execute("SELECT session FROM log ORDER BY id")]
        times = [row[0] for row in connection.execute("SELECT at FROM tweets ORDER BY id")]
    if sessions != sorted(sessions):
        findings.add("order", "lines of the log stand between those of another session")
    return sum(after < before for before, after in pairwise(times))
