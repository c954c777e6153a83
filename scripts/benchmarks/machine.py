"""The origin of the figures: the machine, the disk and the versions of all programs."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from benchmarks.generator import compiler
from benchmarks.peers.peer import Peer, version_of

OPTIMIZATIONS = {"PGO": "--enable-optimizations", "LTO": "--with-lto"}  # and the options of CPython's ./configure
UNOPTIMIZED = "without PGO and LTO"


def describe(directory: Path, peers: Iterable[Peer]) -> list[tuple[str, str]]:
    """Name and value of all that a reader needs to judge the figures; `directory` is on the disk that was used."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    libraries = ", ".join(f"{name} {version(name)}" for name in ("trio", "msgspec", "sqlite-utils"))
    return [
        ("processor", f"{_processor()}, {os.cpu_count()} cores"),
        ("memory", f"{memory_gib:.0f} GiB"),
        ("disk", f"{file_system(directory)}, {sync_ms(directory):.2f} ms for a sync of 4 KiB"),
        ("system", f"{platform.system()} {platform.release()}"),
        ("Python", f"{platform.python_version()} {build()}, SQLite {sqlite3.sqlite_version}, {libraries}"),
        ("generator", f"C, {Path(compiler() or 'cc').name} {version_of(compiler(), '--version')}"),
        *((peer.title, f"{peer.version()}: {peer.about}") for peer in peers if peer.version() is not None),
    ]


def build() -> str:
    """Return how the interpreter was optimized, which is worth 10 to 30 % of the processor time."""
    arguments = sysconfig.get_config_var("CONFIG_ARGS") or ""
    found = [name for name, option in OPTIMIZATIONS.items() if option in arguments]
    if not found and sys.base_prefix == "/usr":
        return "of the system's packages"  # Debian and Fedora use both, and their configuration does not say so
    return f"with {' and '.join(found)}" if found else UNOPTIMIZED


def file_system(directory: Path) -> str:
    """The type of the file system that a folder is on."""
    return _deepest_mount(directory.resolve(), Path("/proc/mounts").read_text().splitlines())


def sync_ms(directory: Path, times: int = 200) -> float:
    """How long the disk takes to make one page durable, the median; peers that sync for each message wait for that."""
    page, took_s = os.urandom(4096), []
    with tempfile.TemporaryFile(dir=directory, buffering=0) as file:
        for _ in range(times):
            start = time.perf_counter()
            file.write(page)
            os.fdatasync(file.fileno())
            took_s.append(time.perf_counter() - start)
    return statistics.median(took_s) * 1000


def _deepest_mount(directory: Path, mounts: Iterable[str]) -> str:
    best, kind = Path("/"), "unknown"
    for line in mounts:
        _, point, this_kind, *_ = line.split()
        if directory.is_relative_to(point) and Path(point).is_relative_to(best):
            best, kind = Path(point), this_kind
    return kind


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
