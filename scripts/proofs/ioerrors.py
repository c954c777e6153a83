"""The N-th system call of a kind that the server makes for its files fails, for many N: strace puts the errors in."""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

from proofs.checker import check
from proofs.figure import Result
from proofs.findings import Findings
from proofs.followers import FOLLOWED
from proofs.history import History
from proofs.load import clients
from proofs.stage import Broken, Server, Skipped, Stage

CALLS = ("pwrite64", "fdatasync", "openat", "ftruncate")
ERRORS = ("EIO", "ENOSPC")
PLACES = (*range(1, 31), 35, 43, 52, 62, 73)  # a start makes some twenty writes
FAULTS = tuple(product(PLACES, CALLS, ERRORS))
AT_ONCE = 4  # servers: each waits for strace most of the time
WORK = 40  # acknowledged uploads after which a server that has not failed is stopped
MAX_WORK_S = 10.0  # for them: a server that refuses uploads for good must still stop in order


def prove(stage: Stage, *, share: float, seed: int) -> Result:
    """For each call, error and N, or a share of them: fail once, see the server end, start a sound one, check.

    Some of the faults must have struck: a server does not come to the N-th call for every N.
    """
    if (strace := shutil.which("strace")) is None:
        raise Skipped("there is no strace to make calls fail")
    if subprocess.run([strace, "-qq", "-e", "trace=none", "true"], capture_output=True).returncode:
        raise Skipped("strace may trace nothing here")
    step = max(1, round(1 / share))
    chosen = FAULTS[random.Random(seed).randrange(step) :: step]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ran = list(pool.map(lambda fault: _fail(stage, strace, *fault, seed=seed), chosen))
    findings, whole = Findings(), History(followers=len(FOLLOWED))
    for one in ran:
        findings.include(one.findings)
        whole.uploads += one.history.uploads
        whole.pushes += one.history.pushes
    struck = sum(one.struck for one in ran)
    refused = sum(not one.started for one in ran)
    beside = f"faults={len(ran)}/{len(FAULTS)} struck={struck} refused_starts={refused}"
    return Result(findings, ("lost", "corrupt"), whole, beside, passed=struck > 0)


class Run(NamedTuple):
    """Whether the fault came to pass, whether the server started at all, what clients did, and what was found."""

    struck: bool
    started: bool
    history: History
    findings: Findings


def _fail(stage: Stage, strace: str, nth: int, call: str, error: str, *, seed: int) -> Run:
    inject = f"inject={call}:error={error}:when={nth}"
    faulty = replace(stage, folder=stage.folder / f"{call}-{error}-{nth}")
    trace = faulty.folder / "trace"
    wrapper = (strace, "-f", "-qq", "-o", str(trace), "-e", f"trace={call}", "-e", inject, *_files(faulty))
    history, findings = History(), Findings()
    started = _run(replace(faulty, wrapper=wrapper), history, random.Random(f"{seed} {inject}"))
    struck = "(INJECTED)" in trace.read_text(errors="replace")
    _look(faulty, history, inject, findings)
    shutil.rmtree(faulty.folder)
    return Run(struck, started, history, findings)


def _files(stage: Stage) -> list[str]:
    """Options of strace: calls on other files are neither counted nor made to fail."""
    names = [stage.data, *(Path(f"{stage.db}{ending}") for ending in ("", "-wal", "-shm", "-journal", ".lock"))]
    return [option for name in (*names, stage.sample) for option in ("-P", str(name.resolve()))]


def _run(stage: Stage, history: History, chance: random.Random) -> bool:
    """Let clients work on a server that is to fail; False when it did not even start, which is its right."""
    with clients(history, chance, 2) as target:
        try:
            with stage.server() as server:
                target.set(server.port)
                _wait_for_work(server, history)
                target.set(None, stopped=True)
                _end(server)
        except Broken:
            return False
    return True


def _wait_for_work(server: Server, history: History) -> None:
    """Return when enough was acknowledged, or the fault has ended the server, or the time is over."""
    end = time.monotonic() + MAX_WORK_S
    while history.acknowledged < WORK and server.process.poll() is None and time.monotonic() < end:
        time.sleep(0.005)


def _end(server: Server) -> None:
    """Stop what strace runs; the signal is for the server, strace only passes its end on."""
    pid = server.process.pid
    children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split()
    for child in children:
        subprocess.run(["kill", "-TERM", child], check=False, capture_output=True)
    server.wait()


def _look(stage: Stage, history: History, fault: str, findings: Findings) -> None:
    """A sound server must start on what is left, and nothing that was acknowledged may be missing."""
    try:
        with stage.server() as server:
            code = server.stop()
    except Broken as exc:
        findings.add("corrupt", f"{fault}: {exc}")
        return
    if code:
        findings.add("corrupt", f"{fault}: the next server ended with {code}")
    found = check(history, stage.db, sample=stage.sample, ended=True)
    findings.counts += found.counts
    findings.told += [f"{fault}: {sentence}" for sentence in found.told]
