"""PostgreSQL, loaded by its own pgbench: the tweet and its tag in one statement, which is one transaction.

The rate is taken from pgbench's log of transactions, between the moment when every client has had its first answer and
the moment when the first client has had its last: pgbench's own figure counts connecting and draining.
"""

from __future__ import annotations

import math
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.figures import Load, Sample, quantile
from benchmarks.peers.peer import Peer, find_program, version_of
from benchmarks.stage import BenchError, BenchStage, PeerServer, free_port, pinned, processor_s, takes_connections

SETTLE_S = 1.0  # beyond the window: until the last client has begun, and after the first has ended
CLIENTS_A_SECOND = 256  # that begin on one core
_USER = "ttweet"
_SETTINGS = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 300
shared_buffers = 512MB
max_wal_size = 8GB
fsync = on
synchronous_commit = on
autovacuum = off
"""
_SCHEMA = """\
CREATE TABLE tweets (id bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), text text NOT NULL);
CREATE TABLE tweet_tags (tag text, tweet bigint REFERENCES tweets, PRIMARY KEY (tag, tweet));
"""
_SCRIPT = """\
\\set number random(1, 1000000000000)
\\set tag random_zipfian(1, 1000, 1.01)
WITH tweet AS (
    INSERT INTO tweets (text)
    VALUES (:number || ' the nightly job has ended and nobody had to get up, so let us have a coffee #topic' || :tag)
    RETURNING id
)
INSERT INTO tweet_tags SELECT 'topic' || :tag, id FROM tweet;
"""


@contextmanager
def serve(stage: BenchStage) -> Iterator[PeerServer]:
    """Run PostgreSQL on a new cluster; as the user `postgres` when we are root, which it refuses to be."""
    directory = stage.folder("postgresql")
    user = "postgres" if os.geteuid() == 0 else None
    if user is not None:
        shutil.chown(directory, user)
    port = free_port()
    data = directory / "data"
    _initdb(directory, data, user)
    with (data / "postgresql.conf").open("a") as settings:
        settings.write(_SETTINGS.format(port=port))
    argv: list[str | Path] = [_program("postgres"), "-D", data]
    with stage.server(argv, port=port, directory=directory, user=user, ready=_takes_queries) as server:
        _psql(port, _SCHEMA)
        yield server


def measure(stage: BenchStage, server: PeerServer, protocol: str, load: Load) -> Sample:
    """Run pgbench for one round; `protocol` has no choice here. Raises BenchError when it fails."""
    folder = stage.folder(f"pgbench-{protocol}")
    (folder / "script.sql").write_text(_SCRIPT)
    seconds = math.ceil(load.warmup_s + load.seconds + SETTLE_S + load.clients / CLIENTS_A_SECOND)
    argv = [_program("pgbench"), "--no-vacuum", "--protocol=prepared", "--file=script.sql", "--log", "--jobs=1"]
    argv += [f"--client={load.clients}", f"--time={seconds}", *_where(server.port), "postgres"]
    before, server_before = _children_cpu_s(), processor_s(server.process.pid)
    with pinned(stage.cores.generator):
        done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"pgbench at {load.case}: {done.stderr.strip()[-2000:]}")
    cpu_share = (_children_cpu_s() - before) / seconds
    transactions = [*_transactions(folder)]
    server_us = (processor_s(server.process.pid) - server_before) * 1e6 / max(1, len(transactions))
    return replace(sample_of(transactions, load), cpu_share=cpu_share, server_us=server_us)


@dataclass(frozen=True, slots=True)
class Transaction:
    """One line of pgbench's log: the client, when it ended (seconds since 1970), how long it took."""

    client: int
    ended_s: float
    took_us: float


def sample_of(transactions: Sequence[Transaction], load: Load) -> Sample:
    """The figures of the steady window: all clients are there, the warm-up is over, none has stopped yet."""
    first: dict[int, float] = {}
    last: dict[int, float] = {}
    for one in transactions:
        first.setdefault(one.client, one.ended_s)
        last[one.client] = one.ended_s
    start = max(first.values()) + load.warmup_s
    end = min(start + load.seconds, *last.values())
    took = [one.took_us for one in transactions if start <= one.ended_s < end]
    if len(first) < load.clients or not took:
        raise BenchError(f"pgbench at {load.case}: no window in which all clients were at work")
    return Sample(len(took) / (end - start), quantile(took, 0.5), quantile(took, 0.99), max(took))


def _transactions(folder: Path) -> Iterator[Transaction]:
    for log in folder.glob("pgbench_log.*"):
        with log.open() as lines:
            for line in lines:
                client, _, took_us, _, second, microsecond = line.split()[:6]
                yield Transaction(int(client), int(second) + int(microsecond) / 1e6, float(took_us))


def _program(name: str) -> str:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)  # Debian keeps servers off the PATH
    return find_program(name, *folders) or name


def _initdb(directory: Path, data: Path, user: str | None) -> None:
    argv = [_program("initdb"), f"--pgdata={data}", f"--username={_USER}", "--auth=trust", "--encoding=UTF8"]
    groups: list[str] | None = None if user is None else []
    done = subprocess.run(
        argv, cwd=directory, user=user, extra_groups=groups, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchError(f"initdb: {done.stderr.strip()}")


def _takes_queries(port: int) -> bool:
    return takes_connections(port) and not _run_psql(port, "SELECT 1").returncode


def _psql(port: int, sql: str) -> None:
    done = _run_psql(port, sql)
    if done.returncode:
        raise BenchError(f"psql: {done.stderr.strip()}")


def _run_psql(port: int, sql: str) -> subprocess.CompletedProcess[str]:
    argv = [_program("psql"), *_where(port), "-v", "ON_ERROR_STOP=1", "--no-psqlrc", "-c", sql, "postgres"]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def _where(port: int) -> list[str]:
    return ["--host=127.0.0.1", f"--port={port}", f"--username={_USER}"]


def _children_cpu_s() -> float:
    use = resource.getrusage(resource.RUSAGE_CHILDREN)
    return use.ru_utime + use.ru_stime


def _version() -> str | None:
    if find_program(_program("postgres")) is None or find_program(_program("pgbench")) is None:
        return None
    return version_of(_program("postgres"), "--version")


PEER = Peer(
    name="postgresql",
    title="PostgreSQL",
    about="`synchronous_commit = on`, 512 MB of shared buffers, one prepared statement for the tweet and its tag row, "
    "loaded by pgbench; the steady window of its log",
    install="apt install postgresql",
    version=_version,
    serve=serve,
    measure=measure,
)
