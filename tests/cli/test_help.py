import os
import re
import subprocess
from collections.abc import Iterator

import pytest

import ttweet
from tests.support.in_process import page
from tests.support.processes import LIMIT_S, TTWEET, Server, environment, plain, run, run_on_terminal, running_server
from ttweet.cli import shell
from ttweet.cli.main import COMMANDS, GROUPS, make_app


@pytest.mark.parametrize("command", ["", *COMMANDS, "--install-completion"])
@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_help_is_a_page_at_any_width(command: str, columns: int) -> None:
    for option in ("--help", "--help-all"):
        seen = page(*command.split(), option, columns=columns)
        assert seen.startswith("Usage: ttweet")
        assert all(len(line) <= columns for line in seen.splitlines())
        assert "\n\n\n" not in seen


@pytest.mark.parametrize("command", [*COMMANDS, "--install-completion"])
def test_a_short_page_fits_a_terminal_of_24_lines(command: str) -> None:
    seen = page(command, "--help").splitlines()
    assert len(seen) <= 24
    assert "Examples" in seen
    assert f"See `ttweet {command} --help-all` for" in " ".join(seen[-2:])


def test_the_first_page_has_each_command_on_a_line_of_its_group() -> None:
    seen = page("--help")
    for title, commands in GROUPS.items():
        listed = seen.partition(f"\n{title}\n")[2].partition("\n\n")[0]
        assert re.findall(r"^  (\w+) ", listed, re.MULTILINE) == [*commands]
        assert len(listed.splitlines()) == len(commands)
    assert len(seen.splitlines()) <= 40


@pytest.mark.parametrize("name", COMMANDS)
def test_the_full_page_has_every_option(name: str) -> None:
    seen = page(name, "--help-all")
    for argument in make_app()[name].assemble_argument_collection():
        if argument.show:
            for spelling in argument.names:
                assert re.search(rf"^  (-\S+, )*{re.escape(spelling)}(?![-\w])", seen, re.MULTILINE), spelling


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_no_command_and_no_default_in_a_sentence_is_cut(columns: int) -> None:
    for command in ["", *COMMANDS, "--install-completion"]:
        for line in page(*command.split(), "--help-all", columns=columns).splitlines():
            assert line.count("`") % 2 == 0, line
            assert line.count("[default: ") == len(re.findall(r"\[default: [^]]+\]", line)), line


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_no_example_is_cut_on_a_terminal_of_60_columns(columns: int) -> None:
    for command in [*COMMANDS, "--install-completion"]:
        examples = page(command, "--help", columns=columns).partition("\nExamples\n")[2].partition("\n\n")[0]
        assert all(re.match(r"  \S", line) for line in examples.splitlines()), examples


@pytest.mark.parametrize("command", ["", *COMMANDS, "--install-completion"])
def test_a_full_page_has_exit_codes_and_environment(command: str) -> None:
    seen = page(*command.split(), "--help-all")
    if not command.startswith("-"):
        assert "\nExit codes\n" in seen
        assert "\nEnvironment\n" in seen


@pytest.mark.parametrize("columns", [1, 10, 20])
def test_a_terminal_may_be_too_narrow_for_any_page(columns: int) -> None:
    assert "Writethereportlogheretoo." in "".join(page("serve", "--help", columns=columns).split())


def test_every_option_of_every_command_says_what_it_is_for() -> None:
    for command in COMMANDS:
        options = page(command, "--help-all", columns=120).partition("ptions\n")[2].partition("\nExamples")[0]
        for line in options.partition("\nCommands of a session")[0].splitlines():
            assert re.match(r"  -[-\w,=. ]*( [A-Z:|a-z]+)?  +\S|      |More options$|$", line), line


OF_A_SERVER = (
    "TTWEET_SERVER TTWEET_CA TTWEET_CERT TTWEET_KEY TTWEET_TOKEN TTWEET_TOKEN_FILE TTWEET_NO_TLS"  # for each client
)


@pytest.mark.parametrize(
    ("command", "variables"),
    [
        ("chat", f"{OF_A_SERVER} TTWEET_AS XDG_STATE_HOME"),
        ("run", f"{OF_A_SERVER} TTWEET_TAG TTWEET_AS XDG_STATE_HOME"),
    ],
)
def test_the_environment_that_a_command_heeds_is_listed(command: str, variables: str) -> None:
    seen = page(command, "--help-all")
    assert re.findall(r"^  ([A-Z_]{4,})", seen.partition("\nEnvironment\n")[2], re.MULTILINE) == variables.split()


def test_the_meanings_of_variables_stand_in_one_column() -> None:
    for command in COMMANDS:
        listed = page(command, "--help-all").partition("\nEnvironment\n")[2].splitlines()
        assert all(re.match(r"  [A-Z_]{4,}$|  [A-Z_]{4,13} +(?<=^.{17})\S| {17}\S", line) for line in listed), listed


def test_the_arguments_of_a_session_are_listed() -> None:
    seen = page("chat", "--help")
    assert re.findall(r"^  ([A-Z]+)  ", seen.partition("\nArguments\n")[2], re.MULTILINE) == ["NAME"]


def test_a_text_that_does_not_fit_on_its_line_continues_below_it() -> None:
    seen = page("wait", "--help", columns=40)
    assert seen.startswith(
        "Usage: ttweet wait [TAG ...] [--text\n           STR] [--after ID] [--timeout\n           TIME]\n"
    )
    assert '\n  ttweet wait deploy --text "done"\n      --timeout 10m\n' in seen
    full = page("wait", "--help-all", columns=40)
    assert "  TTWEET_SERVER  HOST:PORT; default:\n                 127.0.0.1:13001\n" in full


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
    assert "\x1b[1mPosting" in seen
    assert plain(seen).startswith("Usage: ttweet COMMAND [OPTIONS]\n")


@pytest.mark.parametrize("command", ["", "post", "--install-completion"])
def test_every_command_prints_the_version(command: str) -> None:
    assert run(*command.split(), "--version").stdout == f"ttweet {ttweet.__version__}\n"


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without any rights for clients."""
    folder = tmp_path_factory.mktemp("server")
    with running_server(folder, "--anonymous", "none", "--no-report-file") as server:
        yield server


@pytest.mark.parametrize("command", ["last", "tags", "follow", "wait", "stats", "post", "delete"])
def test_a_command_that_a_server_refuses_ends_as_its_manual_says(refusing: Server, command: str) -> None:
    wanted = {"post": ["hello"], "delete": ["1"]}.get(command, [])
    assert run(command, *wanted, "--server", refusing.address).returncode == shell.REFUSED
    manual = page(command, "--help-all")
    assert re.search(r"^ +5  refused", manual, re.MULTILINE), manual
    assert "TTWEET_TOKEN" in manual
