"""Signals reach the command that is run for a user, and its exit code comes back."""

import os
import signal
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ttweet.cli import child_process
from ttweet.cli.child_process import _Relay
from ttweet.cli.spawn import spawn


@pytest.fixture
def heard() -> Iterator[list[int]]:
    """The signals SIGTERM and SIGHUP that this process gets."""
    numbers: list[int] = []
    before = {number: signal.signal(number, lambda got, _: numbers.append(got)) for number in child_process.PASSED_ON}
    yield numbers
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def ignored_children() -> Iterator[None]:
    """SIGCHLD as a parent may leave it: the kernel keeps no exit codes."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    yield
    assert signal.signal(signal.SIGCHLD, before) is signal.SIG_IGN


def test_a_signal_that_comes_while_another_is_passed_on_is_passed_on_too(heard: list[int]) -> None:
    class Interrupted(deque[int]):
        def popleft(self) -> int:
            if relay.last == signal.SIGTERM:
                relay.take(signal.SIGHUP)
            return super().popleft()

    relay = _Relay()
    relay._waiting = Interrupted()
    relay.take(signal.SIGTERM)
    relay.begin(os.getpid())
    assert heard == [signal.SIGTERM, signal.SIGHUP]


def test_a_signal_that_comes_when_the_command_has_ended_goes_nowhere(heard: list[int]) -> None:
    relay = _Relay()
    relay.begin(os.getpid())
    relay.end()
    relay.take(signal.SIGTERM)
    assert (heard, relay.last) == ([], signal.SIGTERM)


@pytest.mark.usefixtures("ignored_children")
@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill -TERM $$; exit 1", 143)]
)
def test_the_exit_code_is_kept_where_the_parent_left_sigchld_ignored(script: str, code: int) -> None:
    assert child_process.run(["sh", "-c", script]) == (code, None)


def test_an_exit_code_that_the_system_has_not_kept_is_unknown(tmp_path: Path) -> None:
    def forget(*_: object) -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        (tmp_path / "go").write_text("on")

    os.mkfifo(tmp_path / "go")
    before = signal.signal(signal.SIGURG, forget)
    try:
        assert child_process.run(["sh", "-c", f"kill -URG $PPID; cat {tmp_path}/go"]) == (None, None)
    finally:
        signal.signal(signal.SIGURG, before)


def test_a_command_need_not_read_its_stdin() -> None:
    assert child_process.run(["true"], stdin=b"x" * 1_000_000) == (0, None)


def test_ctrl_c_right_after_the_start_of_a_command_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    def spawn_and_interrupt(*arguments: Any) -> int:
        started.append(spawn(*arguments))
        signal.raise_signal(signal.SIGINT)
        return started[0]

    monkeypatch.setattr(child_process, "spawn", spawn_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        child_process.run(["sleep", "60"])
    with pytest.raises(ChildProcessError):
        os.waitpid(started[0], 0)  # it was ended, and its end was awaited
