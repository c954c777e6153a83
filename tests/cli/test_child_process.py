"""Signals on their way to a command that is run for somebody."""

import signal
import subprocess
from collections import deque

from ttweet.cli.child_process import _Relay


def test_a_signal_that_comes_while_another_is_passed_on_is_passed_on_too() -> None:
    class Interrupted(deque[int]):
        def popleft(self) -> int:
            if relay.last == signal.SIGTERM:
                relay.take(signal.SIGHUP)
            return super().popleft()

    class Process(subprocess.Popen[bytes]):
        def __init__(self) -> None:
            self.heard: list[int] = []

        def send_signal(self, sig: int) -> None:
            self.heard.append(sig)

        def __del__(self) -> None:
            pass

    relay, process = _Relay(), Process()
    relay._waiting = Interrupted()
    relay.take(signal.SIGTERM)
    relay.begin(process)
    assert process.heard == [signal.SIGTERM, signal.SIGHUP]
