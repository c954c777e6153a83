import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import Server, run, running_server, says
from ttweet import shell
from ttweet.cli_run import lasted
from ttweet.client import Client


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running_server(tmp_path, "--no-report-file") as server:
        yield server


@pytest.mark.parametrize(
    ("command", "code", "posted"),
    [
        (["true"], 0, r"ok true [\d.]+s"),
        (["/bin/sh", "-c", "exit 7"], 7, r"failed \(7\) sh [\d.]+s"),
        (["sh", "-c", "kill -9 $$"], 137, r"failed \(137\) sh [\d.]+s"),
        (["no-such-command"], 127, r"failed \(127\) no-such-command [\d.]+s"),
    ],
)
def test_how_a_command_ended_is_posted(server: Server, command: list[str], code: int, posted: str) -> None:
    done = run("run", "--tag", "nightly", "--as", "ci", "--server", server.address, "--", *command)
    assert (done.returncode, done.stdout) == (code, "")
    with Client("127.0.0.1", server.port) as client:
        (tweet,) = client.tweets_of_tag("nightly").tweets
    assert re.fullmatch(posted, tweet.text)
    assert tweet.by == "ci"


def test_the_exit_code_stays_when_there_is_no_server() -> None:
    code, said = says("run", "--server", "127.0.0.1:1", "--", "sh", "-c", "exit 3")
    assert code == 3
    assert re.search(r"nothing is listening .*; not posted: failed \(3\) sh ", said)


def test_what_the_command_says_passes_through(server: Server) -> None:
    done = run("run", "--server", server.address, "--", "cat", "-", stdin=b"hello\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", "")


def test_no_command_is_said() -> None:
    assert says("run") == (shell.USAGE, "ttweet: no command: ttweet run -- COMMAND")
    way_out = "the command to run goes last, after --; see ttweet run --help"
    assert says("run", "sh", "-c", "exit 3") == (shell.USAGE, f"ttweet: no option -c; {way_out}")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0s"), (9.4, "9.4s"), (9.6, "10s"), (59.4, "59s"), (59.6, "1m00s"), (252, "4m12s"), (7500, "2h05m")],
)
def test_a_time_is_short(seconds: float, text: str) -> None:
    assert lasted(seconds) == text
