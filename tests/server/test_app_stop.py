"""How a server stops: by each signal, with clients that are busy, and when the one who has begun it has had enough."""

import signal
from pathlib import Path

import pytest

from tests.support.processes import LIMIT_S, Server, running_server, starting_with_sighup
from tests.support.talking import logged, sessions, talking_server
from ttweet.client.sync_client import Client


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


def test_the_end_of_its_terminal_stops_a_server_in_order(tmp_path: Path) -> None:
    with starting_with_sighup(signal.SIG_DFL), running_server(tmp_path) as server:
        assert server.stop(signal.SIGHUP) == 0
    assert sessions(server.db) == ["stopped"]


def test_a_server_that_was_started_with_nohup_outlives_its_terminal(tmp_path: Path) -> None:
    with starting_with_sighup(signal.SIG_IGN), running_server(tmp_path) as server:
        server.process.send_signal(signal.SIGHUP)
        with Client("127.0.0.1", server.port) as client:
            client.post("still there")
        assert server.stop() == 0


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
            server.read_until("DISCONNECTION")  # the idle one was let go: the first signal has arrived
            server.process.send_signal(number)
            assert server.process.wait(LIMIT_S) == -number
        idle.close()
    with running_server(tmp_path) as again, Client("127.0.0.1", again.port) as client:
        assert client.last_text() == "kept"
    assert sessions(again.db) == ["crashed", "stopped"]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_sighup_does_nothing_to_a_server_that_is_stopping(number: signal.Signals, tmp_path: Path) -> None:
    with starting_with_sighup(signal.SIG_DFL), talking_server(cwd=tmp_path) as server:
        with half_a_frame(server), Client("127.0.0.1", server.port) as idle:
            idle.ping()
            server.process.send_signal(number)
            server.read_until("DISCONNECTION")  # the idle one was let go: the first signal has arrived
            server.process.send_signal(signal.SIGHUP)
        assert server.process.wait(LIMIT_S) == 0
    assert sessions(server.db) == ["stopped"]
    assert wal_bytes(server.db) == 0


def test_a_busy_client_has_the_grace_and_no_more(tmp_path: Path) -> None:
    with running_server(tmp_path, "--grace", "0.2") as server, half_a_frame(server):
        assert server.stop() == 0
    assert sessions(server.db) == ["stopped"]
