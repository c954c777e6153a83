"""Clients that mean harm or know no better, with a good client beside them.

Each attack is one of `attacks`, in a process of its own. Its bars: the good client is answered all the time, its p99
under attack is at most twice that without and no answer takes longer than MAX_STALL_MS, resident memory is at no time
more than MAX_GROWTH_KIB above what it was before, descriptors come back, and the server prints at most a few lines.

How a machine that does other things as well is kept from deciding: the good client is timed directly before each
attack, with a process of the attack's priority spinning beside it; and an attack that was too much is made again, TRIES
times in all, since what the server is to blame for shows every time.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from typing import NamedTuple

from server_process import Broken, ServerProcess

from proofs.attacks import ATTACKS
from proofs.checker import check
from proofs.descriptors import exhaust
from proofs.figure import Result
from proofs.findings import Findings
from proofs.good import Good, p99, spinning
from proofs.history import History
from proofs.http_attacks import HTTP_ATTACKS
from proofs.scene import HTTP
from proofs.stage import ROOT, Skipped, Stage, until

ANSWERS = 300  # of the good client, for a percentile worth its name
CALM_S = 4.0  # the good client is timed for so long before each attack
WARM_UPLOADS = 20_000  # ordinary ones, before memory is measured: any client fills caches
MAX_ATTACK_S = 600.0  # for a process that hangs
MAX_FACTOR = 2.0  # by which the good client's p99 may grow
MAX_STALL_MS = 100.0  # that any of its answers may take: a p99 says nothing of the one in a hundred
TRIES = 3
MAX_GROWTH_KIB = 10 * 1024
MAX_LINES = 20  # said by the server while all attacks last
MIN_DESCRIPTORS = 4096


class Times(NamedTuple):
    """The good client's p99 without the attack and under it, and its slowest answer under it, ms."""

    calm: float
    under: float
    slowest: float

    @property
    def factor(self) -> float:
        """By how much it was slower."""
        return self.under / self.calm

    @property
    def bearable(self) -> bool:
        """Whether it keeps to the bars."""
        return self.factor <= MAX_FACTOR and self.slowest <= MAX_STALL_MS

    def __str__(self) -> str:
        return f"{self.calm:.1f}->{self.under:.1f}ms"


@dataclass(frozen=True, slots=True)
class AttackedServer:
    """Where it happens.

    `descriptors` are those that the server has open at rest, `scale` shrinks the numbers of connections, and `timed`
    says whether the p99 is a bar.
    """

    server: ServerProcess
    good: Good
    descriptors: int
    findings: Findings
    scale: float
    seed: int
    timed: bool


def prove(stage: Stage, scale: float, seed: int, *, timed: bool = True) -> Result:
    """Attack in every way, one after the other, and take away the server's descriptors."""
    history, findings = History(), Findings()
    _check_descriptors()
    with replace(stage, options=(*stage.options, *HTTP)).server() as server:
        good = Good(server.port, history)
        good.warm_up(int(WARM_UPLOADS * scale))
        good.start()
        until(lambda: len(good.took_ms) >= ANSWERS)
        attacked = AttackedServer(server, good, server.descriptors(), findings, scale, seed, timed)
        server.forget_peak()
        memory, said = server.peak_kib(), server.lines
        times = [_withstand(name, attacked) for name in (*ATTACKS, *HTTP_ATTACKS)]
        growth = server.peak_kib() - memory
        exhaust(server, good, findings)
        good.end(findings)
        if growth > MAX_GROWTH_KIB:
            findings.add("corrupt", f"memory has grown by {growth} KiB")
        if server.lines - said > MAX_LINES:
            findings.add("forged", f"the server said {server.lines - said} lines, such as {server.said[-1]!r}")
        code = server.stop()
    findings.include(check(history, stage.db, sample=stage.sample, ended=True))
    slowest = max(one.slowest for one in times)
    beside = f"attacks={len(ATTACKS) + len(HTTP_ATTACKS) + 1} p99={max(times, key=_factor)} slowest={slowest:.0f}ms"
    beside += f" grown={growth}KiB said={server.lines - said}"
    return Result(findings, ("lost", "forged", "corrupt"), history, beside, passed=code == 0)


def _withstand(name: str, attacked: AttackedServer) -> Times:
    """Attack until the good client was fast enough, TRIES times at most; returns the last times."""
    for _ in range(TRIES if attacked.timed else 1):
        times = _attack(name, attacked)
        print(f"hostile: {name} {times}, at most {times.slowest:.0f}ms", file=sys.stderr)
        if times.bearable:
            return times
    if attacked.timed:
        attacked.findings.add("stale", f"{name}: the good client's p99 is {times}, its slowest {times.slowest:.0f}ms")
    return times


def _factor(times: Times) -> float:
    return times.factor


def _attack(name: str, attacked: AttackedServer) -> Times:
    server, good, findings = attacked.server, attacked.good, attacked.findings
    calm = _calm(good) if attacked.timed else p99(good.took_ms)
    first = len(good.took_ms)
    module, port = ("attacks", server.port) if name in ATTACKS else ("http_attacks", server.http_port)
    command = [sys.executable, "-m", f"proofs.{module}", name, f"{port}", f"{attacked.scale}", f"{attacked.seed}"]
    command += ["--give-way"] * attacked.timed
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT / "scripts", timeout=MAX_ATTACK_S)
    except subprocess.TimeoutExpired as exc:
        raise Broken(f"{name} has not ended within {MAX_ATTACK_S:g} s") from exc
    if done.returncode:
        findings.add("corrupt", f"{name}: {[f'it ended with {done.returncode}', *done.stderr.splitlines()][-1]}")
    took_ms = good.took_ms[first:]
    if server.process.poll() is not None:
        raise Broken(f"{name} has ended the server")
    if not until(lambda: server.descriptors() <= attacked.descriptors):
        kept = server.descriptors() - attacked.descriptors
        findings.add("corrupt", f"{name}: {kept} descriptors have not come back")
    return Times(calm, p99(took_ms), max(took_ms, default=float("inf")))


def _calm(good: Good) -> float:
    """The good client's p99 while another process uses the idle time of the machine."""
    with spinning():
        first = len(good.took_ms)
        time.sleep(CALM_S)
        until(lambda: len(good.took_ms) > first)
    return p99(good.took_ms[first:])


def _check_descriptors() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < MIN_DESCRIPTORS:
        raise Skipped(f"the limit of file descriptors is {hard} (ulimit -Hn), {MIN_DESCRIPTORS} are needed")
