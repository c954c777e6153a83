"""The N-th system call of a kind that the server makes for its files fails, for many N: strace puts the errors in.

The server is one at its first start, or one that starts on what another has left that was killed, or was stopped in
order: that one has little to write before it serves. strace counts the calls of each thread for itself, so the N-th is
that of the start or that of the running writer, whichever comes to it first. How many there are is counted before.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from operator import attrgetter
from pathlib import Path

from server_process import ServerProcess

from proofs.faults import CLIENTS, WORK, Fault, Origin, Run, each, let_fail, result, survived, until_enough
from proofs.figure import Result
from proofs.history import History
from proofs.scene import scene
from proofs.stage import Skipped, Stage

CALLS = ("pwrite64", "fdatasync", "openat", "ftruncate", "write", "fsync")
"""The files made for the database and its folder, and `write` for Sample.txt."""
ERRORS = ("EIO", "ENOSPC")
PLACES = (*range(1, 31), 35, 43, 52, 62, 73)  # of those that a server comes to
NEEDED = {"pwrite64", "fdatasync"}  # must have failed in service too, after acknowledgements
_CALLED = re.compile(r"^(\d+) +(\w+)\(", re.MULTILINE)  # a line of strace: the thread and the call


def prove(stage: Stage, scale: float, seed: int) -> Result:
    """For each call, error and N, or a share of them: fail once, see the server end, start a sound one, check.

    In the long form each call must have failed with each error, and those that are NEEDED in service too.
    """
    strace = _strace()
    origins = [Origin("new", stage, History())]
    origins += [_left(stage, seed, "killed", ServerProcess.kill), _left(stage, seed, "stopped", ServerProcess.stop)]
    faults = [fault for origin in origins for fault in _faults(origin, strace)]
    chosen = faults if scale >= 1 else _some(faults, scale, seed)
    ran = each(chosen, lambda fault: _fail(fault, strace, seed))
    return result(ran, len(faults), passed=_suffices(ran, scale))


def _some(faults: list[Fault], share: float, seed: int) -> list[Fault]:
    """A share of the faults, each once, with one that strikes in service."""
    late = _late(faults)
    others = [fault for fault in faults if fault is not late]
    return [late, *random.Random(seed).sample(others, round(share * len(faults)))]


def _suffices(ran: list[Run], share: float) -> bool:
    struck = {(one.fault.call, one.fault.error) for one in ran if one.struck}
    if share < 1:
        return bool(struck)
    in_service = {one.fault.call for one in ran if one.struck and one.in_service}
    return struck == set(product(CALLS, ERRORS)) and in_service >= NEEDED


def _strace() -> str:
    if (strace := shutil.which("strace")) is None:
        raise Skipped("there is no strace to make calls fail")
    if subprocess.run([strace, "-D", "-qq", "-e", "trace=none", "true"], capture_output=True).returncode:
        raise Skipped("strace may trace nothing here")
    return strace


def _left(stage: Stage, seed: int, name: str, end: Callable[[ServerProcess], object]) -> Origin:
    """The files that another, sound server leaves."""
    sound = replace(stage, folder=stage.folder / name, mutant=None)
    with scene(sound, f"{seed} {name}", CLIENTS) as here, here.server() as server:
        here.acknowledges(WORK)
        end(server)
    return Origin(name, stage, here.history)


def _faults(origin: Origin, strace: str) -> list[Fault]:
    """Those that a server on this origin comes to."""
    stage, history = origin.begin("counted")
    traced, trace = _traced(stage, strace, CALLS)
    let_fail(traced, history, origin.name, until_enough(history))
    counted: Counter[str] = Counter()
    for (_, call), times in Counter(_CALLED.findall(trace.read_text(errors="replace"))).items():
        counted[call] = max(counted[call], times)
    places = [(call, nth) for call in CALLS for nth in PLACES if nth <= counted[call]]
    return [Fault(origin, call, error, nth) for call, nth in places for error in ERRORS]


def _late(faults: list[Fault]) -> Fault:
    """One that strikes a server in service: among a few by chance it may be that each strikes a start."""
    return max([fault for fault in faults if fault.origin is faults[-1].origin], key=attrgetter("nth"))


def _fail(fault: Fault, strace: str, seed: int) -> Run:
    inject = f"inject={fault.call}:error={fault.error}:when={fault.nth}"
    with survived(fault) as run:
        traced, trace = _traced(run.stage, strace, [fault.call], "-e", inject)
        run.let_fail(traced, seed, until_enough(run.history))
        run.struck = "(INJECTED)" in trace.read_text(errors="replace")
    return run


def _traced(stage: Stage, strace: str, calls: Sequence[str], *options: str) -> tuple[Stage, Path]:
    """The stage with a server under strace, and where the trace is: complete when the server's stderr has ended."""
    trace = stage.folder / "trace"
    command = (strace, "-D", "-f", "-qq", "-o", str(trace), "-e", f"trace={','.join(calls)}", *options)
    return replace(stage, wrapper=(*command, *_files(stage))), trace


def _files(stage: Stage) -> list[str]:
    """Options of strace: calls on other files are neither counted nor made to fail."""
    names = [stage.data, *(Path(f"{stage.db}{ending}") for ending in ("", "-wal", "-shm", "-journal", ".lock"))]
    return [option for name in (*names, stage.sample) for option in ("-P", str(name.resolve()))]
