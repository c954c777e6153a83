"""How a server stops: by each signal, with busy clients, and at a second signal."""

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.support.authority import Authority
from tests.support.processes import LIMIT_S, TTWEET, Server, environment, running_server, starting_with_sighup
from tests.support.talking import logged, sessions, talking_server
from ttweet.client.sync_client import Client

TLS = ("--tls-cert", "server.pem", "--tls-key", "server.key")


def wal_bytes(db: Path) -> int:
    """How much waits to be written back into the database file."""
    wal = Path(f"{db}-wal")
    return wal.stat().st_size if wal.exists() else 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_server_in_order(number: signal.Signals, tmp_path: Path) -> None:
    with running_server(tmp_path) as server, Client("127.0.0.1", server.port) as client:
        client.post("kept")  # the connection stays open, and idle
        assert server.stop(number) == 0
    assert sessions(server.db) == ["stopped"]
    assert wal_bytes(server.db) == 0
    assert logged(server.db)[-1] == "SERVER HAS DISCONNECTED"
    assert tmp_path.joinpath("Sample.txt").read_text().endswith("SERVER ALERT [CONNECTION] SERVER HAS DISCONNECTED\n")


@pytest.mark.parametrize("options", [(), TLS], ids=["plain", "tls"])
def test_the_end_of_its_terminal_stops_a_server_in_order(options: tuple[str, ...], tmp_path: Path) -> None:
    Authority(tmp_path).issue()
    with starting_with_sighup(signal.SIG_DFL), server_on_terminal(tmp_path, *options) as (process, terminal):
        os.close(terminal)  # the kernel sends SIGHUP to the session's leader
        assert process.wait(LIMIT_S) == 0
    assert sessions(tmp_path / "tweets.db") == ["stopped"]


def test_a_server_that_was_started_with_nohup_outlives_its_terminal(tmp_path: Path) -> None:
    with starting_with_sighup(signal.SIG_IGN), server_on_terminal(tmp_path) as (process, terminal):
        os.close(terminal)
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0
    assert sessions(tmp_path / "tweets.db") == ["stopped"]


@pytest.mark.parametrize("disposition", [signal.SIG_DFL, signal.SIG_IGN])
@pytest.mark.parametrize("options", [(), TLS], ids=["plain", "tls"])
def test_away_from_a_terminal_sighup_never_stops_a_server(
    options: tuple[str, ...], disposition: signal.Handlers, tmp_path: Path
) -> None:
    Authority(tmp_path).issue()
    with starting_with_sighup(disposition), talking_server(*options, cwd=tmp_path) as server:
        for _ in range(3):
            server.process.send_signal(signal.SIGHUP)
            server.read_until("SIGHUP: reopening the report file, reloading the tokens")
        assert server.stop() == 0
    assert sessions(server.db) == ["stopped"]


def test_sighup_does_not_end_a_server_that_is_starting(tmp_path: Path) -> None:
    code = """
import os, signal
from pathlib import Path
from ttweet.server import app
from ttweet.server.config import Config
app.keep_apart = lambda *_: os.kill(os.getpid(), signal.SIGHUP)  # the first step after signals are taken care of
app._run_with_store = lambda *_: print("started")
app.run(Config(port=0, db=Path("tweets.db")))
"""
    started = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, start_new_session=True
    )
    assert started.stdout == "started\n"


@pytest.mark.parametrize(("command", "disposition"), [("serve", "SIG_IGN"), ("stats", "SIG_DFL")])
def test_sighup_is_ignored_before_the_servers_command_line_is_parsed(command: str, disposition: str) -> None:
    code = f"""
import signal
from ttweet import __main__
from ttweet.cli import main
main.main = lambda _: print(signal.getsignal(signal.SIGHUP).name)
__main__._main([{command!r}, "0"])
"""
    with starting_with_sighup(signal.SIG_DFL):
        started = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, start_new_session=True)
    assert started.stdout == f"{disposition}\n"


def test_sighup_tells_again_what_is_wrong_with_the_tokens(tmp_path: Path) -> None:
    tokens = tmp_path / "tweets.db.tokens"
    with talking_server(cwd=tmp_path) as server:
        tokens.write_text("no token\n")
        tokens.chmod(0o600)
        for _ in range(2):
            server.process.send_signal(signal.SIGHUP)
            server.read_until("the tokens stay unchanged: line 1 of")


@contextmanager
def server_on_terminal(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A server that leads the session of a terminal, from the moment it listens, and the terminal's other end."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*TTWEET, "serve", "0", *options],
        cwd=folder,
        env=environment(),
        stdin=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=partial(fcntl.ioctl, 0, termios.TIOCSCTTY, 0),
    )
    os.close(slave)
    seen = b""
    while b"listening on" not in seen:
        seen += os.read(master, 4096)
    yield process, master
    if process.poll() is None:
        process.kill()


def half_a_frame(server: Server) -> Client:
    """A client that is busy for as long as it likes: its request has begun and does not end."""
    client = Client("127.0.0.1", server.port)
    client.ping()
    client._idle[0].send(b'["p",""]\n["u","unfin')
    client._idle[0].receive()  # the answer to what came with it: the server has it
    client.close = client._idle[0].close  # type: ignore[method-assign]  # nothing to put back
    return client


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_the_server_at_once(number: signal.Signals, tmp_path: Path) -> None:
    with talking_server("--grace", "1000", cwd=tmp_path) as server:
        idle = Client("127.0.0.1", server.port)
        idle.post("kept")
        with half_a_frame(server):
            server.read_until("Total: 2")
            server.process.send_signal(number)
            server.read_until("DISCONNECTION")  # the idle client was disconnected: the first signal has arrived
            server.process.send_signal(number)
            assert server.process.wait(LIMIT_S) == -number
        idle.close()
    with running_server(tmp_path) as again, Client("127.0.0.1", again.port) as client:
        assert client.last_text() == "kept"
    assert sessions(again.db) == ["crashed", "stopped"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_sighup_does_nothing_to_a_server_that_is_stopping(number: signal.Signals, tmp_path: Path) -> None:
    with starting_with_sighup(signal.SIG_DFL), talking_server(cwd=tmp_path) as server:
        with half_a_frame(server), Client("127.0.0.1", server.port) as idle:
            idle.ping()
            server.process.send_signal(number)
            server.read_until("DISCONNECTION")  # the idle client was disconnected: the first signal has arrived
            server.process.send_signal(signal.SIGHUP)
        assert server.process.wait(LIMIT_S) == 0
    assert sessions(server.db) == ["stopped"]
    assert wal_bytes(server.db) == 0


def test_a_busy_client_has_the_grace_and_no_more(tmp_path: Path) -> None:
    with running_server(tmp_path, "--grace", "0.2") as server, half_a_frame(server):
        assert server.stop() == 0
    assert sessions(server.db) == ["stopped"]
