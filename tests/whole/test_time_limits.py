"""`--timeout` bounds everything that `wait` and `follow` do, whatever it is that takes too long."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.support.authority import Authority
from tests.support.peers import listens, peer, silent_port
from tests.support.resolver import Resolver
from ttweet.cli import shell
from ttweet.cli.main import main
from ttweet.defaults import TIMEOUT_S

Situation = Callable[[pytest.MonkeyPatch, Path], AbstractContextManager[str]]


@contextmanager
def an_address_that_is_silent(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[str]:
    with silent_port() as port:
        yield f"127.0.0.1:{port}"


@contextmanager
def a_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[str]:
    with peer(listens) as client:
        yield f"127.0.0.1:{client.port}"


@contextmanager
def a_server_that_speaks_no_tls(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[str]:
    monkeypatch.setenv("TTWEET_CA", Authority(folder).ca)
    with peer(listens) as client:
        yield f"127.0.0.1:{client.port}"


@contextmanager
def a_server_that_says_a_byte_at_a_time(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[str]:
    def dribbles(connection: socket.socket) -> None:
        connection.settimeout(0.005)
        while True:
            try:
                connection.sendall(b" ")
                if not connection.recv(65536):
                    return
            except TimeoutError:
                continue
            except OSError:
                return

    with peer(dribbles) as client:
        yield f"127.0.0.1:{client.port}"


@contextmanager
def a_resolver_that_is_silent(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[str]:
    with Resolver(monkeypatch).silent():
        yield "silent.example:13001"


@contextmanager
def a_resolver_that_fails_for_the_moment(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[str]:
    Resolver(monkeypatch).fault = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    yield "passing.example:13001"


@contextmanager
def a_server_that_is_busy(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[str]:
    def slows_down(connection: socket.socket) -> None:
        connection.makefile("rb").readline()
        connection.sendall(b'["err",{"code":"slow_down","text":"too many requests","wait":50}]\n')
        listens(connection)

    with peer(slows_down) as client:
        yield f"127.0.0.1:{client.port}"


@pytest.mark.parametrize("command", [["wait"], ["follow"], ["follow", "--last", "3"], ["follow", "tag", "--last", "3"]])
@pytest.mark.parametrize(
    "situation",
    [
        an_address_that_is_silent,
        a_server_that_says_nothing,
        a_server_that_speaks_no_tls,
        a_server_that_says_a_byte_at_a_time,
        a_resolver_that_is_silent,
        a_resolver_that_fails_for_the_moment,
        a_server_that_is_busy,
    ],
)
@pytest.mark.usefixtures("capfd")  # stdout is a file, as `follow` looks at its descriptor
def test_the_command_ends_in_time_with(
    situation: Situation, command: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TTWEET_CA", raising=False)
    with situation(monkeypatch, tmp_path) as server:
        begun = time.monotonic()
        assert main([*command, "--server", server, "--timeout", "0.1s"]) == shell.TIMED_OUT
    assert time.monotonic() - begun < TIMEOUT_S
