"""The command `cluster`: the state of one, and a demo of three servers on this machine."""

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Literal

import trio
from cyclopts import Parameter

from ttweet.cli import output, shell
from ttweet.cli.cluster_source import settings_of
from ttweet.cli.options import Json
from ttweet.cluster import local_etcd
from ttweet.cluster.local_etcd import LocalEtcd, MissingError, NotStartedError
from ttweet.cluster.status import ClusterStatus, read_status
from ttweet.model.errors import SetupError
from ttweet.security.outgoing import make_context

DEMO_PORTS = (13001, 13002, 13003)
START_S = 20.0  # for a server to listen; 1 s on a quiet machine
POLL_S = 0.05  # between checks of its messages

Action = Annotated[
    Literal["demo", "status"], Parameter(name="ACTION", help="demo: start three servers here; status: show a cluster.")
]
Url = Annotated[
    str | None,
    Parameter(
        name="--cluster", metavar="URL", help="The cluster: etcd://HOST,HOST,HOST/NAME; default: TTWEET_CLUSTER."
    ),
]


def cluster(action: Action, /, *, cluster: Url = None, json: Json = False) -> int:
    """Show a cluster, or try one out."""
    if action == "status":
        return _status(cluster, json=json)
    if cluster is not None or json:
        raise shell.UsageError("invalid options: --cluster and --json belong to ttweet cluster status")
    return _demo()


def _status(url: str | None, *, json: bool) -> int:
    settings = settings_of(url)
    try:
        tls = make_context(settings.ca, settings.cert, settings.key) if settings.address.tls else None
    except SetupError as error:
        raise shell.UsageError(error.text) from error
    status = trio.run(read_status, settings, tls)
    if json:
        output.write_json(_as_json(status))
    else:
        _write(status)
    if status.problem is not None:
        shell.complain(status.problem)
        return shell.UNREACHABLE
    return shell.DONE


def _as_json(status: ClusterStatus) -> dict[str, object]:
    servers = [
        {
            "server": one.server,
            "newest": one.newest,
            "behind": status.newest - one.newest,
            "position": one.position,
            "age_ms": one.age_ms,
        }
        for one in status.servers
    ]
    return {"servers": servers, "nodes": [node._asdict() for node in status.nodes], "problem": status.problem}


def _write(status: ClusterStatus) -> None:
    servers = [
        (one.server, f"{one.newest}", f"{status.newest - one.newest}", f"{one.age_ms / 1000:.1f} s")
        for one in status.servers
    ]
    _write_table(("SERVER", "NEWEST", "BEHIND", "AGE"), servers)
    nodes = [
        (node.address, node.version or "-", "leader" if node.leads else node.problem or "follower")
        for node in status.nodes
    ]
    _write_table(("ETCD", "VERSION", "STATE"), nodes)


def _write_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write aligned columns to a terminal, and columns separated by tabs, without a head, to a pipe."""
    if not shell.on_terminal(sys.stdout):
        for row in rows:
            shell.write("\t".join(row))
        return
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        shell.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _demo() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # the processes end before this one
    try:
        with tempfile.TemporaryDirectory(prefix="ttweet-demo-") as name, suppress(KeyboardInterrupt):
            folder = Path(name)
            with local_etcd.running(folder, 3) as etcd, _servers(folder, etcd) as servers:
                _explain(etcd, servers)
                signal.pause()
    except (MissingError, NotStartedError) as error:
        shell.complain(f"{error}")
        return shell.FAILED
    return shell.DONE


@contextmanager
def _servers(folder: Path, etcd: LocalEtcd) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run a server at each port, each with a file of its own, until the context is left. Raises NotStartedError."""
    servers: list[subprocess.Popen[bytes]] = []
    try:
        for port in DEMO_PORTS:
            servers.append(_start(folder / f"s{port}", port, etcd))
            _wait_until_it_listens(folder / f"s{port}", servers[-1])
        yield servers
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            server.wait()


def _start(folder: Path, port: int, etcd: LocalEtcd) -> subprocess.Popen[bytes]:
    folder.mkdir()
    command = [sys.executable, "-m", "ttweet", "serve", str(port), "--no-report-file", "--quiet"]
    options = ["--db", str(folder / "tweets.db"), "--cluster", str(etcd.address("demo"))]
    with (folder / "messages").open("wb") as messages:
        return subprocess.Popen(  # noqa: S603  # this program
            [*command, *options], stdin=subprocess.DEVNULL, stderr=messages, start_new_session=True
        )


def _wait_until_it_listens(folder: Path, server: subprocess.Popen[bytes]) -> None:
    """Return when a server listens. Raises NotStartedError with its last message."""
    until = time.monotonic() + START_S
    while "listening on" not in (said := (folder / "messages").read_text("utf-8", "replace")):
        if server.poll() is not None or time.monotonic() > until:
            raise NotStartedError(
                said.strip().rpartition("\n")[2].removeprefix("ttweet: ") or "a server does not start"
            )
        time.sleep(POLL_S)


def _explain(etcd: LocalEtcd, servers: Sequence[subprocess.Popen[bytes]]) -> None:
    shell.write("three nodes of etcd and three servers, until Ctrl-C")
    leader = etcd.leader()
    for node in etcd.nodes:
        shell.write(f"  etcd    {node.client}  process {node.pid}{', the leader' if node is leader else ''}")
    for port, server in zip(DEMO_PORTS, servers, strict=True):
        shell.write(f"  server  127.0.0.1:{port}  process {server.pid}")
    shell.write("try in other terminals:")
    shell.write(f"  ttweet follow --server 127.0.0.1:{DEMO_PORTS[2]}")
    shell.write(f'  ttweet post --server 127.0.0.1:{DEMO_PORTS[0]} "Hello #world"')
    shell.write(f"  ttweet cluster status --cluster {etcd.address('demo')}")
    if leader is not None:
        shell.write(f"  kill -9 {leader.pid}")
    sys.stdout.flush()
