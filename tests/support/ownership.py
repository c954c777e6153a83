"""Owners of files: those of root are a case of their own."""

import os
from pathlib import Path

NOBODY = 65534


def give_away(path: Path) -> None:
    """See to it that a file is not root's, also in tests that root runs."""
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)
