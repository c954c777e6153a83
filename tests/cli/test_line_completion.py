"""Tags and names at the tab key: what is offered for a line, in time, and what real shells insert."""

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from tests.support.in_process import run, run_here
from tests.support.peers import peer, says, silent_port
from tests.support.processes import LIMIT_S, TTWEET, Server, environment, running_server
from tests.support.shells import needed, program_folder, typed_in, variables
from ttweet import system
from ttweet.cli import line_completion, shell
from ttweet.cli.completion import script
from ttweet.cli.main import ALIASES, COMMANDS, make_app
from ttweet.client.sync_client import Client
from ttweet.defaults import TIMEOUT_S

SHELLS = ("bash", "zsh", "fish")
HOSTILE = ("$(touch owned)", "`touch owned`", "a;touch owned", "a'b", 'a"b', "a b", "\x1b[31m", "-x")
COMPLETES = f"""#!{sys.executable}
import sys
from ttweet.cli import line_completion
line_completion.DEADLINE_S = 60
if sys.argv[1:2] == ["--complete"]:
    sys.exit(line_completion.complete(sys.argv[2]))
print("got", *sys.argv[1:], end="|\\n")
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server"), "--no-report-file") as server:
        for name, text in (("bob", "one #cs"), ("Bea", "two #CS"), (None, "three #python"), ("bob", "four #寿司")):
            with Client("127.0.0.1", server.port, name=name) as client:
                client.post(text)
        yield server


@pytest.fixture
def here(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setenv("TTWEET_SERVER", server.address)
    return server


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("tags ", ["cs", "python", "寿司"]),
        ("tags CS", ["cs"]),
        ("tags py", ["python"]),
        (r"tags \#py", ["#python"]),
        ("tags cs py", ["python"]),
        ("follow --json py", ["python"]),
        ("follow --last 3 py", ["python"]),
        ("wait 寿", ["寿司"]),
        ("last c", ["cs"]),
        ("post hi -t c", ["cs"]),
        ("run --tag c", ["cs"]),
        ("find tag:c", ["tag:cs"]),
        ("find word -tag:py", ["-tag:python"]),
        ("find --count tag:c", ["tag:cs"]),
        ("find -flaky tag:c", ["tag:cs"]),
        ("ls -n5 tag:c", ["tag:cs"]),
        ("search from:b", ["from:Bea", "from:bob"]),
        ("find --by B", ["Bea", "bob"]),
        ("follow --find by:bo", ["by:bob"]),
    ],
)
def test_a_tag_or_name_is_offered_where_one_may_stand(here: Server, line: str, offered: list[str]) -> None:
    assert sorted(line_completion.offered(f"ttweet {line}")) == sorted(offered)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "ta",
        "tags",
        "tags -",
        "follow --last ",
        "follow --text c",
        "find c",
        "find 'tag:c",
        "find -n tag:c",
        "find --before tag:c",
        "follow --count c",
        "post c",
        "stats c",
        "x c",
    ],
)
def test_nothing_is_offered_elsewhere_and_no_server_is_asked(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTWEET_SERVER", "127.0.0.1:1")
    assert line_completion.offered(f"ttweet {line}") == []


def test_the_server_and_the_file_of_the_line_are_asked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTWEET_SERVER", "127.0.0.1:1")
    for source in (f"--server {server.address}", f"-s {server.address}", f"--db '{server.db}'"):
        assert line_completion.offered(f"ttweet tags {source} py") == ["python"]


@pytest.mark.parametrize("option", ["--profile work", "--profile=work"])
def test_the_server_of_the_profile_is_asked(
    server: Server, option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ttweet").mkdir()
    (tmp_path / "ttweet" / "config.toml").write_text(f'[profiles.work]\nserver = "{server.address}"\n')
    for name, value in {"XDG_CONFIG_HOME": str(tmp_path), "TTWEET_PROFILE": "", "TTWEET_SERVER": ""}.items():
        monkeypatch.setenv(name, value)
    assert line_completion.offered(f"ttweet {option} tags py") == ["python"]


def test_flags_are_those_of_the_parser() -> None:
    app = make_app()
    for name in {*line_completion.OF_TAGS, *(ALIASES.get(one, one) for one in line_completion.OF_QUERIES)}:
        for argument in app[name].assemble_argument_collection():
            names = {one for one in argument.names if one.startswith("-")}
            if argument.hint is bool:
                assert names <= {*line_completion.FLAGS, "--count"}, names  # which has a value in follow
            else:
                assert not names & line_completion.FLAGS, names


@pytest.fixture
def without_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deadline that comes after the tests: it counts from the start of their process, and would end it."""
    monkeypatch.setattr(line_completion, "DEADLINE_S", 86_400.0)


@pytest.mark.usefixtures("without_deadline")
def test_the_words_are_printed_one_a_line(server: Server) -> None:
    done = run("--complete", f"ttweet tags --server {server.address} c")
    assert (done.returncode, done.stdout, done.stderr) == (shell.DONE, "cs\n", "")


@pytest.mark.usefixtures("without_deadline")
def test_without_a_server_nothing_is_printed() -> None:
    done = run("--complete", "ttweet tags --server 127.0.0.1:1 ")
    assert (done.returncode, done.stdout, done.stderr) == (shell.DONE, "", "")


def test_a_server_that_does_not_answer_is_given_up_in_time() -> None:
    with silent_port() as port:
        began = time.monotonic()
        command = [*TTWEET, "--complete", f"ttweet tags --server 127.0.0.1:{port} "]
        with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE) as process:
            assert process.communicate(timeout=LIMIT_S)[0] == b""
        assert time.monotonic() - began < TIMEOUT_S  # far less than that of an answer, on a busy machine too
    assert process.returncode == shell.DONE


def test_the_deadline_counts_from_the_start_of_the_process() -> None:
    assert 0 < system.age_s() < time.monotonic()


@pytest.mark.parametrize("word", HOSTILE)
def test_a_word_that_no_tag_or_name_can_be_is_not_offered(word: str) -> None:
    tag = {"tag": word, "count": 1, "newest": 1, "days": [0] * 14}
    tweet = {"id": 1, "at": 1, "by": word, "text": "x", "tags": []}
    for line, answer in (
        ("tags --server {} ", {"tags": [tag, tag | {"tag": "good"}], "more": False}),
        ("find --server {} --by ", {"tweets": [tweet, tweet | {"by": "good"}], "more": False, "searched_to": None}),
    ):
        with peer(says(json.dumps(["ok", answer]).encode() + b"\n")) as client:
            assert line_completion.offered(f"ttweet {line.format(client.address)}") == ["good"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose shells complete ttweet. To install that starts each shell, so it is done once."""
    home = tmp_path_factory.mktemp("home")
    for name in SHELLS:
        run_here("--install-completion", "--shell", name, env=variables(home, {}))
    return home


def program(folder: Path, text: str) -> Path:
    within = program_folder(folder)
    (within / "ttweet").write_text(text)
    return within


@pytest.mark.parametrize("name", SHELLS)
@pytest.mark.parametrize(
    ("keys", "given"),
    [
        (b"tags py\t\r", "tags python"),
        (b"find --by bo\t\r", "find --by bob"),
        (b"find by:bo\t\r", "find by:bob"),
        (b"post hi -t py\t\r", "post hi -t python"),
        (b"follow --find tag:py\t\r", "follow --find tag:python"),
        (b"tags --numb\t\r", "tags --numbers"),
        (b"sear\t--bef\t\r", "search --before"),
    ],
)
def test_a_shell_completes_tags_and_names(
    name: str, keys: bytes, given: str, server: Server, home: Path, tmp_path: Path
) -> None:
    env = variables(home, {"TTWEET_SERVER": server.address})
    assert typed_in(needed(name), env, program(tmp_path, COMPLETES), b"ttweet " + keys) == given


@pytest.mark.parametrize("name", SHELLS)
@pytest.mark.parametrize("word", ["x$(touch owned)", "x;touch owned", "x'y\"z"])
def test_a_shell_quotes_a_word_that_it_would_interpret(name: str, word: str, home: Path, tmp_path: Path) -> None:
    """No tag is such a word, and the script does not depend on that."""
    text = f'#!/bin/sh\n[ "$1" != --complete ] || {{ printf "%s\\n" {shlex.quote(word)}; exit; }}\necho "got $*|"\n'
    env = variables(home, {})
    assert typed_in(needed(name), env, program(tmp_path, text), b"ttweet tags x\t\r") == f"tags {word}"


@pytest.mark.parametrize("name", SHELLS)
def test_the_script_asks_only_for_commands_that_have_tags_or_names(name: Literal["bash", "zsh", "fish"]) -> None:
    part = script(name).partition("--complete")
    assert part[1]
    assert all(command in COMMANDS or command in ALIASES for command in line_completion.COMMANDS)
