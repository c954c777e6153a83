"""A server of ttweet as a process: its start, what it says, and its end. Proofs, benchmarks and tests share it."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

LIMIT_S = 120.0  # for a server that hangs; it stops in ten seconds at most
KEPT_LINES = 1000  # of what a server prints
TRACEBACK = "Traceback (most recent call last)"  # an unexpected error; the exit code is that of a refusal


class Broken(Exception):
    """The server did not do what every server must: start, or end in time."""


class NotStarted(Broken):
    """The server said why it does not start and ended with exit code 1, which after a fault is its right."""


@dataclass(slots=True)
class ServerProcess:
    """A server that listens, the folder it works in, and what it has said since."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path
    said: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    lines: int = 0
    _listener: threading.Thread | None = None

    @classmethod
    @contextmanager
    def serving(
        cls, argv: Sequence[str | Path], folder: Path, environment: Mapping[str, str], *, last: int = signal.SIGKILL
    ) -> Iterator[Self]:
        """A server from the moment it says where it listens. It has no terminal.

        A process that is left at the end gets the signal `last`, and is killed if that does not help. Raises Broken, or
        NotStarted, when it does not start.
        """
        process = subprocess.Popen(
            argv, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )
        assert process.stderr is not None
        with process.stderr:
            try:
                server = cls(process, _port(process), folder)
                server._listen()
                yield server
            finally:
                _end(process, last)
            server.wait()

    @property
    def http_port(self) -> int:
        """Where it listens for HTTP, once it has said so. Raises Broken when it does not."""
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            for line in list(self.said):
                if found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", line):
                    return int(found[1])
            time.sleep(0.01)
        raise Broken("the server has not said where it listens for HTTP")

    def kill(self) -> None:
        """Let it die at once."""
        self.process.kill()
        self.wait()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop and return its exit code."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Return its exit code once it has ended and all that it said was read. Raises Broken when it does not end."""
        try:
            code = self.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired as exc:
            raise Broken(f"the server has not ended within {LIMIT_S:g} s") from exc
        if self._listener is not None:
            self._listener.join(LIMIT_S)
        return code

    @property
    def crashed(self) -> bool:
        """Whether it has said a traceback. Ask once it has ended."""
        return any(TRACEBACK in line for line in self.said)

    def descriptors(self) -> int:
        """How many files and sockets it has open."""
        return sum(1 for _ in self._proc("fd").iterdir())

    def forget_peak(self) -> None:
        """Have `peak_kib` tell of what comes from now on, or of the whole life where the kernel cannot forget."""
        with suppress(OSError):
            self._proc("clear_refs").write_text("5")

    def peak_kib(self) -> int:
        """The most resident memory that it has had, KiB; what it has now where the kernel does not keep the most."""
        return int(re.findall(r"Vm(?:HWM|RSS):\s+(\d+)", self._proc("status").read_text())[0])

    def processor_ms(self) -> float:
        """How much time of the processor its threads have had, ms."""
        clock = ~self.process.pid << 3 | 2  # of its processor time, as clock_getcpuclockid(3) numbers them on Linux
        return time.clock_gettime(clock) * 1000

    def _proc(self, name: str) -> Path:
        return Path(f"/proc/{self.process.pid}/{name}")

    def _listen(self) -> None:
        self._listener = threading.Thread(target=self._keep_lines, daemon=True)
        self._listener.start()

    def _keep_lines(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines += 1
            self.said.append(line.decode(errors="replace"))


def _end(process: subprocess.Popen[bytes], last: int) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(last)
    try:
        process.wait(LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _port(process: subprocess.Popen[bytes]) -> int:
    """Where it listens, once it does. Raises NotStarted when it will not, Broken when it hangs or ends otherwise."""
    assert process.stderr is not None
    said = []
    with _limited(process):
        for line in process.stderr:
            said.append(line.decode(errors="replace"))
            if found := re.search(r"listening on 127\.0\.0\.1:(\d+)", said[-1]):
                return int(found[1])
        code = process.wait()
    refused = code == 1 and not any(TRACEBACK in line for line in said)
    raise (NotStarted if refused else Broken)(f"the server did not start ({code}): {''.join(said[-3:]).strip()}")


@contextmanager
def _limited(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Kill it when the block takes longer than LIMIT_S."""
    timer = threading.Timer(LIMIT_S, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
