"""The output of a command comes through as it is, and its reader sees it at once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import LIMIT_S
from ttweet.cli import child_process
from ttweet.client.waiting import PIPE_BYTES

LARGE = 5 * PIPE_BYTES + 7


def program(command: list[str]) -> list[str]:
    """A process that runs a command with its output copied, and ends with its exit code."""
    code = f"from ttweet.cli import child_process\nexit(child_process.run({command}, output=lambda *_: None).code)"
    return [sys.executable, "-c", code]


def open_files() -> set[str]:
    """The descriptors of this process."""
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def test_all_of_both_streams_comes_through() -> None:
    script = f"head -c {LARGE} /dev/zero; head -c {LARGE} /dev/zero >&2; exit 3"
    done = subprocess.run(program(["sh", "-c", script]), capture_output=True, timeout=LIMIT_S, check=False)
    assert (done.returncode, len(done.stdout), len(done.stderr)) == (3, LARGE, LARGE)


@pytest.mark.usefixtures("capfd")
def test_the_output_of_a_command_is_taken_with_its_stream() -> None:
    taken: list[tuple[int, bytes]] = []
    end = child_process.run(["sh", "-c", "echo out; echo error >&2"], output=lambda *came: taken.append(came))
    assert (end.code, sorted(taken)) == (0, [(1, b"out\n"), (2, b"error\n")])


def test_a_line_is_there_before_the_command_ends() -> None:
    command = program(["sh", "-c", "echo begun; read line; echo $line"])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == b"begun\n"
        process.stdin.write(b"go on\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"go on\n"


def test_a_command_whose_reader_is_gone_gets_sigpipe() -> None:
    with subprocess.Popen(program(["yes"]), stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.read(2)
        process.stdout.close()
        assert process.wait(LIMIT_S) == 128 + signal.SIGPIPE


@pytest.mark.usefixtures("capfd")
def test_a_process_in_the_background_that_holds_the_pipes_is_not_waited_for() -> None:
    background = "sleep 60 & echo $!"
    taken: list[bytes] = []
    assert child_process.run(["sh", "-c", background], output=lambda _, data: taken.append(data)).code == 0
    os.kill(int(b"".join(taken)), signal.SIGKILL)


def test_a_signal_reaches_the_command_while_its_output_is_not_read() -> None:
    script = "trap 'exit 7' TERM; while :; do echo begun 2>/dev/null; done"
    with subprocess.Popen(program(["sh", "-c", script]), stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(signal.SIGTERM)
        while process.stdout.read(PIPE_BYTES):  # what was in the pipes
            pass
        assert process.wait(LIMIT_S) == 7


def test_no_descriptor_is_left_open() -> None:
    before = open_files()
    child_process.run(["true"], output=lambda *_: None)
    assert open_files() == before
