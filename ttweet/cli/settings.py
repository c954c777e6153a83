"""Settings of the commands that ask a server: an option, else the environment, the file's profile, the file, a default.

The file's values become variables of the environment that are not set yet. `ca` and `token_file` belong to the server
beside which they stand: for another server they are not used, so that it does not get the token. Quick to import.
"""

from __future__ import annotations

import os

from ttweet import defaults
from ttweet.cli import config_file
from ttweet.cli.config_file import OF_THE_SERVER, Setting
from ttweet.cli.shell import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

PROFILE = "TTWEET_PROFILE"
SERVER = "TTWEET_SERVER"
TOKEN = "TTWEET_TOKEN"  # noqa: S105  # the name of a variable
VARIABLES = {
    "server": SERVER,
    "ca": "TTWEET_CA",
    "token_file": "TTWEET_TOKEN_FILE",
    "name": "TTWEET_AS",
    "tags": "TTWEET_TAG",
}
READERS = frozenset({"find", "last", "list", "ls", "search", "show", "tags"})
"""Commands that read the file of TTWEET_DB if no server is named."""

COMMANDS = READERS | {"chat", "delete", "follow", "post", "run", "stats", "wait"}
HELP = (["--help"], ["-h"], ["--help-all"])

from_file: set[str] = set()
"""The variables that `apply` has set. A command that ttweet starts does not inherit them; it reads the file itself."""


def choose_profile(arguments: list[str]) -> list[str]:
    """Choose the profile of `--profile NAME` at the beginning, and return the other arguments. Raises UsageError."""
    option, *rest = arguments
    _, found, name = option.partition("=")
    if not found and rest:
        name, *rest = rest
    if not name or name.startswith("-"):
        raise UsageError("missing value: --profile; run: ttweet --profile NAME COMMAND")
    os.environ[PROFILE] = name
    return rest


def command_line(*words: str) -> str:
    """Return a command for the user to run, with the profile in use."""
    import shlex  # most commands suggest no other

    profile = os.environ.get(PROFILE)
    return shlex.join(["ttweet", *(["--profile", profile] if profile else []), *words])


def options_given(options: Mapping[str, object]) -> list[str]:
    """Return options with their values as words of a command line, without those that are None."""
    return [word for name, value in options.items() if value is not None for word in _option(name, str(value))]


def _option(name: str, value: str) -> list[str]:
    return [f"{name}={value}"] if value.startswith("-") else [name, value]


def apply(arguments: list[str]) -> None:
    """Set the variables that the file has values for and that are not set. Raises UsageError."""
    from_file.clear()
    if not arguments or arguments[0] not in COMMANDS or arguments[1:2] in HELP:
        return
    settings = _in_file()
    if arguments[0] in READERS and os.environ.get("TTWEET_DB") and not any(map(_is_of_server, arguments)):
        settings = {key: setting for key, setting in settings.items() if key not in ("server", *OF_THE_SERVER)}
    for key, setting in settings.items():
        os.environ[VARIABLES[key]] = setting.value
        from_file.add(VARIABLES[key])


def _is_of_server(word: str) -> bool:
    """Whether a word of a command line is an option with which a server is asked in any case."""
    return word.partition("=")[0] in ("--server", "-s", "--ca")


def keep_to_server(server: str) -> None:
    """Drop the file's certificate and token if a command line names another server than the file."""
    if os.environ.get(SERVER) == server:
        return
    for variable in from_file & {VARIABLES[key] for key in OF_THE_SERVER}:
        del os.environ[variable]
        from_file.remove(variable)


def in_force() -> dict[str, Setting]:
    """Return every setting that has a value. Raises UsageError."""
    settings = {"server": Setting(defaults.SERVER, "default")} | _in_file()
    for key, variable in VARIABLES.items():
        if value := os.environ.get(variable):
            settings[key] = Setting(value, variable)
    if os.environ.get(TOKEN):
        settings.pop("token_file", None)
        settings["token"] = Setting("(hidden)", TOKEN)
    return {key: settings[key] for key in (*VARIABLES, "token") if key in settings}


def _in_file() -> dict[str, Setting]:
    """Return the settings of the file that the environment does not have. Raises UsageError."""
    settings = config_file.read(os.environ.get(PROFILE) or None)
    named = os.environ.get(SERVER)
    if named and not ("server" in settings and settings["server"].value == named):
        settings = config_file.without_server(settings)
    return {key: setting for key, setting in settings.items() if not os.environ.get(VARIABLES[key])}
