"""The disk is full, then has room again: uploads are refused, queries answered, and uploads resume by themselves."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from server_process import ServerProcess

from proofs.caller import PlainCaller
from proofs.figure import Result
from proofs.history import History, Upload, now
from proofs.load import note
from proofs.scene import Scene, scene
from proofs.small_disk import fill, small_disk
from proofs.stage import Stage

ROUNDS = 10
SIZE_MIB = 48  # more than the write-ahead log may grow to before it goes back into the file
WAIT_S = 20.0  # for the disk to be full, and for uploads to resume
FIRST = 300  # uploads before the disk is filled
PROBES = 20  # uploads while it is full, each with
QUESTIONS = {"d": "", "t": "proof"}


def prove(stage: Stage, scale: float, seed: int) -> Result:
    """Fill a small file system under load and make room again, round after round; then check."""
    rounds = max(1, int(ROUNDS * scale))
    with small_disk(stage.folder / "small", SIZE_MIB) as folder:
        with scene(replace(stage, folder=folder), seed, clients=3) as here, here.server() as server:
            try:
                for _ in range(rounds):
                    _fill_and_empty(here, server)
            except OSError as exc:
                here.findings.add("corrupt", f"a full disk has ended the server: {exc}")
            here.target.stop()
            code = server.stop()
        here.check()
    refused = sum(upload.outcome == "refused" for upload in here.history.uploads)
    return here.result("lost", "corrupt", beside=f"rounds={rounds} refused={refused}", passed=code == 0)


def _fill_and_empty(here: Scene, server: ServerProcess) -> None:
    """One round. Raises OSError when the server goes away."""
    here.acknowledges(FIRST)
    filler = here.stage.folder / "filler"
    fill(filler)
    if not _until(lambda: _post(server.port, here.history) == "full", filler):
        here.findings.add("corrupt", "no upload was refused for want of room")
    for _ in range(PROBES):
        _post(server.port, here.history)
        with PlainCaller(server.port) as caller:
            for question, data in QUESTIONS.items():
                if caller.ask(question, data) != "ok":
                    here.findings.add("corrupt", f"with a full disk {question} is not answered")
    filler.unlink()
    goes_on = here.acknowledges(FIRST, WAIT_S)
    if server.process.poll() is not None:
        raise ConnectionError("it has gone")
    if not goes_on:
        here.findings.add("corrupt", "with room again uploads do not go on")


def _until(met: Callable[[], bool], filler: Path) -> bool:
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        if met():
            return True
        fill(filler)
    return False


def _post(port: int, history: History) -> object:
    """Upload one more, and return the error's code if it is refused."""
    upload = Upload(0, f"probe {now()} #proof", (), None, now())
    history.uploads.append(upload)
    with PlainCaller(port) as caller:
        kind, data = caller.request("u", upload.text)
    note(upload, kind, data)
    return kind if kind == "ok" else data["code"]
