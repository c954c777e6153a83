"""The N-th sync fails, for many N: its data is lost then, though the system's memory still shows it.

So it is on Linux, which tells of the failure once and takes for clean what was not written: the next sync succeeds and
says nothing of it. In half of the runs the power is cut some time after the failure: a server that has continued as if
nothing had happened has acknowledged what no disk holds. In the others it is killed as soon as the sync has failed, and
the next one finds all that was written: what had been refused must not be among it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

from server_process import ServerProcess

from proofs.disk import Disk, Do, operations, recorded, restore
from proofs.faults import Fault, Origin, Run, a_share, each, result, survived, until_enough, wait_while
from proofs.figure import Result
from proofs.history import History
from proofs.powercut import take_note
from proofs.stage import Stage

SYNCS = 40  # a start makes some fifteen
HEARD_S = 0.03  # for a server's error about the failure to arrive: shim/disk.c lets it write only later
CUT, KILLED = "cut", "killed"


def prove(stage: Stage, scale: float, seed: int) -> Result:
    """For each N and each end, or a share of them: fail once, end the server, start a sound one, check.

    In the long form syncs must have failed in service, before each end.
    """
    origins = [Origin(end, stage, History()) for end in (CUT, KILLED)]
    faults = [Fault(origin, "sync", "EIO", nth) for nth, origin in product(range(1, SYNCS + 1), origins)]
    ran = each(a_share(faults, min(scale, 1.0), seed), lambda fault: _fail(fault, seed))
    in_service = {one.fault.origin.name for one in ran if one.in_service}
    enough = any(one.struck for one in ran) if scale < 1 else in_service == {CUT, KILLED}
    return result(ran, len(faults), passed=enough)


def _fail(fault: Fault, seed: int) -> Run:
    with survived(fault) as run:
        failing, trace = recorded(run.stage, fail_sync=fault.nth)
        run.let_fail(failing, seed, _until_failed(fault, trace, run.history))
        run.struck = _has_failed(trace)
        run.in_service = run.struck and run.history.acknowledged > 0
        if fault.origin.name == CUT:
            disk = Disk()
            take_note(disk, trace, run.stage.data)
            restore(run.stage.data, disk.after("dropped", random.Random(seed)))
    return run


def _until_failed(fault: Fault, trace: Path, history: History) -> Callable[[ServerProcess], None]:
    """A wait for the failure, and for what comes of it; it kills the server."""

    def wait(server: ServerProcess) -> None:
        wait_while(server, lambda: not _has_failed(trace))
        if fault.origin.name == CUT:
            until_enough(history)(server)
        else:
            time.sleep(HEARD_S)
        server.kill()

    return wait


def _has_failed(trace: Path) -> bool:
    return any(operation.do == Do.FAILED_SYNC for operation in operations(trace))
