"""A wait ends with what it waits for, with its time, and with a signal, whenever that comes."""

import random
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.peers import listens, peer
from tests.support.processes import LIMIT_S, output_of
from tests.support.signals import signal_before_each_wait
from ttweet.client import waiting
from ttweet.client.waiting import Bell, pause, ready

TIMES = 1000  # that a signal is sent at a random moment


@pytest.fixture(autouse=True)
def ctrl_c_raises() -> Iterator[None]:
    """Whatever the tests were started with, as in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
    signal.set_wakeup_fd(waiting.NONE)  # Ctrl-C between the call that sets it and the block that resets it leaves it


@contextmanager
def handled(number: signal.Signals, do: Callable[[], object] = lambda: None) -> Iterator[list[int]]:
    """The signals of this number that were handled, each by doing this."""
    came: list[int] = []

    def handle(number: int, _: object) -> None:
        came.append(number)
        do()

    before = signal.signal(number, handle)
    try:
        yield came
    finally:
        signal.signal(number, before)


def open_descriptors() -> list[str]:
    return sorted(path.name for path in Path("/proc/self/fd").iterdir())


def soon() -> float:
    return time.monotonic() + LIMIT_S


def test_a_wait_may_be_longer_than_the_system_can_count() -> None:
    bell = Bell()
    bell.ring()
    assert ready({bell.fd: waiting.READ}, time.monotonic() + 1e9) == [bell.fd]


def test_a_long_wait_is_as_long_as_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LONGEST_POLL_S", 0.001)
    until, bell = time.monotonic() + 0.01, Bell()
    assert ready({bell.fd: waiting.READ}, until) == []
    assert time.monotonic() >= until - 0.001  # poll counts in milliseconds


def test_it_ends_with_what_it_waits_for_or_with_its_time() -> None:
    bell, other = Bell(), Bell()
    wanted = {bell.fd: select.POLLIN, other.fd: select.POLLIN}
    assert ready(wanted, time.monotonic() + 0.001) == ready(wanted, 0) == []
    bell.ring()
    assert ready(wanted) == [bell.fd]
    other.ring()
    assert sorted(ready(wanted)) == sorted([bell.fd, other.fd])
    assert bell.hush() == b"\a"
    assert ready(wanted) == [other.fd]


def test_a_bell_may_be_rung_more_often_than_a_pipe_holds() -> None:
    bell = Bell()
    for _ in range(waiting.PIPE_BYTES + 1):
        bell.ring()
    assert len(bell.hush()) == waiting.PIPE_BYTES
    assert bell.hush() == b""


@pytest.mark.parametrize("wait", [lambda: ready({}, soon()), lambda: pause(LIMIT_S)])
def test_a_signal_at_the_last_moment_ends_it(wait: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    late = soon()
    with signal_before_each_wait(monkeypatch), pytest.raises(KeyboardInterrupt):
        wait()
    assert time.monotonic() < late


def test_a_signal_that_raises_nothing_is_handled_and_the_wait_continues(monkeypatch: pytest.MonkeyPatch) -> None:
    bell = Bell()
    with handled(signal.SIGUSR1, bell.ring) as came:
        with signal_before_each_wait(monkeypatch, signal.SIGUSR1):
            assert ready({bell.fd: select.POLLIN}, soon()) == [bell.fd]  # and not none, when its time is up
        assert came == [signal.SIGUSR1]


def test_ctrl_c_ends_the_wait_for_an_answer_whenever_it_comes() -> None:
    """The window is a few microseconds wide, so only some of these meet it: the tests above do so each time."""
    late = soon()
    main = threading.get_ident()

    def interrupt(after_s: float) -> None:
        end = time.perf_counter() + after_s
        while time.perf_counter() < end:
            pass
        signal.pthread_kill(main, signal.SIGINT)

    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    with peer(listens, timeout_s=LIMIT_S) as client:
        connection = client.connect()
        for _ in range(TIMES):
            thread = threading.Thread(target=interrupt, args=(chance.uniform(0, 0.0002),))
            with pytest.raises(KeyboardInterrupt):  # noqa: PT012  # it may come already while the thread starts
                thread.start()
                connection.receive()
            thread.join()
        connection.close()
    assert time.monotonic() < late


def test_another_thread_waits_without_a_look_at_signals() -> None:
    bell, found = Bell(), list[int]()
    thread = threading.Thread(target=lambda: found.extend(ready({bell.fd: select.POLLIN}, soon())))
    thread.start()
    bell.ring()
    thread.join(LIMIT_S)
    assert found == [bell.fd]
    assert signal.set_wakeup_fd(waiting.NONE) == waiting.NONE


def test_a_program_with_a_wake_up_descriptor_of_its_own_keeps_it_and_its_signals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, handled(signal.SIGUSR1):
        theirs.setblocking(False)
        ours.setblocking(False)
        assert signal.set_wakeup_fd(theirs.fileno()) == waiting.NONE
        try:
            with signal_before_each_wait(monkeypatch, signal.SIGUSR1):
                ready({}, 0)
            assert ours.recv(8) == bytes([signal.SIGUSR1])
            with pytest.raises(BlockingIOError):
                ours.recv(8)
        finally:
            assert signal.set_wakeup_fd(waiting.NONE) == theirs.fileno()


def test_a_child_process_has_a_pipe_of_its_own() -> None:
    code = """
import os
from ttweet.client import waiting
waiting.pause(0)
before = os.fstat(waiting._signals().fd).st_ino
if child := os.fork():
    print(os.fstat(waiting._signals().fd).st_ino == before, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
else:
    waiting.pause(0)
    os._exit(os.fstat(waiting._signals().fd).st_ino == before)
"""
    assert output_of(code) == "True 0\n"


def test_nothing_is_left_open_by_a_bell_that_is_no_longer_used() -> None:
    before = open_descriptors()
    for _ in range(3):
        Bell().ring()
    assert open_descriptors() == before


def test_a_bell_that_finds_no_room_for_a_pipe_says_so_once() -> None:
    code = """
import os, resource, sys
from ttweet.client.waiting import Bell

sys.stderr = sys.stdout
resource.setrlimit(resource.RLIMIT_NOFILE, (os.dup(0) + 1, 64))
try:
    Bell()
except OSError as error:
    print(error.strerror)
"""
    assert output_of(code) == "Too many open files\n"
