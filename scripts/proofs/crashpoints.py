"""One recorded run, and the power cut after each of its operations."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

from server_process import Broken

from proofs.checker import check
from proofs.disk import LOSSES, Disk, Operation, file_names, operations, recorded, restore
from proofs.figure import Result
from proofs.findings import Findings
from proofs.history import History, now
from proofs.scene import Scene, scene
from proofs.stage import LOG_LIMIT, Stage
from ttweet.model.errors import OpenError
from ttweet.storage.sqlite.writer import SqliteStore

POINTS = 2000
CLIENTS = 3
STEP = 25  # uploads between two looks at how many operations were recorded


def prove(stage: Stage, scale: float, seed: int) -> Result:
    """Record a run with a kill in its middle and an end in order; cut the power after each operation, and check.

    After each cut the server's own way to open the file must succeed. In a short form one of the LOSSES is tried
    after each operation, by chance: in turn they would go with the turns of what is written.
    """
    points, losses = int(POINTS * scale), len(LOSSES) if scale >= 1 else 1
    traced, trace = recorded(stage)
    with scene(traced, seed, CLIENTS) as here:
        lives = [_record(here, trace, life, points * 0.55) for life in range(2)]
    disk, done = Disk(), 0
    scratch = Stage(stage.folder / "cut")
    for life, (run, ended) in enumerate(lives):
        for place, operation in enumerate(run):
            disk.apply(operation)
            until = run[place + 1].began if place + 1 < len(run) else ended
            seen = here.history.until(until)
            for loss in here.chance.sample(LOSSES, losses):
                restore(scratch.data, disk.after(loss, here.chance))
                _check_point(scratch.db, seen, f"life {life}, point {place}, {loss}", here.findings)
            done += 1
        disk.reconcile(stage.folder / f"left-{life}")
    return here.result("lost", "corrupt", beside=f"points={done}", passed=done >= points)


def _record(here: Scene, trace: Path, life: int, points: float) -> tuple[list[Operation], int]:
    """The life of a server: its operations, and when it had ended. The first one is killed."""
    with here.server() as server:
        while sum(1 for _ in operations(trace)) < points:
            if not here.acknowledges(STEP):
                raise Broken("uploads are not acknowledged any more")
        if life:
            server.stop()
        else:
            server.kill()
    time.sleep(0.05)
    done, ended = list(operations(trace)), now()
    trace.unlink()
    _keep(here.stage.data, here.stage.folder / f"left-{life}")
    return done, ended


def _keep(folder: Path, copy: Path) -> None:
    restore(copy, {name: (folder / name).read_bytes() for name in file_names(folder)})


def _check_point(db: Path, history: History, where: str, findings: Findings) -> None:
    try:
        with closing(SqliteStore.open(db, log_limit=LOG_LIMIT, at=time.time_ns() // 1_000_000)):
            found = check(history, db)
    except OpenError as exc:
        findings.add("corrupt", f"{where}: {exc.code}: {exc}")
        return
    findings.counts += found.counts
    findings.told += [f"{where}: {sentence}" for sentence in found.told][: max(0, 10 - len(findings.told))]
