"""Settings: an option comes before the environment, that before the profile, and that before the rest of the file."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.support import in_process, processes
from tests.support.in_process import complains
from ttweet import __main__
from ttweet.cli import config_file, settings, shell
from ttweet.cli.main import ALIASES, COMMANDS, make_app
from ttweet.client import any_client
from ttweet.model.errors import SetupError
from ttweet.model.reports import escape

FILE = """server = "home.example:5"
ca = "ca.pem"
token_file = "/keys/token"
tags = ["ci", "x"]

[profiles.work]
server = "work.example:6"
name = "ann"

[profiles.quiet]
tags = "quiet"
"""

ARGUMENTS = {
    "chat": ["ann"],
    "delete": ["1"],
    "follow": ["x"],
    "post": ["hi"],
    "run": ["--", "true"],
    "show": ["1"],
    "wait": ["x"],
}
"""Arguments for the commands that need some."""

Write = Callable[[str], dict[str, str]]


@pytest.fixture(autouse=True)
def kept_environment() -> Iterator[None]:
    """The environment as it was; commands in this process change it."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
    settings.from_file.clear()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The name of the config file."""
    return tmp_path / "ttweet" / "config.toml"


@pytest.fixture
def write(path: Path, tmp_path: Path) -> Write:
    """Write the config file, and return the variables with which commands find it."""

    def write(text: str) -> dict[str, str]:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return {"XDG_CONFIG_HOME": str(tmp_path)}

    return write


def config(*arguments: str, variables: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """The value and the source of each setting, as `config` shows them."""
    done = in_process.run(*arguments, "config", "--json", variables=variables)
    assert (done.returncode, done.stderr) == (0, "")
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    return {one["key"]: (one["value"], one["source"]) for one in shown}


def applied(line: str, variables: Mapping[str, str]) -> dict[str, str]:
    """The variables that a command line takes from the file."""
    for name in settings.VARIABLES.values():
        os.environ.pop(name, None)
    os.environ.update(variables)
    settings.apply(line.split())
    return {name: os.environ[name] for name in settings.from_file}


def test_the_settings_are_those_of_the_file(write: Write, path: Path) -> None:
    assert config(variables=write(FILE)) == {
        "server": ("home.example:5", str(path)),
        "ca": (str(path.parent / "ca.pem"), str(path)),
        "token_file": ("/keys/token", str(path)),
        "tags": ("ci x", str(path)),
    }


@pytest.mark.parametrize("how", [["--profile", "quiet"], ["--profile=quiet"], []])
def test_a_profile_comes_before_the_rest_of_the_file(write: Write, path: Path, how: list[str]) -> None:
    other = "work" if how else "quiet"  # the option comes before the variable
    shown = config(*how, variables=write(FILE) | {"TTWEET_PROFILE": other})
    assert shown["tags"] == ("quiet", f"{path}, profile quiet")
    assert shown["server"] == ("home.example:5", str(path))
    assert "ca" in shown


def test_a_profile_with_another_server_uses_neither_certificate_nor_token_of_the_file(write: Write) -> None:
    shown = config("--profile", "work", variables=write(FILE))
    assert {key: value for key, (value, _) in shown.items()} == {
        "server": "work.example:6",
        "name": "ann",
        "tags": "ci x",
    }


def test_the_environment_comes_before_the_file(write: Write) -> None:
    shown = config(variables=write(FILE) | {"TTWEET_SERVER": "other:1", "TTWEET_TAG": "mine"})
    assert shown == {"server": ("other:1", "TTWEET_SERVER"), "tags": ("mine", "TTWEET_TAG")}


def test_without_a_file_the_server_is_the_default_and_a_pipe_gets_columns(tmp_path: Path) -> None:
    done = in_process.run("config", variables={"XDG_CONFIG_HOME": str(tmp_path)})
    assert done.stdout == "server\t127.0.0.1:13001\tdefault\n"


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str | None, str | None]]:
    """The certificate and the token file of each client that a command makes; the command ends there."""
    used: list[tuple[str | None, str | None]] = []

    def endpoint(*_: object) -> None:
        used.append((os.environ.get("TTWEET_CA"), os.environ.get("TTWEET_TOKEN_FILE")))
        raise SetupError("unreachable", "as far as the test goes")

    monkeypatch.setattr(any_client, "Endpoint", endpoint)
    return used


@pytest.mark.parametrize("command", sorted(settings.COMMANDS))
def test_only_the_server_of_the_file_gets_its_token_and_is_trusted_by_its_certificate(
    write: Write, command: str, used: list[tuple[str | None, str | None]]
) -> None:
    variables = write(FILE)
    for server in ([], ["--server", "other:1"], ["-s", "other:1"], ["--server=home.example:5"]):
        in_process.run(command, *server, *ARGUMENTS.get(command, []), variables=variables)
    own = (str(Path(variables["XDG_CONFIG_HOME"]) / "ttweet" / "ca.pem"), "/keys/token")
    assert used == [own, (None, None), (None, None), own]


@pytest.mark.parametrize("command", sorted(settings.READERS))
def test_the_same_holds_beside_a_database_of_the_environment(
    write: Write, command: str, used: list[tuple[str | None, str | None]]
) -> None:
    variables = write(FILE) | {"TTWEET_DB": "team.db"}
    for server in (["-s", "home.example:5"], ["--server=other:1"], ["--server=home.example:5"]):
        in_process.run(command, *server, *ARGUMENTS.get(command, []), variables=variables)
    own = (str(Path(variables["XDG_CONFIG_HOME"]) / "ttweet" / "ca.pem"), "/keys/token")
    assert used == [own, (None, None), own]


def test_a_server_of_chat_by_host_and_port_does_not_get_the_token(write: Write) -> None:
    variables = write("token_file = 'missing'\n")
    assert complains("chat", "ann", "--server", "127.0.0.1:1", variables=variables)[0] == shell.UNREACHABLE
    assert complains("chat", "127.0.0.1", "1", "ann", variables=variables)[0] == shell.UNREACHABLE


@pytest.mark.parametrize("line", ["post hi", "post -- -s", "find -slow", "ls", "chat ann", "run -- ls -s", "stats -j"])
def test_a_command_line_without_a_server_uses_all_of_the_file(write: Write, line: str) -> None:
    assert applied(line, write(FILE))["TTWEET_TOKEN_FILE"] == "/keys/token"


def test_a_server_of_the_environment_that_is_the_one_of_the_file_gets_its_token(write: Write) -> None:
    assert "token_file" in config(variables=write(FILE) | {"TTWEET_SERVER": "home.example:5"})


def test_a_token_of_the_environment_comes_before_the_file_of_one_and_is_not_shown(write: Write) -> None:
    shown = config(variables=write(FILE) | {"TTWEET_TOKEN": "ttw_secret"})
    assert shown["token"] == ("(hidden)", "TTWEET_TOKEN")
    assert "token_file" not in shown


def test_a_profile_with_an_empty_list_has_no_tags(write: Write) -> None:
    assert config("--profile", "bare", variables=write(f"{FILE}\n[profiles.bare]\ntags = []\n"))["tags"][0] == ""


@pytest.mark.parametrize("mode", [0o666, 0o602])
def test_a_file_that_any_user_can_change_is_refused_with_what_helps(write: Write, path: Path, mode: int) -> None:
    variables = write(FILE)
    path.chmod(mode)
    problem = f"ttweet: config file '{path}' is not safe: any user can write to it (mode {mode:04o})"
    assert complains("post", "hi", variables=variables) == (shell.USAGE, f"{problem}; run: chmod o-w {path}")


def test_a_file_in_a_folder_that_any_user_can_change_is_refused(write: Write, path: Path) -> None:
    variables = write(FILE)
    path.parent.chmod(0o777)
    assert "is not safe: " in complains("post", "hi", variables=variables)[1]


def test_a_file_that_cannot_be_read_is_an_error_but_one_out_of_reach_is_none(write: Write, path: Path) -> None:
    variables = write(FILE)
    path.unlink()
    path.mkdir()
    assert "cannot be read: Is a directory; repair or remove it" in complains("config", variables=variables)[1]
    path.rmdir()
    path.parent.rmdir()
    path.parent.write_text("no folder")
    assert set(config(variables=variables)) == {"server"}


def test_the_database_of_the_environment_comes_before_the_server_of_the_file(write: Write) -> None:
    variables = write(FILE) | {"TTWEET_DB": "team.db"}
    assert set(applied("last", variables)) == {"TTWEET_TAG"}
    assert applied("post hi", variables)["TTWEET_SERVER"] == "home.example:5"


@pytest.mark.parametrize("line", ["backup copy.db", "post --help", "--version", ""])
def test_a_command_line_that_asks_no_server_does_not_read_the_file(write: Write, line: str) -> None:
    assert applied(line, write("no TOML")) == {}


def test_every_command_with_a_server_uses_the_file() -> None:
    app = make_app()
    asking = {
        name for name in COMMANDS if any("--server" in one.names for one in app[name].assemble_argument_collection())
    }
    assert asking | {alias for alias, name in ALIASES.items() if name in asking} == settings.COMMANDS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\nserver = 5\n", "{}, line 2: invalid server '5'; use a text in quotes"),
        ("server = ''\n", "{}, line 1: invalid server ''; use a text in quotes"),
        ("server = 'h:x'\n", "{}, line 1: invalid server 'h:x': use a port from 1 to 65535"),
        ("tags = [5]\n", "{}, line 1: invalid tags '[5]'; use a text in quotes, or a list of them"),
        ('\ntags = ["a b"]\n', '{}, line 2: invalid tag \'a b\'; write one tag in each text: ["a", "b"]'),
        ('tags = ["a", ""]\n', "{}, line 1: invalid tag ''; omit it"),
        ('ca = "a\\u0000"\n', "{}, line 1: invalid ca 'a\\x00'; use a text in quotes"),
        (
            "name = 'a'\nuser = 'b'\n",
            "{}, line 2: unknown key 'user'; use server, ca, token_file, name, tags or profiles",
        ),
        ("profiles = 'a'\n", "{}, line 1: invalid profiles; use a table, such as [profiles.work]"),
    ],
)
def test_an_error_names_the_line_and_the_value(write: Write, path: Path, text: str, said: str) -> None:
    variables = write(text)
    expected = (shell.USAGE, f"ttweet: {escape(said.format(path))}")
    assert complains("config", variables=variables) == expected
    assert complains("post", "hi", variables=variables) == expected


@pytest.mark.parametrize(("key", "value"), [("name", "a-b"), ("tags", "a b-%")])
def test_a_name_and_tags_are_checked_as_those_of_an_option(write: Write, path: Path, key: str, value: str) -> None:
    code, text = complains("config", variables=write(f"\n\n{key} = '{value}'\n"))
    assert code == shell.USAGE
    assert text.startswith(f"ttweet: {path}, line 3: ")
    assert value.split()[-1] in text


def test_a_file_that_is_no_toml_no_utf8_or_too_long_is_refused(write: Write, path: Path) -> None:
    variables = write("server = h:1")
    assert "invalid TOML" in complains("config", variables=variables)[1]
    assert "line 1" in complains("config", variables=variables)[1]
    path.write_bytes(b"a\n\xff")
    assert complains("config", variables=variables)[1].endswith("line 2: invalid UTF-8; save the file as UTF-8")
    path.write_text("#" * (config_file.MAX_FILE_BYTES + 1))
    assert "use at most 65,536 bytes" in complains("config", variables=variables)[1]


def test_an_unknown_profile_is_refused_with_those_that_exist(write: Write, path: Path) -> None:
    variables = write(FILE)
    expected = f"ttweet: no profile 'home' in {path}; use one of: work, quiet"
    assert complains("--profile", "home", "config", variables=variables) == (shell.USAGE, expected)
    expected = f"ttweet: {path}, line 2: invalid profile 'home'; use a table: [profiles.home]"
    assert complains("--profile", "home", "config", variables=write("[profiles]\nhome = 'h:1'")) == (
        shell.USAGE,
        expected,
    )
    path.unlink()
    expected = f"ttweet: no profile 'home': there is no config file; write {path}"
    assert complains("--profile", "home", "config", variables=variables) == (shell.USAGE, expected)


@pytest.mark.parametrize("line", ["post hi --profile work", "-u h 1 hi --profile=work", "last --profile work"])
def test_a_profile_behind_the_command_is_refused_with_its_place(line: str) -> None:
    expected = "ttweet: invalid place of --profile: put it first; run: ttweet --profile NAME COMMAND"
    assert complains(*line.split()) == (shell.USAGE, expected)


@pytest.mark.parametrize("line", [["--profile"], ["--profile="], ["--profile", "--json"]])
def test_a_profile_without_a_name_is_refused(line: list[str]) -> None:
    with pytest.raises(shell.UsageError, match=r"^missing value: --profile"):
        __main__._main(line)


def test_the_command_that_continues_names_the_profile(write: Write, tmp_path: Path) -> None:
    with processes.running_server(tmp_path, "--no-report-file") as server:
        variables = write(f"[profiles.here]\nserver = '{server.address}'\n")
        for text in ("one", "two"):
            in_process.run("--profile", "here", "post", text, variables=variables)
        found = in_process.run("--profile=here", "find", "-n", "1", variables=variables)
    assert found.stderr == "the newest tweet; older: ttweet --profile here find --limit 1 --before 2\n"


def test_a_command_that_is_run_inherits_the_profile_but_no_value_of_the_file(write: Write, tmp_path: Path) -> None:
    with processes.running_server(tmp_path, "--no-report-file") as server:
        variables = write(f"[profiles.here]\nserver = '{server.address}'\ntags = ['filed']\n")
        names = 'echo "$TTWEET_PROFILE ${TTWEET_SERVER-none} ${TTWEET_TAG-none}"'
        done = processes.run("--profile", "here", "run", "--", "sh", "-c", names, variables=variables)
        assert (done.returncode, done.stdout) == (0, "here none none\n")
        found = processes.run("--profile=here", "find", "tag:filed", "--count", variables=variables)
        assert found.stdout == "1\n"


def test_a_value_that_begins_with_a_hyphen_is_taken_as_a_command_to_run_again_gives_it() -> None:
    words = settings.options_given({"--find": "-red green", "--text": "-x", "--by": "ann", "--last": 3, "--as": None})
    assert words == ["--find=-red green", "--text=-x", "--by", "ann", "--last", "3"]
    _, bound, _ = make_app().parse_args(["follow", *words])
    assert bound.arguments == {"find": "-red green", "text": "-x", "by": "ann", "last": 3}
