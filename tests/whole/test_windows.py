"""Clients on Windows, as far as Linux can show it: they work without the modules and calls that Windows lacks."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.processes import LIMIT_S, Server, environment, running_server
from tests.support.windows import WITHOUT_POSIX

COMMAND = f"""
{WITHOUT_POSIX}
from ttweet.__main__ import main
sys.exit(main())
"""
LIBRARY = f"""
{WITHOUT_POSIX}
import ttweet

with ttweet.Client(sys.argv[1]) as client:
    print(client.post("by threads #lib").id)
    print(next(iter(client.follow("lib", after=0))).text)

async def by_trio():
    async with ttweet.AsyncClient(sys.argv[1]) as client:
        print((await client.post("by trio #lib")).id)

trio.run(by_trio)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("windows")) as one:
        yield one


def bare(server: Server, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return variables that name the server, without those of coverage, which has ways of its own for Windows."""
    variables = environment({"TTWEET_SERVER": server.address, **(extra or {})})
    return {name: value for name, value in variables.items() if not name.startswith("COVERAGE")}


def start(server: Server, *arguments: str) -> subprocess.Popen[str]:
    variables = bare(server, {"XDG_STATE_HOME": str(server.folder)})
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", COMMAND, *arguments]
    return subprocess.Popen(command, env=variables, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def windows(server: Server, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
    """Return the exit code, the output and the messages of a command."""
    with start(server, *arguments) as process:
        output, said = process.communicate(stdin, timeout=LIMIT_S)
    return process.returncode, output, said


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_classic_forms_post_and_read(server: Server, host: str) -> None:
    code, output, said = windows(server, "-u", host, str(server.port), "From Windows #classic")
    assert (code, output.splitlines()[0], said) == (0, "Transmission Successfull...", "")
    code, output, said = windows(server, "-d", host, str(server.port))
    assert (code, output.splitlines()[0], said) == (0, "Received Message: From Windows #classic", "")


def test_tweets_are_posted_from_the_command_line_and_from_stdin(server: Server) -> None:
    for arguments, stdin in (
        (["post", "one #w"], ""),
        (["post", "-"], "two #w"),
        (["post", "--lines"], "\ufefffour #w\n"),
    ):
        code, output, said = windows(server, *arguments, stdin=stdin)
        assert (code, said) == (0, ""), said
        assert int(output)
    code, output, _ = windows(server, "follow", "w", "--until-now", "--format", "{text}")
    assert (code, output.splitlines()) == (0, ["one #w", "two #w", "four #w"])


def test_ctrl_c_ends_a_follower(server: Server) -> None:
    windows(server, "post", "stay #ctrl")
    with start(server, "follow", "ctrl", "--from", "0") as process:
        assert process.stdout is not None
        assert "stay" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 130
    assert "Traceback" not in said


def test_the_library_works_with_threads_and_with_trio(server: Server) -> None:
    command = [sys.executable, "-c", LIBRARY, server.address]
    done = subprocess.run(command, capture_output=True, text=True, env=bare(server), timeout=LIMIT_S)
    first, text, second = done.stdout.splitlines()
    assert (int(second), text, done.stderr) == (int(first) + 1, "by threads #lib", "")


@pytest.mark.parametrize("command", ["find", "last", "tags", "stats"])
def test_commands_that_ask_a_server_work_on_windows(server: Server, command: str) -> None:
    windows(server, "post", "read #others")
    code, output, said = windows(server, command)
    assert (code, said) == (0, "")
    assert output


def test_a_command_that_needs_more_says_where_it_works(server: Server) -> None:
    code, _, said = windows(server, "run", "--", "true")
    assert (code, said) == (126, "ttweet: true: ttweet runs no commands on Windows; use it in WSL\n")
    code, output, said = windows(server, "post", "--spool", "kept nowhere")
    assert (code, output.strip().isdecimal()) == (0, True)
    assert said.endswith("ttweet keeps no files on Windows; use it in WSL; posting without the spool\n")
    code, _, said = windows(server, "serve", "0")
    assert (code, said.partition(",")[0]) == (1, "ttweet: a server cannot run on Windows")


def test_a_token_file_is_read_whatever_its_mode_says(server: Server, tmp_path: Path) -> None:
    """The modes that Python shows of files on Windows say nothing."""
    token = tmp_path / "token"
    token.write_text("ttw_0000000000000000000000000000000000000000000")
    token.chmod(0o666)
    variables = bare(server, {"TTWEET_TOKEN_FILE": str(token)})
    command = [sys.executable, "-c", COMMAND, "post", "x"]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=LIMIT_S)
    assert "mode" not in done.stderr
