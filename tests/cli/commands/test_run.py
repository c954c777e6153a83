import errno
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.in_process import complains
from tests.support.processes import LIMIT_S, TTWEET, environment, interrupted, run, says, starting_with_sighup
from tests.support.server_here import ServerHere, server_here
from ttweet.cli import shell
from ttweet.client.sync_client import Client


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerHere]:
    with server_here(tmp_path) as server:
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
def test_how_a_command_ended_is_posted(server: ServerHere, command: list[str], code: int, posted: str) -> None:
    done = run("run", "--tag", "nightly", "--as", "ci", "--server", server.address, "--", *command)
    assert (done.returncode, done.stdout) == (code, "")
    with Client("127.0.0.1", server.port) as client:
        (tweet,) = client.tweets_of_tag("nightly").tweets
    assert re.fullmatch(posted, tweet.text)
    assert tweet.by == "ci"


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("no-such-command", 127, "no-such-command: command not found; check its spelling, and PATH"),
        ("./none", 127, "./none: command not found; check the path"),
        ("/", 126, "/: Permission denied; name a program that you may execute"),
    ],
)
def test_a_command_that_does_not_start_is_explained(server: ServerHere, command: str, code: int, said: str) -> None:
    assert complains("run", "--server", server.address, "--", command) == (code, f"ttweet: {said}")


def test_the_exit_code_stays_when_there_is_no_server() -> None:
    code, said = says("run", "--server", "127.0.0.1:1", "--", "sh", "-c", "exit 3")
    assert code == 3
    assert re.search(r"not posted: 'failed \(3\) sh .*'; no server is listening ", said)


def test_the_output_of_the_command_passes_through(server: ServerHere) -> None:
    done = run("run", "--server", server.address, "--", "cat", "-", stdin=b"hello\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_that_would_end_it_ends_the_command_which_is_posted(
    server: ServerHere, number: int, code: int
) -> None:
    arguments = ["run", "--tag", "nightly", "--server", server.address, "--", "sh", "-c", "echo begun; exec sleep 30"]
    with starting_with_sighup(signal.SIG_DFL):
        started = subprocess.Popen([*TTWEET, *arguments], env=environment(), stdout=subprocess.PIPE, text=True)
    with started as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(number)
        assert process.stdout.read() == ""  # the command has closed it too
        assert process.wait(LIMIT_S) == code
    with Client("127.0.0.1", server.port) as client:
        (tweet,) = client.tweets_of_tag("nightly").tweets
    assert tweet.text.startswith(f"failed ({code}) sh ")


def test_a_command_ends_as_it_likes_and_a_signal_that_is_ignored_does_not_reach_it(server: ServerHere) -> None:
    script = "trap 'exit 7' TERM; echo begun; while :; do sleep 0.01; done"
    command = [*TTWEET, "run", "--server", server.address, "--", "sh", "-c", script]
    without_hup = ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh", *command]
    with subprocess.Popen(without_hup, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 7


@pytest.mark.parametrize("option", [["--tag", "two words"], ["--as", "two words"], ["--as", ""]])
def test_a_tweet_that_no_server_takes_is_reported_before_the_command_runs(option: list[str]) -> None:
    done = run("run", *option, "--", "echo", "ran")
    assert (done.returncode, done.stdout) == (shell.USAGE, "")
    assert done.stderr.startswith(f"ttweet: invalid {option[0][2:].replace('as', 'name')} {option[1]!r}: use 1 to ")


def test_the_exit_code_stays_when_the_post_is_interrupted(tmp_path: Path) -> None:
    code, said = interrupted("run", "--", "sh", "-c", "exit 3")
    assert code == 3
    assert re.fullmatch(r"ttweet: interrupted; whether it was posted is unknown: 'failed \(3\) sh [\d.]+s'\n", said)
    code, said = interrupted("run", "--spool", "--", "true", variables={"XDG_STATE_HOME": str(tmp_path)})
    assert code == 0
    assert re.fullmatch(r"ttweet: kept: interrupted; .*\nttweet: interrupted: 'ok true [\d.]+s'\n", said)


def test_a_missing_command_is_named() -> None:
    assert complains("run") == (shell.USAGE, "ttweet: missing command; run: ttweet run -- COMMAND")
    way_out = "put -- before the command to run; see ttweet run --help"
    assert complains("run", "sh", "-c", "exit 3") == (shell.USAGE, f"ttweet: unknown option -c; {way_out}")


def texts(server: ServerHere) -> list[str]:
    with Client("127.0.0.1", server.port) as client:
        return [tweet.text.rpartition(" ")[0] for tweet in client.find().tweets]


def test_only_a_failure_is_posted_if_you_like(server: ServerHere) -> None:
    for command, code in (("true", 0), ("false", 1)):
        assert run("run", "--on-failure", "--server", server.address, "--", command).returncode == code
    assert texts(server) == ["failed (1) false"]


def test_only_a_long_run_is_posted_if_you_like(server: ServerHere) -> None:
    assert run("run", "--longer-than", "1h", "--server", server.address, "--", "false").returncode == 1
    assert run("run", "--longer-than", "0s", "--server", server.address, "--", "true").returncode == 0
    assert texts(server) == ["ok true"]


def test_the_end_of_a_process_that_is_running_is_posted(server: ServerHere) -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        command = [*TTWEET, "run", "--pid", str(process.pid), "--server", server.address]
        with subprocess.Popen(command, env=environment()) as watching:
            assert process.stdin is not None
            process.stdin.close()  # its end can be watched as long as we have not asked for its exit code
            assert watching.wait(LIMIT_S) == 0
    assert texts(server) == ["ended cat"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--pid", "4194304"], "no process 4194304 is running; see: ps -e"),
        (["--pid", "1", "--", "true"], "conflicting options: COMMAND and --pid; give one of them"),
        (["--longer-than", "x", "--", "true"], "invalid --longer-than 'x': use a number with a unit"),
    ],
)
def test_a_process_that_cannot_be_watched_is_reported(arguments: list[str], said: str) -> None:
    code, text = complains("run", *arguments)
    assert code == shell.USAGE
    assert said in text


def test_a_process_that_there_is_no_room_to_watch_is_not_called_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacks(process: int) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "pidfd_open", lacks)
    code, text = complains("run", "--pid", "1")
    assert (code, text) == (
        shell.FAILED,
        "ttweet: the system refused: Too many open files; raise the limit: ulimit -n 4096",
    )
    monkeypatch.delattr(os, "pidfd_open")
    code, text = complains("run", "--pid", "1")
    instead = "run the command itself: ttweet run -- COMMAND"
    assert (code, text) == (shell.FAILED, f"ttweet: process 1: only Linux tells when it ends; {instead}")


def test_the_last_lines_of_the_output_are_posted_after_the_outcome_and_cut_to_fit(server: ServerHere) -> None:
    script = "echo one; echo 'two #notag'; printf '\\033[31m%0200d\\033[0m\\n' 7 >&2; exit 1"
    done = run("run", "--tail", "2", "--tag", "nightly", "--server", server.address, "--", "sh", "-c", script)
    assert (done.returncode, done.stdout) == (1, "one\ntwo #notag\n")
    with Client("127.0.0.1", server.port) as client:
        newest_first = [tweet.text for tweet in client.tweets_of_tag("nightly").tweets]
    assert sorted(newest_first[:2]) == ["0" * 149 + "\N{HORIZONTAL ELLIPSIS}", "two #notag"]
    assert newest_first[2].startswith("failed (1) sh ")
    assert len(newest_first) == 3


def test_without_a_tweet_about_the_outcome_no_line_is_posted(server: ServerHere) -> None:
    line = ["run", "--on-failure", "--tail", "2", "--tag", "nightly", "--server", server.address, "--", "echo", "a"]
    assert run(*line).stdout == "a\n"
    with Client("127.0.0.1", server.port) as client:
        assert client.tweets_of_tag("nightly").tweets == []


def test_lines_are_kept_in_the_spool_too(server: ServerHere, tmp_path: Path) -> None:
    variables = {"XDG_STATE_HOME": str(tmp_path)}
    line = ["run", "--tail", "1", "--tag", "nightly", "--spool", "--server", server.address, "--", "echo", "a"]
    assert run(*line, variables=variables).returncode == 0
    with Client("127.0.0.1", server.port) as client:
        assert client.tweets_of_tag("nightly").tweets[0].text == "a"


@pytest.mark.parametrize("number", ["0", "21", "-1", "two"])
def test_a_number_of_lines_that_cannot_be_is_refused(number: str) -> None:
    code, said = complains("run", f"--tail={number}", "--", "true")
    assert (code, "--tail" in said) == (shell.USAGE, True)
    assert complains("run", "--tail", "1", "--pid", "1")[1] == (
        "ttweet: conflicting options: --tail and --pid; give one of them"
    )
