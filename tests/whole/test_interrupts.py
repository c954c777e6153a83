"""Ctrl-C ends every wait of clients and commands, also when it comes right before the system call that blocks."""

import os
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from tests.support.peers import listens, peer, says, silent_port
from tests.support.processes import LIMIT_S
from tests.support.resolver import Resolver
from tests.support.signals import signal_before_each_wait
from ttweet.cli import child_process
from ttweet.cli.chat.course import CourseSession
from ttweet.cli.chat.screen import Screen
from ttweet.cli.stdin import reader
from ttweet.client import tcp
from ttweet.client.cursor import Cursor
from ttweet.client.follower import Follower
from ttweet.client.sync_client import Client
from ttweet.client.tls import TlsSocket
from ttweet.model.errors import ConnectError, SlowDown
from ttweet.protocol import calls

Setup = AbstractContextManager[Callable[[], object]]


@pytest.fixture(autouse=True)
def ctrl_c_raises() -> Iterator[None]:
    """Whatever the tests were started with, as in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def late() -> float:
    return time.monotonic() + LIMIT_S


@contextmanager
def an_answer() -> Iterator[Callable[[], object]]:
    with peer(listens, timeout_s=LIMIT_S) as client:
        connection = client.connect()
        yield connection.receive
        connection.close()


@contextmanager
def the_rest_of_an_answer() -> Iterator[Callable[[], object]]:
    def begins(connection: socket.socket) -> None:
        connection.sendall(b'["ok",')
        begun.set()
        listens(connection)

    begun = threading.Event()
    with peer(begins, timeout_s=LIMIT_S) as client:
        connection = client.connect()
        assert begun.wait(LIMIT_S)
        yield connection.receive
        connection.close()


@contextmanager
def room_to_send() -> Iterator[Callable[[], object]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        yield lambda: tcp.PlainSocket(ours).send(bytes(2**22), late())


@contextmanager
def a_connection() -> Iterator[Callable[[], object]]:
    with silent_port() as port:
        yield lambda: tcp.connected("127.0.0.1", port, late())


@contextmanager
def tls() -> Iterator[Callable[[], object]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        yield lambda: TlsSocket(ours, ssl.create_default_context(), "127.0.0.1", "there", late())


@contextmanager
def the_address_of_a_name() -> Iterator[Callable[[], object]]:
    with pytest.MonkeyPatch.context() as patch, Resolver(patch).silent():
        yield lambda: tcp.addresses("silent.example", 13001, late())


@contextmanager
def the_time_that_a_server_asks_for() -> Iterator[Callable[[], object]]:
    def refuse() -> NoReturn:
        raise SlowDown("too many requests", 50)

    yield lambda: Client("127.0.0.1", 1)._obeying(refuse)


@contextmanager
def the_next_attempt() -> Iterator[Callable[[], object]]:
    def connect(deadline: float) -> NoReturn:
        raise ConnectError("unreachable", "no server is listening")

    cursor = Cursor([], None)
    cursor.started = True
    cursor.pause_s = lambda error: LIMIT_S  # type: ignore[method-assign]
    yield lambda: next(Follower(connect, cursor))


@contextmanager
def stdin() -> Iterator[Callable[[], object]]:
    reads, writes = os.pipe()
    with pytest.MonkeyPatch.context() as patch, open(reads) as file:
        patch.setattr(sys, "stdin", file)
        yield lambda: reader().read(1)
        os.close(writes)


@contextmanager
def commands_of_a_session() -> Iterator[Callable[[], object]]:
    reads, writes = os.pipe()
    with pytest.MonkeyPatch.context() as patch, open(reads) as file:
        patch.setattr(sys, "stdin", file)
        yield lambda: next(Screen().commands())
        os.close(writes)


@contextmanager
def an_answer_in_a_session() -> Iterator[Callable[[], object]]:
    with peer(says(b'["ok",null]\n'), timeout_s=LIMIT_S) as client:
        session = CourseSession(client.host, client.port, "ann", Screen())
        yield lambda: session._call(*calls.ping())
        session._conversation._link.close()


@contextmanager
def the_end_of_a_command() -> Iterator[Callable[[], object]]:
    yield lambda: child_process.run(["sleep", str(LIMIT_S)])


@pytest.mark.parametrize(
    "waiting_for",
    [
        an_answer,
        the_rest_of_an_answer,
        room_to_send,
        a_connection,
        tls,
        the_address_of_a_name,
        the_time_that_a_server_asks_for,
        the_next_attempt,
        stdin,
        commands_of_a_session,
        an_answer_in_a_session,
        the_end_of_a_command,
    ],
)
def test_ctrl_c_ends_the_wait_for(waiting_for: Callable[[], Setup], monkeypatch: pytest.MonkeyPatch) -> None:
    end = late()
    with waiting_for() as wait, signal_before_each_wait(monkeypatch), pytest.raises(KeyboardInterrupt):
        wait()
    assert time.monotonic() < end


def test_a_signal_for_a_command_that_is_run_is_passed_on_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = late()
    with signal_before_each_wait(monkeypatch, signal.SIGTERM):
        assert child_process.run(["sleep", str(LIMIT_S)]) == (128 + signal.SIGTERM, signal.SIGTERM)
    assert time.monotonic() < end
