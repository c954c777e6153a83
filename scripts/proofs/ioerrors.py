"""The N-th system call of a kind that the server makes for its files fails, for many N: strace puts the errors in.

The server is one at its first start, or one that starts on what another has left that was killed, or was stopped in
order: that one has little to write before it serves. strace counts the calls of each thread for itself, so the N-th is
that of the start or that of the running writer, whichever comes to it first. How many there are is counted before.
"""

from __future__ import annotations

import random
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import product
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from server_process import Broken, NotStarted, ServerProcess

from proofs.checker import check
from proofs.figure import Result
from proofs.findings import Findings
from proofs.followers import FOLLOWED
from proofs.history import History
from proofs.load import clients, wait_for_acknowledged
from proofs.stage import Skipped, Stage

CALLS = ("pwrite64", "fdatasync", "openat", "ftruncate", "write", "fsync")
"""What is made for the database and its folder, and `write` for Sample.txt."""
ERRORS = ("EIO", "ENOSPC")
PLACES = (*range(1, 31), 35, 43, 52, 62, 73)  # of those that a server comes to
NEEDED = {"pwrite64", "fdatasync"}  # must have failed in service too, after acknowledgements
AT_ONCE = 4  # servers: each waits for strace most of the time
WORK = 40  # acknowledged uploads after which a server that has not failed is stopped
MAX_WORK_S = 10.0  # for them: a server that refuses uploads for good must still stop in order
CLIENTS = 2
ENDS = (0, 1, -signal.SIGTERM, -signal.SIGKILL)  # exit codes of a server that was stopped, had to stop, or was killed
_CALLED = re.compile(r"^(\d+) +(\w+)\(", re.MULTILINE)  # a line of strace: the thread and the call


@dataclass(frozen=True, slots=True)
class Ground:
    """What a server starts on: the files that another has left, if any, and what clients were told of them."""

    name: str
    stage: Stage
    history: History

    def begin(self, name: str) -> tuple[Stage, History]:
        """A copy to work on, and the history to go on with."""
        stage = replace(self.stage, folder=self.stage.folder / f"{self.name}-{name}")
        if self.history.uploads:
            shutil.copytree(self.stage.folder / self.name, stage.folder)
        stage.data.mkdir(parents=True, exist_ok=True)
        return stage, History(list(self.history.uploads), list(self.history.deletes))


class Fault(NamedTuple):
    """Which call of a server fails, and how."""

    ground: Ground
    call: str
    error: str
    nth: int

    def __str__(self) -> str:
        return f"{self.ground.name}-{self.call}-{self.error}-{self.nth}"


class End(NamedTuple):
    """Whether a server has started at all, and whether it had to stop after it had acknowledged uploads."""

    started: bool
    in_service: bool


class Run(NamedTuple):
    """What came of a fault: whether it came to pass, how the server ended, what clients did, and what was found."""

    fault: Fault
    struck: bool
    end: End
    history: History
    findings: Findings


def prove(stage: Stage, *, share: float, seed: int) -> Result:
    """For each call, error and N, or a share of them: fail once, see the server end, start a sound one, check.

    In the long form each call must have failed with each error, and those that are NEEDED in service too.
    """
    strace = _strace()
    chance = random.Random(seed)
    grounds = [Ground("new", stage, History())]
    grounds += [_left(stage, chance, "killed", ServerProcess.kill), _left(stage, chance, "stopped", ServerProcess.stop)]
    faults = [fault for ground in grounds for fault in _faults(ground, strace)]
    chosen = faults if share >= 1 else _some(faults, share, chance)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ran = list(pool.map(lambda fault: _fail(fault, strace, seed), chosen))
    return result(ran, len(faults), passed=_suffices(ran, share))


def _some(faults: list[Fault], share: float, chance: random.Random) -> list[Fault]:
    """A share of the faults, each once, with one that strikes in service."""
    late = _late(faults)
    others = [fault for fault in faults if fault is not late]
    return [late, *chance.sample(others, round(share * len(faults)))]


def result(ran: list[Run], faults: int, *, passed: bool) -> Result:
    """What runs come to together, some of so many faults."""
    findings, whole = Findings(), History(followers=len(FOLLOWED))
    for one in ran:
        findings.include(one.findings)
        whole.uploads += one.history.uploads[len(one.fault.ground.history.uploads) :]
        whole.pushes += one.history.pushes
    struck = sum(one.struck for one in ran)
    refused = sum(not one.end.started for one in ran)
    in_service = sum(one.end.in_service for one in ran)
    beside = f"faults={len(ran)}/{faults} struck={struck} refused_starts={refused} in_service={in_service}"
    return Result(findings, ("lost", "corrupt"), whole, beside, passed=passed)


def _suffices(ran: list[Run], share: float) -> bool:
    struck = {(one.fault.call, one.fault.error) for one in ran if one.struck}
    if share < 1:
        return bool(struck)
    in_service = {one.fault.call for one in ran if one.struck and one.end.in_service}
    return struck == set(product(CALLS, ERRORS)) and in_service >= NEEDED


def _strace() -> str:
    if (strace := shutil.which("strace")) is None:
        raise Skipped("there is no strace to make calls fail")
    if subprocess.run([strace, "-D", "-qq", "-e", "trace=none", "true"], capture_output=True).returncode:
        raise Skipped("strace may trace nothing here")
    return strace


def _left(stage: Stage, chance: random.Random, name: str, end: Callable[[ServerProcess], object]) -> Ground:
    """What another server leaves, a sound one."""
    history, sound = History(), replace(stage, folder=stage.folder / name, mutant=None)
    with clients(history, chance, CLIENTS) as target, sound.server() as server:
        target.set(server.port)
        wait_for_acknowledged(history, WORK)
        end(server)
    return Ground(name, stage, history)


def _faults(ground: Ground, strace: str) -> list[Fault]:
    """Those that a server on this ground comes to."""
    stage, history = ground.begin("counted")
    traced, trace = _traced(stage, strace, CALLS)
    let_fail(traced, history, random.Random(ground.name), until_enough(history))
    counted: Counter[str] = Counter()
    for (_, call), times in Counter(_CALLED.findall(trace.read_text(errors="replace"))).items():
        counted[call] = max(counted[call], times)
    places = [(call, nth) for call in CALLS for nth in PLACES if nth <= counted[call]]
    return [Fault(ground, call, error, nth) for call, nth in places for error in ERRORS]


def _late(faults: list[Fault]) -> Fault:
    """One that strikes a server in service: among a few by chance it may be that each strikes a start."""
    return max([fault for fault in faults if fault.ground is faults[-1].ground], key=attrgetter("nth"))


def _fail(fault: Fault, strace: str, seed: int) -> Run:
    stage, history = fault.ground.begin(str(fault))
    inject = f"inject={fault.call}:error={fault.error}:when={fault.nth}"
    traced, trace = _traced(stage, strace, [fault.call], "-e", inject)
    end, findings = End(started=True, in_service=False), Findings()
    try:
        end = let_fail(traced, history, random.Random(f"{seed} {fault}"), until_enough(history))
    except Broken as exc:
        findings.add("corrupt", str(exc))
    struck = "(INJECTED)" in trace.read_text(errors="replace")
    look(stage, history, findings)
    findings.told = [f"{fault}: {sentence}" for sentence in findings.told]
    shutil.rmtree(stage.folder)
    return Run(fault, struck, end, history, findings)


def _traced(stage: Stage, strace: str, calls: Sequence[str], *options: str) -> tuple[Stage, Path]:
    """The stage with a server under strace, and where the trace is: complete when the server's stderr has ended."""
    trace = stage.folder / "trace"
    command = (strace, "-D", "-f", "-qq", "-o", str(trace), "-e", f"trace={','.join(calls)}", *options)
    return replace(stage, wrapper=(*command, *_files(stage))), trace


def _files(stage: Stage) -> list[str]:
    """Options of strace: calls on other files are neither counted nor made to fail."""
    names = [stage.data, *(Path(f"{stage.db}{ending}") for ending in ("", "-wal", "-shm", "-journal", ".lock"))]
    return [option for name in (*names, stage.sample) for option in ("-P", str(name.resolve()))]


def let_fail(stage: Stage, history: History, chance: random.Random, wait: Callable[[ServerProcess], None]) -> End:
    """Let clients work on a server that is to fail, until the wait is over, and stop it, if the wait has not killed it.

    It may refuse to start, and end by itself, when it heeds SIGTERM no more. Raises Broken when it hangs or crashes.
    """
    before = history.acknowledged
    with clients(history, chance, CLIENTS) as target, ExitStack() as life:
        try:
            server = life.enter_context(stage.server())
        except NotStarted:
            return End(started=False, in_service=False)
        target.set(server.port)
        wait(server)
        target.set(None, stopped=True)
        code = server.stop()
    if code not in ENDS or server.crashed:
        raise Broken(f"the server ended with {code}: {''.join(list(server.said)[-3:]).strip()}")
    return End(started=True, in_service=code == 1 and history.acknowledged > before)


def until_enough(history: History) -> Callable[[ServerProcess], None]:
    """A wait until enough was acknowledged, or the fault has ended the server, or the time is over."""
    enough = history.acknowledged + WORK

    def wait(server: ServerProcess) -> None:
        end = time.monotonic() + MAX_WORK_S
        while history.acknowledged < enough and server.process.poll() is None and time.monotonic() < end:
            time.sleep(0.005)

    return wait


def look(stage: Stage, history: History, findings: Findings) -> None:
    """A sound server must start on what is left, and nothing that was acknowledged may be missing."""
    try:
        with replace(stage, mutant=None).server() as server:
            code = server.stop()
    except Broken as exc:
        findings.add("corrupt", str(exc))
        return
    if code:
        findings.add("corrupt", f"the next server ended with {code}")
    findings.include(check(history, stage.db, sample=stage.sample, ended=True))
