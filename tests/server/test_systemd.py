"""A server as a service of systemd: sockets that systemd has opened, and messages about the server's state."""

import os
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.support.activation import activated
from tests.support.processes import LIMIT_S, Server, environment, run
from tests.support.web_server import WebServer
from ttweet.server import systemd


def refused(folder: Path, hosts: str, *arguments: str) -> tuple[int, list[str]]:
    """Return the exit code and the messages of a server that does not start."""
    done = subprocess.run(
        activated(hosts, *arguments), cwd=folder, env=environment(), capture_output=True, text=True, timeout=LIMIT_S
    )
    return done.returncode, done.stderr.splitlines()


def test_each_edge_serves_the_socket_of_its_port(tmp_path: Path) -> None:
    command = activated("127.0.0.1 127.0.0.1", "{1}", "--http", "{0}")
    with WebServer.serving(command, tmp_path, environment(), last=signal.SIGTERM) as server:
        posted = run("post", "Started by a socket #systemd", "--server", server.address)
        assert (posted.returncode, posted.stdout) == (0, "1\n")
        with urllib.request.urlopen(f"{server.url}/tweets/1.txt", timeout=LIMIT_S) as answer:
            assert b"Started by a socket" in answer.read()
        assert server.stop() == 0


@pytest.mark.parametrize(
    ("hosts", "options"),
    [
        ("0.0.0.0", ["{0}"]),
        ("127.0.0.1 0.0.0.0", ["{0}", "--http", "{1}"]),
        ("0.0.0.0 127.0.0.1", ["{0}", "--http", "{1}", "--host", "127.0.0.1"]),
        ("127.0.0.1 0.0.0.0", ["{0}", "--metrics", "{1}"]),
    ],
)
def test_a_socket_that_other_machines_reach_needs_a_token_and_tls(
    tmp_path: Path, hosts: str, options: list[str]
) -> None:
    code, said = refused(tmp_path, hosts, *options)
    assert (code, said[0]) == (2, "ttweet: other machines can reach 0.0.0.0, so the server needs a token and TLS; run:")
    assert said[-1] == "or, for this machine alone, have the socket unit listen at 127.0.0.1 (ListenStream=)"
    assert list(tmp_path.iterdir()) == []


def test_a_host_option_opens_nothing_beside_the_sockets(tmp_path: Path) -> None:
    command = activated("127.0.0.1", "{0}", "--host", "0.0.0.0")
    with Server.serving(command, tmp_path, environment()) as server:
        assert run("tags", "--server", server.address).returncode == 4


def test_an_edge_without_a_socket_stops_the_start(tmp_path: Path) -> None:
    code, (said,) = refused(tmp_path, "127.0.0.1", "{0}", "--http", "8080")
    remedy = "add ListenStream=127.0.0.1:8080 to the socket unit"
    assert (code, said) == (1, f"ttweet: no socket from systemd for port 8080; {remedy}")


def test_a_socket_without_an_edge_stops_the_start(tmp_path: Path) -> None:
    code, (said,) = refused(tmp_path, "127.0.0.1 127.0.0.1", "{0}")
    assert code == 1
    assert said.startswith("ttweet: unexpected socket from systemd at port ")
    assert said.endswith(" too, or remove the port from the socket unit")


def test_a_socket_that_does_not_listen_for_tcp_stops_the_start(tmp_path: Path) -> None:
    code, (said,) = refused(tmp_path, "127.0.0.1 unix", "{0}")
    wrong = "invalid socket from systemd: descriptor 4 does not listen for TCP"
    assert (code, said) == (1, f"ttweet: {wrong}; use ListenStream=127.0.0.1:PORT in the socket unit")


@pytest.mark.parametrize("variables", [{}, {"LISTEN_PID": "1", "LISTEN_FDS": "1"}, {"LISTEN_FDS": "1"}])
def test_sockets_of_another_process_are_left_alone(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LISTEN_PID", "LISTEN_FDS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert systemd.passed_sockets() == []


@pytest.mark.parametrize("kind", ["file", "abstract"])
def test_systemd_is_notified_when_the_server_listens_and_when_it_stops(tmp_path: Path, kind: str) -> None:
    path = f"{tmp_path}/notify" if kind == "file" else f"@ttweet-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(LIMIT_S)
        manager.bind(path.replace("@", "\0", 1))
        command = activated("127.0.0.1", "{0}")
        with Server.serving(command, tmp_path, environment({"NOTIFY_SOCKET": path})) as server:
            assert manager.recv(100) == b"READY=1"
            assert run("post", "Ready", "--server", server.address).returncode == 0
            assert server.stop() == 0
        assert manager.recv(100) == b"STOPPING=1"


def test_a_manager_that_is_gone_does_not_keep_the_server_from_starting(tmp_path: Path) -> None:
    variables = environment({"NOTIFY_SOCKET": f"{tmp_path}/nowhere"})
    with Server.serving(activated("127.0.0.1", "{0}"), tmp_path, variables) as server:
        assert server.stop() == 0
