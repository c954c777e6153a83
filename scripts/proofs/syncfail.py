"""The N-th sync fails, for many N. What it was to make durable is lost then, though the system's memory still shows it.

So it is on Linux, which tells of the failure once and takes for clean what was not written: the next sync succeeds and
says nothing of it. In half of the runs the power is cut some time after the failure: a server that has gone on as if
nothing were amiss has acknowledged what no disk holds. In the others it is killed as soon as the sync has failed, and
the next one finds all that was written: what had been refused must not be among it.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

from server_process import Broken, ServerProcess

from proofs.disk import Disk, Do, operations, recorded, restore
from proofs.figure import Result
from proofs.findings import Findings
from proofs.history import History
from proofs.ioerrors import AT_ONCE, MAX_WORK_S, End, Fault, Ground, Run, let_fail, look, result, until_enough
from proofs.powercut import take_note
from proofs.stage import Stage

SYNCS = 40  # a start makes some fifteen
HEARD_S = 0.03  # for what a server says of the failure to be heard: shim/disk.c lets it write only later
CUT, KILLED = "cut", "killed"


def prove(stage: Stage, *, share: float, seed: int) -> Result:
    """For each N and each end, or a share of them: fail once, end the server, start a sound one, check.

    In the long form syncs must have failed in service, before each end.
    """
    grounds = [Ground(end, stage, History()) for end in (CUT, KILLED)]
    faults = [Fault(ground, "sync", "EIO", nth) for nth, ground in product(range(1, SYNCS + 1), grounds)]
    chosen = faults if share >= 1 else random.Random(seed).sample(faults, max(1, round(share * len(faults))))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ran = list(pool.map(lambda fault: _fail(fault, seed), chosen))
    in_service = {one.fault.ground.name for one in ran if one.end.in_service}
    enough = any(one.struck for one in ran) if share < 1 else in_service == {CUT, KILLED}
    return result(ran, len(faults), passed=enough)


def _fail(fault: Fault, seed: int) -> Run:
    stage, history = fault.ground.begin(str(fault))
    failing, trace = recorded(stage, fail_sync=fault.nth)
    end, findings, chance = End(started=True, in_service=False), Findings(), random.Random(f"{seed} {fault}")
    try:
        end = let_fail(failing, history, chance, _until_failed(fault, trace, history))
    except Broken as exc:
        findings.add("corrupt", str(exc))
    struck = _has_failed(trace)
    if fault.ground.name == CUT:
        disk = Disk()
        take_note(disk, trace, stage.data)
        restore(stage.data, disk.after("dropped", chance))
    look(stage, history, findings)
    findings.told = [f"{fault}: {sentence}" for sentence in findings.told]
    shutil.rmtree(stage.folder)
    return Run(fault, struck, End(end.started, struck and history.acknowledged > 0), history, findings)


def _until_failed(fault: Fault, trace: Path, history: History) -> Callable[[ServerProcess], None]:
    """A wait for the failure, and for what comes of it; it kills the server."""

    def wait(server: ServerProcess) -> None:
        end = time.monotonic() + MAX_WORK_S
        while not _has_failed(trace) and server.process.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
        if fault.ground.name == CUT:
            until_enough(history)(server)
        else:
            time.sleep(HEARD_S)
        server.kill()

    return wait


def _has_failed(trace: Path) -> bool:
    return any(operation.do == Do.FAILED_SYNC for operation in operations(trace))
