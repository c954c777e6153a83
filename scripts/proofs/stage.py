"""A folder with a database, and how the servers of a proof are started there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from server_process import LIMIT_S, Broken, ServerProcess

ROOT = Path(__file__).parents[2]
ROOM_BYTES = 2 * 2**30  # for the file of a minute, and what is copied of it
LOG_LIMIT = 10**9  # bytes of report lines: all of them are checked


class Skipped(Exception):
    """A proof that cannot be made here, and why."""


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
    log_limit: str = f"{LOG_LIMIT // 10**6}M"

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

    def server(self) -> AbstractContextManager[ServerProcess]:
        """A server from the moment it listens; whatever is left of it is killed in the end. Raises Broken."""
        return self.server_at(0)

    def server_at(self, port: int) -> AbstractContextManager[ServerProcess]:
        """A server at a port, as `server` is at a free one."""
        self.data.mkdir(parents=True, exist_ok=True)
        return ServerProcess.serving(self._command(port), self.folder, self._variables())

    def run(self, *arguments: str) -> str:
        """Return the output of a command of ttweet. Raises Broken when it fails."""
        command = [sys.executable, "-m", "ttweet", *arguments]
        done = subprocess.run(command, env=self._variables(), capture_output=True, text=True, timeout=LIMIT_S)
        if done.returncode:
            raise Broken(f"{' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout.strip()

    def _command(self, port: int) -> list[str]:
        program = ["proofs.mutants", self.mutant] if self.mutant else ["ttweet"]
        if self.gauge is not None:
            program = ["proofs.instrument", str(self.gauge), *program]
        files = ["--db", str(self.db), "--report-file", str(self.sample), "--log-limit", self.log_limit]
        return [*self.wrapper, sys.executable, "-m", *program, "serve", str(port), "--quiet", *files, *self.options]

    def _variables(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TTWEET_")}
        path = os.pathsep.join([str(ROOT), str(ROOT / "scripts")])
        return {**inherited, "PYTHONPATH": path, **self.environment}


def fast_folder() -> str | None:
    """In memory if it may be: what counts is what was synced, not how fast. TMPDIR has precedence."""
    shared = "/dev/shm"
    if "TMPDIR" in os.environ or not os.access(shared, os.W_OK):
        return None
    there = os.statvfs(shared)
    is_fit = not there.f_flag & os.ST_NOEXEC and there.f_bavail * there.f_frsize >= ROOM_BYTES
    return shared if is_fit else None  # shim/ is loaded from there


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
