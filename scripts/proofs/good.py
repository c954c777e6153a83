"""The good client, which only wants to post while others do harm; and how long each of its answers took.

`python -m proofs.good PORT` is one in a process of its own. It posts until its input ends, then it prints the times of
its uploads.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from server_process import LIMIT_S

from proofs.caller import PlainCaller, frame
from proofs.findings import Findings
from proofs.history import History, Upload, now
from proofs.load import note
from proofs.stage import ROOT

PAUSE_S = 0.002  # between two uploads
WINDOW = 50  # uploads sent together while it warms up
SPIN = "from proofs.attacks import give_way\ngive_way()\nwhile True: pass"


class Good(threading.Thread):
    """One upload after another, each with the time that its answer took, ms."""

    def __init__(self, port: int, history: History) -> None:
        super().__init__(name="good client", daemon=True)
        self.took_ms: list[float] = []
        self._port = port
        self._history = history
        self._over = False
        self._failure: Exception | None = None

    def run(self) -> None:
        """Upload until it is over."""
        try:
            with PlainCaller(self._port) as caller:
                while not self._over:
                    (upload,) = self._upload(caller, 1)
                    assert upload.returned is not None
                    self.took_ms.append((upload.returned - upload.invoked) / 1e6)
                    time.sleep(PAUSE_S)
        except (OSError, ValueError) as exc:
            self._failure = exc

    def warm_up(self, uploads: int) -> None:
        """Upload so many at once, on a connection of its own."""
        with PlainCaller(self._port) as caller:
            for _ in range(uploads // WINDOW):
                self._upload(caller, WINDOW)

    def end(self, findings: Findings) -> None:
        """Have it stop; it must have been answered all the time."""
        self._over = True
        self.join()
        if self._failure is not None:
            findings.add("stale", f"the good client was let down: {self._failure!r}")

    def _upload(self, caller: PlainCaller, number: int) -> list[Upload]:
        place = len(self._history.uploads)
        connection = 0 if number > 1 else 1
        uploads = [Upload(connection, f"good {place + n} #good", (), None, now()) for n in range(number)]
        self._history.uploads += uploads
        caller.sock.sendall(b"".join([frame("u", upload.text) for upload in uploads]))
        for upload in uploads:
            note(upload, *caller.answer())
            if upload.outcome != "ok":
                raise ValueError(f"an upload was {upload.outcome}")
        return uploads


@contextmanager
def apart(port: int, history: History, findings: Findings) -> Iterator[None]:
    """A good client in a process of its own, so that what the proof does meanwhile does not stretch its times.

    Its uploads are in the history after the block.
    """
    command = [sys.executable, "-m", "proofs.good", str(port)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT / "scripts", stdin=pipe, stdout=pipe, stderr=pipe) as process:
        yield
        printed, said = process.communicate(timeout=LIMIT_S)
    if process.returncode:
        findings.add("stale", said.decode().strip().removeprefix("stale: "))
    for invoked, returned in json.loads(printed):
        history.uploads.append(Upload(1, "good", (), None, invoked, returned=returned, outcome="ok"))


@contextmanager
def spinning() -> Iterator[None]:
    """A process of an attacker's priority, which takes what time is left on the machine."""
    with subprocess.Popen([sys.executable, "-c", SPIN], cwd=ROOT / "scripts") as process:
        try:
            yield
        finally:
            process.kill()


def p99(values: list[float]) -> float:
    """The 99th percentile; infinite for none, since no client got an answer."""
    return sorted(values)[int(len(values) * 0.99)] if values else float("inf")


def main() -> None:
    """Post to the port that the argument names until the input ends."""
    history, findings = History(), Findings()
    good = Good(int(sys.argv[1]), history)
    good.start()
    sys.stdin.read()
    good.end(findings)
    print(json.dumps([(one.invoked, one.returned) for one in history.uploads if one.outcome == "ok"]))
    sys.exit(" ".join(findings.told) or 0)


if __name__ == "__main__":
    main()
