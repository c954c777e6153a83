"""Clients that mean harm or know no better, with a good client beside them.

Each attack is one of `attacks`, in a process of its own. Its bars: the good client is answered all the time, its p99
under attack is at most twice that without (differences below JITTER_MS are the machine's), resident memory grows by
MAX_GROWTH_KIB at most over all attacks, descriptors come back, and the server says at most a few lines.
"""

from __future__ import annotations

import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from proofs.attacks import ATTACKS
from proofs.checker import Findings, check
from proofs.figure import Result
from proofs.history import History, Upload, now
from proofs.stage import ROOT, Broken, Server, Skipped, Stage
from proofs.talk import ANSWER_S, answer, frame

ANSWERS = 300  # of the good client, for a percentile worth its name
MAX_ATTACK_S = 120.0  # for a process that hangs
JITTER_MS = 10.0
MAX_GROWTH_KIB = 10 * 1024
MAX_LINES = 20  # said by the server while all attacks last
MIN_DESCRIPTORS = 4096
PAUSE_S = 0.002  # between two uploads of the good client
RETURN_S = 15.0  # for descriptors to come back: the server's own deadlines are ten seconds


@dataclass(slots=True)
class Good(threading.Thread):
    """The good client: one upload after another, each with the time that its answer took, ms."""

    port: int
    history: History
    took_ms: list[float] = field(default_factory=list)
    over: bool = False
    failure: Exception | None = None

    def __post_init__(self) -> None:
        threading.Thread.__init__(self, daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        """Upload until it is over."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), ANSWER_S) as sock, sock.makefile("rb") as answers:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while not self.over:
                    self._upload(sock, answers)
                    time.sleep(PAUSE_S)
        except (OSError, ValueError) as exc:
            self.failure = exc

    def _upload(self, sock: socket.socket, answers: Iterator[bytes]) -> None:
        upload = Upload(1, f"good {len(self.took_ms)} #good", (), None, now())
        self.history.uploads.append(upload)
        sock.sendall(frame("u", upload.text))
        kind, data = answer(answers)
        upload.returned = now()
        if kind == "ok":
            upload.outcome = "ok"
            upload.id = int(str(data["id"]))
        self.took_ms.append((upload.returned - upload.invoked) / 1e6)


def p99(values: list[float]) -> float:
    """The 99th percentile; infinite for none: who got no answer waited for ever."""
    return sorted(values)[int(len(values) * 0.99)] if values else float("inf")


def prove(stage: Stage, *, scale: float, seed: int) -> Result:
    """Attack in every way, one after the other; `scale` shrinks the numbers of connections."""
    history, findings = History(), Findings()
    _check_descriptors()
    with stage.server() as server:
        good = Good(server.port, history)
        good.start()
        _until(lambda: len(good.took_ms) >= ANSWERS)
        calm = p99(good.took_ms)
        memory, said, worst = server.resident_kib(), server.lines, 0.0
        for name in ATTACKS:
            worst = max(worst, _attack(name, server, good, calm, [str(scale), str(seed)], findings))
        growth = server.resident_kib() - memory
        good.over = True
        good.join()
        if good.failure is not None:
            findings.add("stale", f"the good client was let down: {good.failure!r}")
        if growth > MAX_GROWTH_KIB:
            findings.add("corrupt", f"memory has grown by {growth} KiB")
        if server.lines - said > MAX_LINES:
            findings.add("forged", f"the server said {server.lines - said} lines, such as {server.said[-1]!r}")
        code = server.stop()
    found = check(history, stage.db, sample=stage.sample, ended=True)
    findings.counts += found.counts
    findings.told += found.told
    beside = f"attacks={len(ATTACKS)} p99={calm:.1f}->{worst:.1f}ms grown={growth}KiB said={server.lines - said}"
    return Result(findings, ("lost", "forged", "corrupt"), history, beside, passed=code == 0)


def _attack(name: str, server: Server, good: Good, calm: float, options: list[str], findings: Findings) -> float:
    """Returns the good client's p99 meanwhile, ms."""
    before, first = server.descriptors(), len(good.took_ms)
    command = [sys.executable, "-m", "proofs.attacks", name, str(server.port), *options]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT / "scripts", timeout=MAX_ATTACK_S)
    if done.returncode:
        findings.add("corrupt", f"{name}: {done.stderr.strip().splitlines()[-1]}")
    _until(lambda: len(good.took_ms) - first >= ANSWERS)
    under = p99(good.took_ms[first:])
    if under > 2 * calm + JITTER_MS:
        findings.add("stale", f"{name}: the good client's p99 is {under:.1f} ms, without an attack {calm:.1f} ms")
    if server.process.poll() is not None:
        raise Broken(f"{name} has ended the server")
    if not _until(lambda: server.descriptors() <= before):
        findings.add("corrupt", f"{name}: {server.descriptors() - before} descriptors have not come back")
    return under


def _until(met: Callable[[], bool]) -> bool:
    """Wait for it; whether it came in time."""
    end = time.monotonic() + RETURN_S
    while not met() and time.monotonic() < end:
        time.sleep(0.02)
    return met()


def _check_descriptors() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < MIN_DESCRIPTORS:
        raise Skipped(f"the limit of file descriptors is {hard} (ulimit -Hn), {MIN_DESCRIPTORS} are needed")
