"""A file system of a few MiB in memory, and how it is filled: for the proof and the tests of a full disk."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from proofs.stage import Skipped


@contextmanager
def small_disk(folder: Path, mib: int) -> Iterator[Path]:
    """Make the folder and mount one there. Raises Skipped without the right to."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        raise Skipped("only root may mount a small file system to fill")
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "none", str(folder)]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode:
        raise Skipped(f"no small file system can be mounted: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(filler: Path) -> None:
    """Write until nothing more fits, down to the last byte."""
    with suppress(OSError), filler.open("ab", buffering=0) as file:
        for size in (65536, 4096, 1):
            _write_all(file.fileno(), size)


def _write_all(fd: int, size: int) -> None:
    with suppress(OSError):
        while True:
            os.write(fd, bytes(size))
