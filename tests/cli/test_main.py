"""The command line as its users meet it: mistakes, pipes, terminals. The commands have files of their own."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.in_process import complains, run
from tests.support.processes import LIMIT_S, TTWEET, Server, environment, filled_server
from ttweet.cli import shell
from ttweet.cli.main import ALIASES, COMMANDS
from ttweet.cli.other_programs import OTHER_NAMES

ALL = ", ".join(COMMANDS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with filled_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["-u", "h", "1", "two", "words"], "2 arguments for one message; quote it: ttweet -u h 1 'two words'"),
        (["-u", "h", "1"], "invalid command line: -u takes HOST PORT MESSAGE; run: ttweet -u h 1 'text'"),
        (["-u", "h"], "invalid command line: -u takes HOST PORT MESSAGE; run: ttweet -u h 13001 'text'"),
        (["-u", "h", "hi"], "invalid command line: -u takes HOST PORT MESSAGE; run: ttweet -u h 13001 hi"),
        (["--upload"], "invalid command line: -u takes HOST PORT MESSAGE; run: ttweet -u 127.0.0.1 13001 'text'"),
        (["-d", "h"], "invalid command line: -d takes HOST PORT; run: ttweet -d h 13001"),
        (["-d", "h", "1", "x"], "invalid command line: -d takes HOST PORT; run: ttweet -d h 1"),
        (["-d", "h:1"], "invalid command line: -d takes HOST PORT; run: ttweet -d h 1"),
        (["-d", "[::1]:1"], "invalid command line: -d takes HOST PORT; run: ttweet -d '[::1]' 1"),
        (["-d", "::1"], "invalid command line: -d takes HOST PORT; run: ttweet -d ::1 13001"),
        (["-u", "h:1"], "invalid command line: -u takes HOST PORT MESSAGE; run: ttweet -u h 1 'text'"),
        (
            ["-u", "h:1", "a b"],
            "invalid command line: -u takes HOST PORT MESSAGE; run: ttweet -u h 1 'a b'",
        ),
        (["-u", "h:1", "a", "b", "c"], "3 arguments for one message; quote it: ttweet -u h 1 'a b c'"),
        (["-u", "-d", "h", "1"], "conflicting options: -u and -d; give one of them"),
        (["-d", "h", "http"], "invalid port 'http': use a port from 1 to 65535"),
        (["tgas"], "unknown command 'tgas'; did you mean ttweet tags?"),
        (
            ["frobnicate"],
            "unknown command 'frobnicate'; see ttweet --help",
        ),
        (
            ["\x1b[31m"],
            "unknown command '\\x1b[31m'; see ttweet --help",
        ),
        (["publish", "hi"], "unknown command 'publish'; did you mean ttweet post?"),
        (["sub"], "unknown command 'sub'; did you mean ttweet follow?"),
        (["tail", "-f"], "unknown command 'tail'; did you mean ttweet follow?"),
        (["find", "--tag", "ci"], "unknown option --tag; put it into the query: tag:TAG; see ttweet find --help"),
        (["get", "3"], "unknown command 'get'; did you mean ttweet show?"),
        (["-v"], "unknown option -v; did you mean --version?"),
        (["-V"], "unknown option -V; did you mean --version?"),
        (["help", "tgas"], "unknown command 'tgas'; did you mean ttweet tags?"),
        (["--verison"], "unknown option --verison; did you mean --version?"),
        (["--frobnicate"], "unknown option --frobnicate; see ttweet --help"),
        (["serve", "1", "2"], "unexpected argument: 2; see ttweet serve --help"),
        (["serve", "--port", "1"], "unknown option --port; give PORT without it; see ttweet serve --help"),
        (["serve", "--rat", "1"], "unknown option --rat; did you mean --rate?"),
        (["serve", "http"], "invalid PORT 'http': use a whole number; see ttweet serve --help"),
        (["serve", "65536"], "invalid PORT '65536': use at most 65535; see ttweet serve --help"),
        (["serve", "1", "--grace", "x"], "invalid --grace 'x': use a number; see ttweet serve --help"),
    ],
)
def test_an_invalid_command_line_says_what_would_work(arguments: list[str], text: str) -> None:
    assert complains(*arguments) == (shell.USAGE, f"ttweet: {text}")


# Manners


@pytest.mark.parametrize(
    "arguments", [["log"], ["log", "--json"], ["tags", "python", "--json"], ["last"], ["log", "--export", "-"]]
)
def test_a_closed_pipe_is_quiet(server: Server, arguments: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*TTWEET, *arguments, "--db", str(server.db)],
        stdout=write, stderr=subprocess.PIPE, env=environment(), timeout=LIMIT_S,
    )  # fmt: skip
    os.close(write)
    assert (done.returncode, done.stderr) == (shell.PIPE_CLOSED, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full")
@pytest.mark.parametrize("arguments", [["last"], ["tags"], ["log"], ["tags", "--json"]])
def test_a_full_disk_under_the_output_is_reported(server: Server, arguments: list[str]) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*TTWEET, *arguments, "--db", str(server.db)],
            stdout=full, stderr=subprocess.PIPE, env=environment(), timeout=LIMIT_S,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, b"ttweet: stdout: No space left on device; make room on the disk\n")


def test_each_name_that_other_programs_use_leads_to_a_command_and_is_none_itself() -> None:
    assert {*OTHER_NAMES.values(), *ALIASES.values()} <= {*COMMANDS, "--install-completion"}
    assert not ({*OTHER_NAMES} | {*ALIASES}) & {*COMMANDS}


def test_the_version_is_shown_by_a_word_too() -> None:
    assert run("version").stdout == run("--version").stdout
