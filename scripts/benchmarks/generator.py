"""The load generators in C: compiled when their sources have changed, run on their core, their line of JSON read."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.figures import Load, Sample
from benchmarks.stage import BenchError, BenchStage, PeerServer, cache_folder, pinned

HERE = Path(__file__).parent
PROGRAMS = {
    "loadgen": ("loadgen/*.[ch]",),  # clients that ask and are answered
    "fanout": ("fanout/*.[ch]", "loadgen/messages.c", "loadgen/tools.c", "loadgen/*.h"),  # a publisher, many followers
}
FLAGS = ("-std=c11", "-O2", "-Wall", "-Wextra")
SPARE_S = 90.0  # opening connections, draining and stalls have limits of their own in the generator, below this


def compiler() -> str | None:
    """The C compiler: CC, else `cc`; None when there is none."""
    return shutil.which(os.environ.get("CC", "cc"))


def sources(name: str = "loadgen") -> list[Path]:
    """The sources of a generator, headers too."""
    return sorted(path for pattern in PROGRAMS[name] for path in HERE.glob(pattern))


@cache
def program(name: str = "loadgen") -> Path:
    """A compiled generator, in the user's cache, named after its sources. Raises BenchError without a compiler."""
    files = sources(name)
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]
    target = cache_folder() / f"{name}-{digest}"
    if not target.exists():
        _compile([path for path in files if path.suffix == ".c"], target)
    return target


def _compile(sources: list[Path], target: Path) -> None:
    cc = compiler()
    if cc is None:
        raise BenchError("the load generator is in C and there is no C compiler; on Debian: apt install gcc libc6-dev")
    draft = target.with_suffix(f".{os.getpid()}")
    done = subprocess.run([cc, *FLAGS, "-o", draft, *sources], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"the load generator does not compile:\n{done.stderr}")
    draft.replace(target)


def run(stage: BenchStage, server: PeerServer, protocol: str, load: Load) -> dict[str, Any]:
    """Load a server for one round; the generator's figures, `started` being the window's start in seconds since 1970.

    Raises BenchError when the generator fails or the server refuses requests.
    """
    argv = _argv(server, protocol, load)
    with pinned(stage.cores.generator):
        done = subprocess.run(
            argv, capture_output=True, text=True, check=False, timeout=load.warmup_s + load.seconds + SPARE_S
        )
    if done.returncode:
        raise BenchError(f"{protocol} at {load.case}: {done.stderr.strip()}")
    figures: dict[str, Any] = json.loads(done.stdout)
    if figures["refused"]:
        raise BenchError(f"{protocol} at {load.case}: {figures['refused']} refused, {done.stderr.strip()}")
    return figures


def measure(stage: BenchStage, server: PeerServer, protocol: str, load: Load) -> Sample:
    """Load a server for one round: the rate of answers and their latencies. Raises BenchError as `run` does."""
    figures = run(stage, server, protocol, load)
    return sample_of(figures, figures["rate"])


def sample_of(figures: Mapping[str, Any], value: float) -> Sample:
    """Return a sample of this value with the generator's other figures."""
    latencies = (figures["p50_us"], figures["p99_us"], figures["max_us"])
    return Sample(value, *latencies, figures["cpu_share"], figures["server_us"])


@contextmanager
def held_connections(stage: BenchStage, server: PeerServer, protocol: str, clients: int) -> Iterator[dict[str, Any]]:
    """Open connections, wait until each was greeted, keep them open in the block. Gives the generator's figures."""
    with _holding(stage, [*_argv(server, protocol, Load(clients)), "--hold"]) as figures:
        yield figures


@contextmanager
def held_followers(
    stage: BenchStage, server: PeerServer, followers: int, tag: str, *options: str, dialect: str = "ttweet"
) -> Iterator[None]:
    """Keep connections open in the block that follow a tag of ttweet."""
    argv = [*_fanout_argv(server.port, followers), "--tag", tag, "--hold", *options, dialect]
    with _holding(stage, argv):
        yield


def fan_out(stage: BenchStage, server: PeerServer, dialect: str, followers: int, *options: str) -> dict[str, Any]:
    """Publish to followers for one round, or let one catch up; the generator's figures. Raises BenchError."""
    argv = [*_fanout_argv(server.port, followers), "--pid", str(server.process.pid), *options, dialect]
    with pinned(stage.cores.generator):
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=2 * SPARE_S)
    if done.returncode:
        raise BenchError(f"{dialect} with {followers} followers: {done.stderr.strip()}")
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def _fanout_argv(port: int, followers: int) -> list[str]:
    return [str(program("fanout")), "--port", str(port), "--followers", str(followers)]


@contextmanager
def _holding(stage: BenchStage, argv: list[str]) -> Iterator[dict[str, Any]]:
    """A generator that opens its connections, says so, and keeps them in the block."""
    with pinned(stage.cores.generator):
        process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise BenchError(f"{argv[-2:]} could not open its connections: {process.stderr.read().strip()}")
        yield json.loads(line)
    finally:
        process.communicate()


def _argv(server: PeerServer, protocol: str, load: Load) -> list[str]:
    argv = [str(program()), "--port", str(server.port), "--pid", str(server.process.pid)]
    argv += ["--clients", str(load.clients), "--in-flight", str(load.in_flight)]
    argv += ["--warmup", str(load.warmup_s), "--seconds", str(load.seconds)]
    if load.tag is not None:
        argv += ["--tag", load.tag]
    if load.reconnect:
        argv += ["--reconnect"]
    return [*argv, protocol]
