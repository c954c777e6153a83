"""What the figures were measured on: the machine, the disk and the versions of everything that took part."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from benchmarks.generator import compiler
from benchmarks.peers.peer import Peer, version_of


def describe(directory: Path, peers: Iterable[Peer]) -> list[tuple[str, str]]:
    """Name and value of all that a reader needs to judge the figures; `directory` is on the disk that was used."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    libraries = ", ".join(f"{name} {version(name)}" for name in ("trio", "msgspec", "sqlite-utils"))
    return [
        ("processor", f"{_processor()}, {os.cpu_count()} cores"),
        ("memory", f"{memory_gib:.0f} GiB"),
        ("file system", file_system(directory)),
        ("system", f"{platform.system()} {platform.release()}"),
        ("Python", f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}, {libraries}"),
        ("generator", f"C, {Path(compiler() or 'cc').name} {version_of(compiler(), '--version')}"),
        *((peer.title, f"{peer.version()}: {peer.about}") for peer in peers if peer.version() is not None),
    ]


def file_system(directory: Path) -> str:
    """The type of the file system that a folder is on."""
    return _deepest_mount(directory.resolve(), Path("/proc/mounts").read_text().splitlines())


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
