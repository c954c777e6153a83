"""How often ttweet syncs its file, seen from outside with strace.

Only the syncs are stopped at (`--seccomp-bpf`), so that the server keeps its speed and its batches their size.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from benchmarks import generator
from benchmarks.figures import Load
from benchmarks.peers import ttweet
from benchmarks.peers.peer import Peer
from benchmarks.stage import BenchError, BenchStage

OPTIONS = ("-D", "-f", "-qq", "--seccomp-bpf", "-ttt", "-e", "trace=fsync,fdatasync")


def count(stage: BenchStage, load: Load, peer: Peer = ttweet.PEER) -> tuple[int, int]:
    """Acknowledgements and syncs of a new server, this ttweet's by default, within the window of one load.

    Raises BenchError without strace.
    """
    if shutil.which("strace") is None:
        raise BenchError("strace is not installed: apt install strace")
    with tempfile.TemporaryDirectory(dir=stage.directory) as folder:
        trace = Path(folder) / "trace"
        with peer.serve(stage, under=("strace", *OPTIONS, "-o", trace)) as server:
            figures = generator.run(stage, server, "ttweet-upload", load)
        start = float(figures["started"])
        return int(figures["count"]), count_between(trace, start, start + float(figures["seconds"]))


def count_between(trace: Path, start: float, end: float) -> int:
    """Syncs that began in a window of seconds since 1970; lines are `PID TIME call(...) = 0`, some cut in two."""
    calls = [line.split(maxsplit=2) for line in trace.read_text().splitlines()]
    return sum(start <= float(call[1]) < end for call in calls if "sync(" in call[2])
