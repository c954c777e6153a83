"""Servers that fail once, several beside each other: on what they start, how they end, and what is left of them."""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeVar

from server_process import Broken, NotStarted, ServerProcess

from proofs.checker import check
from proofs.figure import Result
from proofs.findings import Findings
from proofs.history import History
from proofs.scene import FOLLOWED, scene
from proofs.stage import Stage

AT_ONCE = 4  # servers: each waits for something else most of the time
WORK = 40  # acknowledged uploads after which a server that has not failed is stopped
MAX_WORK_S = 10.0  # for them: a server that refuses uploads for good must still stop in order
CLIENTS = 2
ENDS = (0, 1, -signal.SIGTERM, -signal.SIGKILL)  # exit codes of a server that was stopped, had to stop, or was killed
Case = TypeVar("Case")
Came = TypeVar("Came")


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of a server: the files that another has left, if any, and the answers to its clients."""

    name: str
    stage: Stage
    history: History

    def begin(self, name: str) -> tuple[Stage, History]:
        """Return a copy to work on, and the history to continue."""
        stage = replace(self.stage, folder=self.stage.folder / f"{self.name}-{name}")
        if self.history.uploads:
            shutil.copytree(self.stage.folder / self.name, stage.folder)
        stage.data.mkdir(parents=True, exist_ok=True)
        return stage, History(list(self.history.uploads), list(self.history.deletes))


class Fault(NamedTuple):
    """Which call of a server fails, and how."""

    origin: Origin
    call: str
    error: str
    nth: int

    def __str__(self) -> str:
        return f"{self.origin.name}-{self.call}-{self.error}-{self.nth}"


class End(NamedTuple):
    """Whether a server has started at all, and whether it had to stop after it had acknowledged uploads."""

    started: bool
    in_service: bool


@dataclass(slots=True)
class Run:
    """The result of a fault: whether it happened, how the server ended, what clients did, and the findings."""

    fault: Fault
    stage: Stage
    history: History
    struck: bool = False
    started: bool = True
    in_service: bool = False
    findings: Findings = field(default_factory=Findings)

    @property
    def came(self) -> tuple[History, Findings]:
        """Return what clients did with this server alone, and the findings."""
        uploads = self.history.uploads[len(self.fault.origin.history.uploads) :]
        return History(uploads, pushes=self.history.pushes), self.findings

    def let_fail(self, failing: Stage, seed: int, wait: Callable[[ServerProcess], None]) -> None:
        """Let the server fail; one that hangs or crashes is a finding."""
        try:
            self.started, self.in_service = let_fail(failing, self.history, f"{seed} {self.fault}", wait)
        except Broken as exc:
            self.findings.add("corrupt", str(exc))


@contextmanager
def survived(fault: Fault) -> Iterator[Run]:
    """A run on the fault's origin; then a sound server must start on the rest, with all acknowledged tweets."""
    run = Run(fault, *fault.origin.begin(str(fault)))
    yield run
    _look(run)
    run.findings.told = [f"{fault}: {sentence}" for sentence in run.findings.told]
    shutil.rmtree(run.stage.folder)


def let_fail(stage: Stage, history: History, seed: str, wait: Callable[[ServerProcess], None]) -> End:
    """Let clients work on a server that is to fail, until the wait is over, and stop it, if the wait has not killed it.

    It may refuse to start, and end by itself, when it heeds SIGTERM no more. Raises Broken when it hangs or crashes.
    """
    before = history.acknowledged
    with scene(stage, seed, CLIENTS, history=history) as here, ExitStack() as life:
        try:
            server = life.enter_context(here.server())
        except NotStarted:
            return End(started=False, in_service=False)
        wait(server)
        here.target.stop()
        code = server.stop()
    if code not in ENDS or server.crashed:
        raise Broken(f"the server ended with {code}: {''.join(list(server.said)[-3:]).strip()}")
    return End(started=True, in_service=code == 1 and history.acknowledged > before)


def until_enough(history: History) -> Callable[[ServerProcess], None]:
    """A wait until enough was acknowledged, or the fault has ended the server, or the time is over."""
    enough = history.acknowledged + WORK

    def wait(server: ServerProcess) -> None:
        wait_while(server, lambda: history.acknowledged < enough)

    return wait


def wait_while(server: ServerProcess, lasts: Callable[[], bool]) -> None:
    """Wait while it lasts, the server does, and the time."""
    end = time.monotonic() + MAX_WORK_S
    while lasts() and server.process.poll() is None and time.monotonic() < end:
        time.sleep(0.005)


def a_share(cases: list[Case], share: float, seed: int) -> list[Case]:
    """All of them, as often as the share is above one, or a share of them by chance, each once."""
    if share >= 1:
        return cases * round(share)
    return random.Random(seed).sample(cases, max(1, round(share * len(cases))))


def each(cases: Iterable[Case], run: Callable[[Case], Came]) -> list[Came]:
    """Yield the result of each of them, AT_ONCE at a time."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(run, cases))


def together(came: Iterable[tuple[History, Findings]]) -> tuple[History, Findings]:
    """Return what clients did in all runs, and all findings."""
    whole, findings = History(followers=len(FOLLOWED)), Findings()
    for history, found in came:
        findings.include(found)
        whole.uploads += history.uploads
        whole.pushes += history.pushes
    return whole, findings


def result(ran: list[Run], faults: int, *, passed: bool) -> Result:
    """Return the figure of runs together, of some of so many faults."""
    whole, findings = together(one.came for one in ran)
    struck = sum(one.struck for one in ran)
    refused = sum(not one.started for one in ran)
    in_service = sum(one.in_service for one in ran)
    beside = f"faults={len(ran)}/{faults} struck={struck} refused_starts={refused} in_service={in_service}"
    return Result(findings, ("lost", "corrupt"), whole, beside, passed=passed)


def _look(run: Run) -> None:
    """A sound server must start on what is left, and nothing that was acknowledged may be missing."""
    try:
        with replace(run.stage, mutant=None).server() as server:
            code = server.stop()
    except Broken as exc:
        run.findings.add("corrupt", str(exc))
        return
    if code:
        run.findings.add("corrupt", f"the next server ended with {code}")
    run.findings.include(check(run.history, run.stage.db, sample=run.stage.sample, ended=True))
