"""Clients that stand still: stopped by SIGSTOP, with all unread that they follow and have asked for.

They are processes of a process of their own: `python -m proofs.standing PORT NUMBER`, which says how many of them stand
and ends them when its stdin ends.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from proofs.attacks import stopped_clients
from proofs.stage import ROOT


@contextmanager
def standing_still(port: int, number: int) -> Iterator[int]:
    """Let so many stand until the block ends; fewer when the server goes away meanwhile."""
    command = [sys.executable, "-m", "proofs.standing", str(port), str(number)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT / "scripts", text=True, stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())


def main() -> None:
    """Do what the arguments say."""
    port, number = map(int, sys.argv[1:])
    with stopped_clients(port, number) as standing:
        print(standing, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
