import os
import re
import subprocess
from collections.abc import Iterator

import pytest

import ttweet
from tests.support.in_process import page
from tests.support.processes import LIMIT_S, TTWEET, Server, environment, plain, run, run_on_terminal, running_server
from ttweet.cli import shell
from ttweet.cli.main import COMMANDS


@pytest.mark.parametrize("command", ["", *COMMANDS, "--install-completion"])
@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_help_is_a_page_at_any_width(command: str, columns: int) -> None:
    seen = page(*command.split(), "--help", columns=columns)
    for heading in ("Usage: ttweet", "\nOptions\n", "\nExamples\n"):
        assert heading in seen
    if not command.startswith("-"):
        assert "\nExit codes\n" in seen
        assert "\nEnvironment\n" in seen
    assert all(len(line) <= columns for line in seen.splitlines())
    assert "\n\n\n" not in seen


@pytest.mark.parametrize("columns", [1, 10, 20])
def test_a_terminal_may_be_too_narrow_for_any_page(columns: int) -> None:
    assert "Wherethereportlinesgo." in "".join(page("serve", "--help", columns=columns).split())


def test_every_option_of_every_command_says_what_it_is_for() -> None:
    for command in COMMANDS:
        options = page(command, "--help", columns=120).partition("\nOptions\n")[2].partition("\n\n")[0]
        for line in options.splitlines():
            assert re.match(r"  -[-\w,=. ]*( [A-Z:|a-z]+)?  +\S", line) or line.startswith("      "), line


@pytest.mark.parametrize(
    ("command", "variables"),
    [("chat", "TTWEET_CA TTWEET_TOKEN"), ("run", "TTWEET_SERVER TTWEET_CA TTWEET_TOKEN XDG_STATE_HOME")],
)
def test_the_environment_that_a_command_heeds_is_listed(command: str, variables: str) -> None:
    seen = page(command, "--help")
    assert re.findall(r"^  ([A-Z_]{4,})", seen.partition("\nEnvironment\n")[2], re.MULTILINE) == variables.split()


def test_what_variables_mean_stands_in_one_column() -> None:
    for command in COMMANDS:
        listed = page(command, "--help").partition("\nEnvironment\n")[2].splitlines()
        assert all(re.match(r"  [A-Z_]{4,}$|  [A-Z_]{4,13} +(?<=^.{17})\S| {17}\S", line) for line in listed), listed


def test_the_arguments_of_a_session_are_listed() -> None:
    seen = page("chat", "--help")
    assert re.findall(r"^  ([A-Z]+)  ", seen.partition("\nArguments\n")[2], re.MULTILINE) == ["HOST", "PORT", "NAME"]


def test_what_does_not_fit_on_its_line_goes_on_below_it() -> None:
    seen = page("wait", "--help", columns=40)
    assert seen.startswith(
        "Usage: ttweet wait [TAG ...] [--text\n           STR] [--from ID] [--timeout\n           TIME]\n"
    )
    assert '\n  ttweet wait deploy --text "done"\n      --timeout 10m\n' in seen
    assert "  TTWEET_SERVER  HOST:PORT of the\n                 server; else\n" in seen


@pytest.mark.parametrize("command", ["", "--help", "--version", "post --help"])
def test_a_page_whose_reader_has_gone_ends_quietly(command: str) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    process = subprocess.Popen([*TTWEET, *command.split()], env=environment(), stdout=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    assert (process.communicate(timeout=LIMIT_S)[1], process.returncode) == (b"", shell.PIPE_CLOSED)


def test_no_arguments_show_the_help_and_so_does_the_word() -> None:
    assert run().stdout == page("help") == page("--help")
    assert page("help", "import") == page("import", "--help")


def test_help_on_a_terminal_has_headings_that_stand_out() -> None:
    code, seen = run_on_terminal("--help")
    assert code == 0
    assert "\x1b[1mCommands" in seen
    assert plain(seen).startswith("Usage: ttweet COMMAND [OPTIONS]\n")


@pytest.mark.parametrize("command", ["", "post", "--install-completion"])
def test_version(command: str) -> None:
    assert run(*command.split(), "--version").stdout == f"ttweet {ttweet.__version__}\n"


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that lets nobody do anything."""
    folder = tmp_path_factory.mktemp("server")
    with running_server(folder, "--anonymous", "none", "--no-report-file") as server:
        yield server


@pytest.mark.parametrize("command", ["last", "tags", "follow", "wait", "stats", "post", "delete"])
def test_a_command_that_a_server_refuses_ends_as_its_manual_says(refusing: Server, command: str) -> None:
    wanted = {"post": ["hello"], "delete": ["1"]}.get(command, [])
    assert run(command, *wanted, "--server", refusing.address).returncode == shell.REFUSED
    manual = page(command, "--help")
    assert re.search(r"^ +5  (the server )?refused", manual, re.MULTILINE), manual
    assert "TTWEET_TOKEN" in manual
