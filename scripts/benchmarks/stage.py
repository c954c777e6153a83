"""The stage of one run: which cores, which folder, and the processes that live there.

Servers run on one core and the generator on another, so that neither takes time from the other and figures of several
servers are figures of the same silicon. A process belongs to the `with` block that started it and never outlives it.
"""

from __future__ import annotations

import atexit
import os
import platform
import pwd
import resource
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

START_LIMIT_S = 30.0  # PostgreSQL after initdb is the slowest starter, at about 2 s
STOP_LIMIT_S = 30.0  # ttweet checkpoints a large write-ahead log first
POLL_S = 0.005  # how often a starting server is looked at: fine enough to measure its start
OPEN_FILES = 20_000  # 5,000 idle connections and their servers' own files


class BenchError(Exception):
    """Something that ends a part: a server that did not start, a tool that failed. The text says which and why."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Numbers of the two cores; the same one twice where the machine has but one."""

    server: int
    generator: int

    @classmethod
    def pick(cls) -> Cores:
        """The first core that we may use for the generator, the last for the servers."""
        if not hasattr(os, "sched_getaffinity"):
            raise BenchError(f"the benchmark pins its processes to cores, which {platform.system()} cannot do")
        allowed = sorted(os.sched_getaffinity(0))
        return cls(server=allowed[-1], generator=allowed[0])


@dataclass(frozen=True, slots=True)
class PeerServer:
    """A server that answers on a port of 127.0.0.1. `directory` holds its files; `http_port` is 0 without HTTP."""

    port: int
    directory: Path
    process: subprocess.Popen[bytes]
    http_port: int = 0


@dataclass(frozen=True, slots=True)
class BenchStage:
    """Where one run happens: its cores and its folder on the disk that is measured."""

    cores: Cores
    directory: Path

    def folder(self, name: str) -> Path:
        """A new and empty folder, which any user may enter."""
        path = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.directory))
        path.chmod(0o755)
        return path

    @contextmanager
    def server(
        self,
        argv: Sequence[str | Path],
        *,
        port: int,
        directory: Path,
        user: str | None = None,
        environment: Mapping[str, str] | None = None,
        ready: Callable[[int], bool] | None = None,
    ) -> Iterator[PeerServer]:
        """Run a server on its core until the block ends.

        `ready(port)` says whether it answers; without it a port that takes connections is enough.
        Raises BenchError with the end of the server's log if it does not start.
        """
        log = directory / "server.log"
        with log.open("ab") as output, pinned(self.cores.server):
            process = subprocess.Popen(
                [str(word) for word in argv],
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=user,
                group=None if user is None else pwd.getpwnam(user).pw_gid,
                extra_groups=None if user is None else [],
                env={**os.environ, **(environment or {})},
            )
        try:
            _wait_until_ready(process, port, log, ready or takes_connections)
            yield PeerServer(port, directory, process)
        finally:
            stop(process)


@contextmanager
def make(directory: Path | None) -> Iterator[BenchStage]:
    """A stage in a new folder below `directory` (the folder for temporary files by default), gone afterwards."""
    raise_open_files()
    path = Path(tempfile.mkdtemp(prefix="ttweet-bench-", dir=directory))
    path.chmod(0o755)  # PostgreSQL runs as another user when we are root
    try:
        yield BenchStage(Cores.pick(), path)
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Put this process on a core, and with it the children that it starts in the block."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process: SIGTERM, and SIGKILL when it does not listen."""
    process.terminate()
    try:
        process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@cache
def cache_folder() -> Path:
    """The user's folder for what is worth keeping; one of this run alone where the user has none to write to."""
    with suppress(OSError, RuntimeError):  # RuntimeError: the user has no home
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ttweet-bench"
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    passing = tempfile.mkdtemp(prefix="ttweet-bench-cache-")
    atexit.register(shutil.rmtree, passing, ignore_errors=True)
    return Path(passing)


def free_port() -> int:
    """Return a port of 127.0.0.1 that is free at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def takes_connections(port: int) -> bool:
    """Whether a program accepts connections on this port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def resident_kib(pid: int) -> int:
    """Resident memory of one process in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise BenchError(f"process {pid} has no resident memory: it is gone")


def processor_s(pid: int) -> float:
    """Processor time of a process and of all its children, the ended ones too, in seconds."""
    processes = dict(_processes())
    return sum(map(sum, (processes[one][1] for one in _family(pid, processes)))) / os.sysconf("SC_CLK_TCK")


def _family(pid: int, processes: Mapping[int, tuple[int, list[int]]]) -> Iterator[int]:
    """A process, its children and theirs. Kernels need not list the children of a process."""
    yield pid
    for child, (parent, _) in processes.items():
        if parent == pid:
            yield from _family(child, processes)


def _processes() -> Iterator[tuple[int, tuple[int, list[int]]]]:
    """Each process with its parent and its ticks: user, system, and both of ended children."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            fields = path.read_text().rpartition(")")[2].split()
            yield int(path.parent.name), (int(fields[1]), [*map(int, fields[11:15])])


def raise_open_files() -> None:
    """Lift the soft limit of open files, which children inherit, as far as needed and allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path, ready: Callable[[int], bool]) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while not ready(port):
        if process.poll() is not None:
            raise BenchError(f"{process.args!r} ended with {process.returncode}:\n{_end_of(log)}")
        if time.monotonic() > deadline:
            raise BenchError(f"{process.args!r} did not answer within {START_LIMIT_S:.0f} s:\n{_end_of(log)}")
        time.sleep(POLL_S)


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-10:])
