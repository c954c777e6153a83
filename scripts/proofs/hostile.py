"""Clients that mean harm or know no better, with a good client beside them.

Each attack is one of `attacks`, in a process of its own. Its bars: the good client is answered all the time, its p99
under attack is at most twice that without, resident memory grows by MAX_GROWTH_KIB at most over all attacks,
descriptors come back, and the server says at most a few lines.

How a machine that does other things as well is kept from deciding: the good client is timed directly before each
attack, with a process of the attack's priority spinning beside it; and an attack that was too much is made again, TRIES
times in all, since what the server is to blame for shows every time.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import NamedTuple

from proofs.attacks import ATTACKS
from proofs.checker import check
from proofs.descriptors import exhaust
from proofs.figure import Result
from proofs.findings import Findings
from proofs.good import Good, p99
from proofs.history import History
from proofs.stage import ROOT, Broken, Server, Skipped, Stage, until

ANSWERS = 300  # of the good client, for a percentile worth its name
CALM_S = 1.5  # the good client is timed for so long before each attack
WARM_UPLOADS = 20_000  # ordinary ones, before memory is measured: caches are filled by anybody
MAX_ATTACK_S = 600.0  # for a process that hangs
MAX_FACTOR = 2.0  # by which the good client's p99 may grow
TRIES = 3
MAX_GROWTH_KIB = 10 * 1024
MAX_LINES = 20  # said by the server while all attacks last
MIN_DESCRIPTORS = 4096
SPIN = "import os\nos.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))\nwhile True: pass"


class Times(NamedTuple):
    """The good client's p99 without the attack and under it, ms."""

    calm: float
    under: float

    @property
    def factor(self) -> float:
        """By how much it was slower."""
        return self.under / self.calm

    def __str__(self) -> str:
        return f"{self.calm:.1f}->{self.under:.1f}ms"


@dataclass(frozen=True, slots=True)
class Field:
    """Where it happens.

    `descriptors` are those that the server has open at rest, `scale` shrinks the numbers of connections, and `timed`
    says whether the p99 is a bar.
    """

    server: Server
    good: Good
    descriptors: int
    findings: Findings
    scale: float
    seed: int
    timed: bool


def prove(stage: Stage, *, scale: float, seed: int, timed: bool = True) -> Result:
    """Attack in every way, one after the other, then take away the server's descriptors."""
    history, findings = History(), Findings()
    _check_descriptors()
    with stage.server() as server:
        good = Good(server.port, history)
        good.warm_up(int(WARM_UPLOADS * scale))
        good.start()
        until(lambda: len(good.took_ms) >= ANSWERS)
        field = Field(server, good, server.descriptors(), findings, scale, seed, timed)
        memory, said = server.resident_kib(), server.lines
        worst = max([_withstand(name, field) for name in ATTACKS], key=lambda times: times.factor)
        growth = server.resident_kib() - memory
        exhaust(server, good, findings)
        good.end(findings)
        if growth > MAX_GROWTH_KIB:
            findings.add("corrupt", f"memory has grown by {growth} KiB")
        if server.lines - said > MAX_LINES:
            findings.add("forged", f"the server said {server.lines - said} lines, such as {server.said[-1]!r}")
        code = server.stop()
    findings.include(check(history, stage.db, sample=stage.sample, ended=True))
    beside = f"attacks={len(ATTACKS) + 1} p99={worst} grown={growth}KiB said={server.lines - said}"
    return Result(findings, ("lost", "forged", "corrupt"), history, beside, passed=code == 0)


def _withstand(name: str, field: Field) -> Times:
    """Attack until the good client was fast enough, TRIES times at most; returns the best times."""
    tried: list[Times] = []
    most = MAX_FACTOR if field.timed else sys.float_info.max
    while not tried or (len(tried) < TRIES and min(tried, key=_factor).factor > most):
        tried.append(_attack(name, field))
    best = min(tried, key=_factor)
    print(f"hostile: {name} {best}", file=sys.stderr)
    if best.factor > most:
        field.findings.add("stale", f"{name}: the good client's p99 is {', '.join(map(str, tried))} in {TRIES} tries")
    return best


def _factor(times: Times) -> float:
    return times.factor


def _attack(name: str, field: Field) -> Times:
    server, good, findings = field.server, field.good, field.findings
    calm = _calm(good, CALM_S if field.timed else CALM_S / 10)
    first = len(good.took_ms)
    command = [sys.executable, "-m", "proofs.attacks", name, str(server.port), str(field.scale), str(field.seed)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT / "scripts", timeout=MAX_ATTACK_S)
    if done.returncode:
        findings.add("corrupt", f"{name}: {done.stderr.strip().splitlines()[-1]}")
    under = p99(good.took_ms[first:])
    if server.process.poll() is not None:
        raise Broken(f"{name} has ended the server")
    if not until(lambda: server.descriptors() <= field.descriptors):
        kept = server.descriptors() - field.descriptors
        findings.add("corrupt", f"{name}: {kept} descriptors have not come back")
    return Times(calm, under)


def _calm(good: Good, seconds: float) -> float:
    """The good client's p99 while somebody else has the time that is left on the machine."""
    with subprocess.Popen([sys.executable, "-c", SPIN]) as spinning:
        first = len(good.took_ms)
        time.sleep(seconds)
        until(lambda: len(good.took_ms) > first)
        spinning.kill()
    return p99(good.took_ms[first:])


def _check_descriptors() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < MIN_DESCRIPTORS:
        raise Skipped(f"the limit of file descriptors is {hard} (ulimit -Hn), {MIN_DESCRIPTORS} are needed")
