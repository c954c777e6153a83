"""A server as a process in a folder of its own, its start and its end."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIMIT_S = 120.0  # for a server that hangs; it stops in ten seconds at most
LOG_LIMIT = 10**9  # report lines: all of them are checked
KEPT_LINES = 1000  # of what a server says
TRACEBACK = "Traceback (most recent call last)"  # what nobody expected; the exit code is that of a refusal


class Skipped(Exception):
    """A proof that cannot be made here, and why."""


class Broken(Exception):
    """The server did not do what every server must: start, or end in time."""


class NotStarted(Broken):
    """The server said why it does not start and ended with exit code 1, which after a fault is its right."""


@dataclass(slots=True)
class Server:
    """A server that listens."""

    process: subprocess.Popen[bytes]
    port: int
    said: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_LINES))
    lines: int = 0

    def kill(self) -> None:
        """Let it die at once."""
        self.process.kill()
        self.process.wait(LIMIT_S)

    def stop(self) -> int:
        """Ask it to stop and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Return its exit code once it has ended. Raises Broken when it does not."""
        try:
            return self.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired as exc:
            raise Broken(f"the server has not ended within {LIMIT_S:g} s") from exc

    @property
    def crashed(self) -> bool:
        """Whether it has said a traceback. Ask once it has ended and the stage has let go of it."""
        return any(TRACEBACK in line for line in self.said)

    def descriptors(self) -> int:
        """How many files and sockets it has open."""
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/fd").iterdir())

    def forget_peak(self) -> None:
        """Have `peak_kib` tell of what comes from now on."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def peak_kib(self) -> int:
        """The most resident memory that it has had, KiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+)", status)[0])

    def listen_to(self) -> None:
        """Keep what it says, until it ends."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines += 1
            self.said.append(line.decode(errors="replace"))


@dataclass(frozen=True, slots=True)
class Stage:
    """A folder with a database and the copy of its log, and how its servers are started.

    `mutant` names a bug to start with; `environment` is added; `wrapper` is a command line that becomes the server: it
    keeps the process, so that signals and the exit code are the server's own. `gauge` is the page of `instrument`.
    """

    folder: Path
    mutant: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    wrapper: Sequence[str] = ()
    options: Sequence[str] = ()
    gauge: Path | None = None
    log_limit: str = str(LOG_LIMIT)

    @property
    def data(self) -> Path:
        """The folder of the database alone: what a power cut strikes."""
        return self.folder / "data"

    @property
    def db(self) -> Path:
        """The database."""
        return self.data / "tweets.db"

    @property
    def sample(self) -> Path:
        """The copy of the log."""
        return self.folder / "Sample.txt"

    @contextmanager
    def server(self) -> Iterator[Server]:
        """A server from the moment it listens; whatever is left of it is killed in the end. Raises Broken."""
        self.data.mkdir(parents=True, exist_ok=True)
        process = subprocess.Popen(self._command(), cwd=self.folder, env=self._variables(), stderr=subprocess.PIPE)
        try:
            server = Server(process, _port(process))
            listener = threading.Thread(target=server.listen_to, daemon=True)
            listener.start()
            yield server
            _let_die(process)
            listener.join(LIMIT_S)
        finally:
            _let_die(process)
            assert process.stderr is not None
            process.stderr.close()

    def run(self, *arguments: str) -> str:
        """What a command of ttweet prints. Raises Broken when it fails."""
        command = [sys.executable, "-m", "ttweet", *arguments]
        done = subprocess.run(command, env=self._variables(), capture_output=True, text=True, timeout=LIMIT_S)
        if done.returncode:
            raise Broken(f"{' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout.strip()

    def _command(self) -> list[str]:
        program = ["proofs.mutants", self.mutant] if self.mutant else ["ttweet"]
        if self.gauge is not None:
            program = ["proofs.instrument", str(self.gauge), *program]
        files = ["--db", str(self.db), "--report-file", str(self.sample), "--log-limit", self.log_limit]
        return [*self.wrapper, sys.executable, "-m", *program, "serve", "0", "--quiet", *files, *self.options]

    def _variables(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TTWEET_")}
        path = os.pathsep.join([str(ROOT), str(ROOT / "scripts")])
        return {**inherited, "PYTHONPATH": path, **self.environment}


def compiled(name: str, folder: Path) -> Path:
    """One of shim/ as a library for LD_PRELOAD, made in the folder. Raises Skipped without a C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise Skipped(f"there is no C compiler for shim/{name}.c")
    source, library = Path(__file__).parent / "shim" / f"{name}.c", folder / f"{name}.so"
    if not library.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [compiler, "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
        subprocess.run([*command, "-pthread"], check=True, capture_output=True)
    return library


def until(met: Callable[[], bool], limit_s: float = LIMIT_S) -> bool:
    """Wait for it; whether it came before so many seconds were over."""
    end = time.monotonic() + limit_s
    while not met():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def _let_die(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    process.wait(LIMIT_S)


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
