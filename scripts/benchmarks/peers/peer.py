"""A kind of server, and the places of its programs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks import generator
from benchmarks.figures import Load, Sample
from benchmarks.stage import BenchStage, PeerServer, cache_folder, free_port

BEFORE = ", before"  # ends the names of what is measured of another checkout
VENV_VARIABLE = "TTWEET_BENCH_PEERS"  # names another virtual environment of the peers that come from PyPI

Measure = Callable[[BenchStage, PeerServer, str, Load], Sample]


@dataclass(frozen=True, slots=True)
class Peer:
    """How one kind of server is found, started and loaded.

    `version()` is None when it is not installed; `serve(stage)` runs it on the server core, its files in a new
    folder. `about` says how it was set up, for the page.
    """

    name: str
    title: str
    about: str
    install: str
    version: Callable[[], str | None]
    serve: Callable[..., AbstractContextManager[PeerServer]]
    measure: Measure = generator.measure


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing that is measured: a peer and the protocol of the generator that is spoken to it.

    `max_clients` and `pipelines` are limits of the peer or of its load generator. `faster` says why it may be ahead.
    """

    name: str
    title: str
    peer: Peer
    protocol: str
    max_clients: int = 1000
    pipelines: bool = True
    faster: str = ""

    def takes(self, load: Load) -> bool:
        """Whether this load can be put on it at all."""
        return load.clients <= self.max_clients and (self.pipelines or load.in_flight == 1)


def venv() -> Path:
    """The virtual environment of the peers that come from PyPI; it may not exist."""
    return Path(os.environ.get(VENV_VARIABLE) or cache_folder() / "peers")


def find_program(name: str, *folders: Path) -> str | None:
    """A program on PATH, in the peers' environment, beside our own Python, or in one of the folders."""
    places = [os.environ.get("PATH", os.defpath), venv() / "bin", Path(sys.executable).parent, *folders]
    return shutil.which(name, path=os.pathsep.join(map(str, places)))


@contextmanager
def configured(stage: BenchStage, program: str, settings: str, *options: str) -> Iterator[PeerServer]:
    """Run a program that takes a file of settings, in which the fields `port` and `directory` are filled in."""
    directory, port = stage.folder(Path(program).name), free_port()
    file = directory / "settings.conf"
    file.write_text(settings.format(port=port, directory=directory))
    with stage.server([program, *options, file], port=port, directory=directory) as server:
        yield server


@cache
def version_of(program: str | None, *options: str) -> str | None:
    """The first version number that a program prints; None without a program or without a number."""
    if program is None:
        return None
    done = subprocess.run([program, *options], capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr)
    return found.group() if found else None
