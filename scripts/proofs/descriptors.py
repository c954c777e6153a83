"""No descriptor is left for the server: clients that are connected are served on, others once there are some again."""

from __future__ import annotations

import os
import resource
import time
from contextlib import ExitStack

from server_process import ServerProcess

from proofs.caller import PlainCaller
from proofs.findings import Findings
from proofs.good import Good
from proofs.stage import until

FEW = 5  # descriptors that the server may still open
COMING = 50  # clients that want one
SHORT_S = 2.0  # that it lasts
MAX_BUSY = 0.5  # of a processor, beside what the good client takes: more would be a loop that asks without a pause


def exhaust(server: ServerProcess, good: Good, findings: Findings) -> None:
    """Lower the limit of the running server, let clients come, and raise it again."""
    pid = server.process.pid
    whole, before = resource.prlimit(pid, resource.RLIMIT_NOFILE), _busy(pid)
    with ExitStack() as stack:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (server.descriptors() + FEW, whole[1]))
        coming = [stack.enter_context(PlainCaller(server.port)) for _ in range(COMING)]
        answered = len(good.took_ms)
        if (busy := _busy(pid) - before) > MAX_BUSY:
            findings.add("corrupt", f"without descriptors the server takes {busy:.0%} more of a processor")
        if not until(lambda: len(good.took_ms) > answered):
            findings.add("stale", "without descriptors the good client gets no answers")
        if not until(lambda: any("cannot accept" in line for line in list(server.said))):
            findings.add("corrupt", "the server did not say that descriptors are short")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, whole)
        for one in coming:
            _expect_service(one, findings)


def _expect_service(one: PlainCaller, findings: Findings) -> None:
    try:
        said = one.ask("p")
    except OSError as exc:
        findings.add("stale", f"with descriptors again a client was let down: {exc!r}")
        return
    if said != "ok":
        findings.add("stale", f"with descriptors again a client was answered {said}")


def _busy(pid: int) -> float:
    """The share of a processor that a process takes, over SHORT_S."""
    began, taken = time.monotonic(), _busy_s(pid)
    time.sleep(SHORT_S)
    return (_busy_s(pid) - taken) / (time.monotonic() - began)


def _busy_s(pid: int) -> float:
    """Processor time of a process so far, s."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
