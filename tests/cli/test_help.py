import os
import re
import subprocess
from pathlib import Path

import pytest

import ttweet
from tests.support.processes import LIMIT_S, TTWEET, environment, plain, run, run_on_terminal, running_server
from ttweet.cli import shell
from ttweet.cli.main import COMMANDS


@pytest.mark.parametrize("command", ["", *COMMANDS, "--install-completion"])
@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_help_is_a_page_at_any_width(command: str, columns: int) -> None:
    done = run(*command.split(), "--help", variables={"COLUMNS": str(columns)})
    assert (done.returncode, done.stderr) == (0, "")
    for heading in ("Usage: ttweet", "\nOptions\n", "\nExamples\n"):
        assert heading in done.stdout
    if not command.startswith("-"):
        assert "\nExit codes\n" in done.stdout
        assert "\nEnvironment\n" in done.stdout
    assert all(len(line) <= columns for line in done.stdout.splitlines())
    assert "\n\n\n" not in done.stdout


@pytest.mark.parametrize("columns", [1, 10, 20])
def test_a_terminal_may_be_too_narrow_for_any_page(columns: int) -> None:
    done = run("serve", "--help", variables={"COLUMNS": str(columns)})
    assert (done.returncode, done.stderr) == (0, "")
    assert "Wherethereportlinesgo." in "".join(done.stdout.split())


def test_every_option_of_every_command_says_what_it_is_for() -> None:
    for command in COMMANDS:
        page = run(command, "--help", variables={"COLUMNS": "120"}).stdout
        options = page.partition("\nOptions\n")[2].partition("\n\n")[0]
        for line in options.splitlines():
            assert re.match(r"  -[-\w,=. ]*( [A-Z:|a-z]+)?  +\S", line) or line.startswith("      "), line


@pytest.mark.parametrize(
    ("command", "variables"),
    [("chat", "TTWEET_CA TTWEET_TOKEN"), ("run", "TTWEET_SERVER TTWEET_CA TTWEET_TOKEN XDG_STATE_HOME")],
)
def test_the_environment_that_a_command_heeds_is_listed(command: str, variables: str) -> None:
    page = run(command, "--help").stdout
    assert re.findall(r"^  ([A-Z_]{4,})", page.partition("\nEnvironment\n")[2], re.MULTILINE) == variables.split()


def test_what_variables_mean_stands_in_one_column() -> None:
    for command in COMMANDS:
        listed = run(command, "--help").stdout.partition("\nEnvironment\n")[2].splitlines()
        assert all(re.match(r"  [A-Z_]{4,}$|  [A-Z_]{4,13} +(?<=^.{17})\S| {17}\S", line) for line in listed), listed


def test_the_arguments_of_a_session_are_listed() -> None:
    page = run("chat", "--help").stdout
    assert re.findall(r"^  ([A-Z]+)  ", page.partition("\nArguments\n")[2], re.MULTILINE) == ["HOST", "PORT", "NAME"]


def test_what_does_not_fit_on_its_line_goes_on_below_it() -> None:
    page = run("wait", "--help", variables={"COLUMNS": "40"}).stdout
    assert page.startswith(
        "Usage: ttweet wait [TAG ...] [--text\n           STR] [--from ID] [--timeout\n           TIME]\n"
    )
    assert '\n  ttweet wait deploy --text "done"\n      --timeout 10m\n' in page
    assert "  TTWEET_SERVER  HOST:PORT of the\n                 server; else\n" in page


@pytest.mark.parametrize("command", ["", "--help", "--version", "post --help"])
def test_a_page_whose_reader_has_gone_ends_quietly(command: str) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    process = subprocess.Popen([*TTWEET, *command.split()], env=environment(), stdout=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    assert (process.communicate(timeout=LIMIT_S)[1], process.returncode) == (b"", shell.PIPE_CLOSED)


def test_no_arguments_show_the_help_and_so_does_the_word() -> None:
    assert run().stdout == run("help").stdout == run("--help").stdout
    assert run("help", "import").stdout == run("import", "--help").stdout


def test_help_on_a_terminal_has_headings_that_stand_out() -> None:
    code, seen = run_on_terminal("--help")
    assert code == 0
    assert "\x1b[1mCommands" in seen
    assert plain(seen).startswith("Usage: ttweet COMMAND [OPTIONS]\n")


@pytest.mark.parametrize("command", ["", "post", "--install-completion"])
def test_version(command: str) -> None:
    assert run(*command.split(), "--version").stdout == f"ttweet {ttweet.__version__}\n"


@pytest.mark.parametrize("command", ["last", "tags", "follow", "wait", "stats", "post", "delete"])
def test_a_command_that_a_server_refuses_ends_as_its_manual_says(tmp_path: Path, command: str) -> None:
    wanted = {"post": ["hello"], "delete": ["1"]}.get(command, [])
    with running_server(tmp_path, "--anonymous", "none", "--no-report-file") as server:
        assert run(command, *wanted, "--server", server.address).returncode == shell.REFUSED
    manual = run(command, "--help").stdout
    assert re.search(r"^ +5  (the server )?refused", manual, re.MULTILINE), manual
    assert "TTWEET_TOKEN" in manual
