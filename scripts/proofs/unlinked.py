"""Another program removes, moves or replaces the database's files under a running server, which then stops or dies.

The server must notice by itself. Where only files beside the database have gone it must continue, with all that it held
in the file of that name. Else it must refuse uploads, say where a whole database is, and end with exit code 1. There
everything that was acknowledged must be, and a file that took the database's place must be left as it is.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

from server_process import Broken, ServerProcess

from proofs.checker import check
from proofs.faults import a_share, each, together
from proofs.figure import Result
from proofs.findings import Findings
from proofs.history import History
from proofs.scene import Scene, scene
from proofs.stage import Stage, until

TIMES = 5
CLIENTS = 3
MAX_ACKNOWLEDGED = 200  # uploads before the files are touched
AFTER = 20  # uploads that a server which continues must acknowledge
NOTICE_S = 10.0  # for a server to say what it has found, though it looks twice a second
STOPPED, KILLED = "stopped", "killed"
SAVED = ("all tweets are in ", "it was moved to ")
TROUBLES = ("cannot", "is incomplete", "is let go")  # of readers too, about which clients get little
MENDED = "was removed while the database was open"


class Way(NamedTuple):
    """How the files lose their names, and whether the server can continue."""

    do: Callable[[Stage], None]
    goes_on: bool


def _remove(*endings: str) -> Callable[[Stage], None]:
    def remove(stage: Stage) -> None:
        for ending in endings:
            Path(f"{stage.db}{ending}").unlink(missing_ok=True)  # the server may be putting it back

    return remove


def _move(stage: Stage) -> None:
    elsewhere = stage.folder / "elsewhere"
    elsewhere.mkdir()
    for file in stage.data.iterdir():
        file.rename(elsewhere / file.name)


def _replace(stage: Stage) -> None:
    with closing(sqlite3.connect(stage.db)) as source, closing(sqlite3.connect(_other(stage))) as backup:
        source.backup(backup)
        backup.execute("PRAGMA journal_mode = DELETE")
    shutil.copy(_other(stage), stage.folder / "put.db")
    (stage.folder / "put.db").rename(stage.db)


WAYS: dict[str, Way] = {
    "files-removed": Way(_remove("", "-wal", "-shm", ".lock"), goes_on=False),
    "database-removed": Way(_remove(""), goes_on=False),
    "files-moved": Way(_move, goes_on=False),
    "replaced": Way(_replace, goes_on=False),
    "folder-renamed": Way(lambda stage: _rename(stage.data, "renamed"), goes_on=False),
    "folder-removed": Way(lambda stage: shutil.rmtree(stage.data), goes_on=False),
    "log-and-index-removed": Way(_remove("-wal", "-shm"), goes_on=True),
    "log-removed": Way(_remove("-wal"), goes_on=True),
    "index-removed": Way(_remove("-shm"), goes_on=True),
    "lock-removed": Way(_remove(".lock"), goes_on=True),
}


@dataclass(slots=True)
class UnlinkedRun:
    """One way and one end: what clients did, and what was found."""

    name: str
    history: History = field(default_factory=History)
    findings: Findings = field(default_factory=Findings)
    wrong: list[str] = field(default_factory=list)


def prove(stage: Stage, scale: float, seed: int) -> Result:
    """Try each way with each end, TIMES in the long form, or a share of them."""
    chosen = a_share(list(product(WAYS, (STOPPED, KILLED))), TIMES * scale, seed)
    ran = each(enumerate(chosen), lambda case: _try(stage, case[0], *case[1], seed))
    whole, findings = together((one.history, one.findings) for one in ran)
    wrong = [f"{one.name} ({', '.join(one.wrong)})" for one in ran if one.wrong]
    beside = " ".join([f"cases={len(ran)} wrong={len(wrong)}", *wrong])
    return Result(findings, ("lost", "dup", "order", "corrupt"), whole, beside, passed=not wrong)


def _try(stage: Stage, number: int, name: str, end: str, seed: int) -> UnlinkedRun:
    run, way = UnlinkedRun(f"{name}-{end}"), WAYS[name]
    own = replace(stage, folder=stage.folder / f"{number}-{run.name}")
    try:
        with scene(own, f"{seed} {number} {run.name}", CLIENTS, history=run.history) as here:
            with here.server() as server:
                here.acknowledges(here.chance.randrange(1, MAX_ACKNOWLEDGED))
                way.do(own)
                _expect_notice(here, server, way, run)
                _end(server, end, 0 if way.goes_on else 1, run)
            left = [own.sample.read_bytes()]
            _check_other(own, run.findings)
            _put_back(own)
            with here.server(replace(own, mutant=None)) as server:
                if code := here.finish(server):
                    run.wrong.append(f"the next server ended with {code}")
        run.findings.include(check(run.history, own.db, sample=own.sample, ended=True, left=left))
    except Broken as exc:
        run.findings.add("corrupt", str(exc))
    run.findings.told = [f"{run.name}: {sentence}" for sentence in run.findings.told]
    shutil.rmtree(own.folder)
    return run


def _expect_notice(here: Scene, server: ServerProcess, way: Way, run: UnlinkedRun) -> None:
    """Wait until the server prints what it must print, and acknowledges more if it can continue."""
    expected = (MENDED,) if way.goes_on else SAVED
    if not until(lambda: any(said in line for line in list(server.said) for said in expected), NOTICE_S):
        run.wrong.append("the server says nothing")
    elif way.goes_on and not here.acknowledges(AFTER):
        run.wrong.append("the server does not go on")


def _end(server: ServerProcess, end: str, expected: int, run: UnlinkedRun) -> None:
    """End it; a server that is stopped must end with that code."""
    if expected == 0 and (troubles := [line for line in server.said if any(one in line for one in TROUBLES)]):
        run.wrong.append(f"the server has said {troubles[0].strip()}")
    if end == KILLED:
        server.kill()
    elif (code := server.stop()) != expected:
        run.wrong.append(f"the server ended with {code}: {''.join(list(server.said)[-2:]).strip()}")


def _put_back(stage: Stage) -> None:
    """Do what the server has advised, and give the whole database its name again."""
    found = [*stage.folder.rglob(f"rescued-{stage.db.name}"), *stage.folder.rglob(stage.db.name)]
    if not found or found[0] == stage.db:
        return
    stage.data.mkdir(exist_ok=True)
    for ending in ("", "-wal", "-shm"):
        Path(f"{stage.db}{ending}").unlink(missing_ok=True)
        if (file := Path(f"{found[0]}{ending}")).exists():
            file.rename(f"{stage.db}{ending}")


def _check_other(stage: Stage, findings: Findings) -> None:
    """A database that was put in the place of the server's holds what it held, and nothing else."""
    if not _other(stage).exists():
        return
    with closing(sqlite3.connect(stage.db)) as put, closing(sqlite3.connect(_other(stage))) as original:
        try:
            same = [*put.iterdump()] == [*original.iterdump()]
        except sqlite3.DatabaseError:
            same = False
    if not same:
        findings.add("corrupt", "the database that was put in the place of the server's is not what it was")


def _other(stage: Stage) -> Path:
    return stage.folder / "backup.db"


def _rename(folder: Path, name: str) -> None:
    folder.rename(folder.with_name(name))
