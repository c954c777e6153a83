"""The naive service (`naive_app`) under uvicorn, in the environment of the peers."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from benchmarks.peers.peer import Peer, venv
from benchmarks.stage import BenchStage, PeerServer, free_port

_APP = Path(__file__).with_name("naive_app.py")
_VERSIONS = "import fastapi, uvicorn; print(fastapi.__version__, 'uvicorn', uvicorn.__version__)"


@cache
def _python_with_version() -> tuple[Path, str] | None:
    """The first Python that has FastAPI and uvicorn, and their versions."""
    for python in (venv() / "bin" / "python", Path(sys.executable)):
        if python.exists():
            done = subprocess.run([python, "-c", _VERSIONS], capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return python, done.stdout.strip()
    return None


def _version() -> str | None:
    found = _python_with_version()
    return found[1] if found else None


@contextmanager
def serve(stage: BenchStage) -> Iterator[PeerServer]:
    """Run the naive service with one worker, as uvicorn does unless told otherwise."""
    found = _python_with_version()
    assert found is not None
    directory = stage.folder("naive")
    shutil.copy(_APP, directory)  # uvicorn looks for modules where it runs, and here are ours that it must not see
    port = free_port()
    argv: list[str | Path] = [found[0], "-m", "uvicorn", f"{_APP.stem}:app", "--port", str(port)]
    argv += ["--log-level", "warning", "--no-access-log"]
    environment = {"NAIVE_DATABASE": str(directory / "tweets.db")}
    with stage.server(argv, port=port, directory=directory, environment=environment) as server:
        yield server


PEER = Peer(
    name="naive",
    title="FastAPI + sqlite3",
    about="a typical first version in Python: a `def` handler and a SQLite connection for each request, "
    "WAL, `synchronous=FULL`, uvicorn with one worker, no access log",
    install="pip install fastapi 'uvicorn[standard]'",
    version=_version,
    serve=serve,
)
