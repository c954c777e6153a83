"""A file system of a few MiB, for tests of a full disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from proofs import small_disk as proofs
from proofs.small_disk import fill
from proofs.stage import Skipped

__all__ = ["fill", "small_disk"]


@contextmanager
def small_disk(folder: Path, mib: int) -> Iterator[Path]:
    """A folder of its own, in memory. The test is skipped where none can be mounted."""
    try:
        with proofs.small_disk(folder, mib):
            yield folder
    except Skipped as why:
        pytest.skip(str(why))
