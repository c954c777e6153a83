"""Helpers for tests of scripts/prove: where a proof is made, and one that cannot be made here."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from proofs.stage import Skipped, Stage, fast_folder


@contextmanager
def staged() -> Iterator[Stage]:
    """Where a proof is made, in memory if there is room. One that cannot be made here skips its test, and says why."""
    with tempfile.TemporaryDirectory(prefix="ttweet-proof-", dir=fast_folder()) as folder:
        try:
            yield Stage(Path(folder))
        except Skipped as why:
            pytest.skip(str(why))
