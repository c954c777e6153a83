"""What tests of scripts/prove share: a proof that cannot be made here."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from proofs.stage import Skipped


@contextmanager
def skipping() -> Iterator[None]:
    """A proof that cannot be made here skips its test, and says why."""
    try:
        yield
    except Skipped as why:
        pytest.skip(str(why))
