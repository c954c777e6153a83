"""The library speaks no command line: its sentences name no command and no option, as programs use it too."""

import re
from pathlib import Path

import pytest

import ttweet
from tests.whole.test_advice import sentences

PACKAGE = Path(ttweet.__file__).parent
LIBRARY = ("model", "protocol", "client", "security", "storage", "broker", "server")
COMMANDS = "serve|post|follow|wait|run|chat|tags|last|stats|log|check|backup|export|import|prune|delete|token"
COMMAND_LINE = re.compile(rf"\bttweet ({COMMANDS})\b| --[a-z]")
MODULES = [path for package in LIBRARY for path in sorted((PACKAGE / package).rglob("*.py"))]
OF_THE_OPERATOR = {
    "server/http/guard.py",  # a browser at a wrong address shows it to the operator
    "server/first_steps.py",  # the terminal of `ttweet serve` shows what to type next
}
NAMES = [name for path in MODULES if (name := str(path.relative_to(PACKAGE))) not in OF_THE_OPERATOR]


def of_the_command_line(name: str) -> list[str]:
    """The sentences of a module that name a command or an option."""
    return [said for said in sentences(PACKAGE / name) if COMMAND_LINE.search(said)]


@pytest.mark.parametrize("name", NAMES)
def test_no_sentence_of_the_library_names_a_command_or_an_option(name: str) -> None:
    assert of_the_command_line(name) == []


def test_the_commands_of_the_command_line_are_found() -> None:
    assert any("ttweet check --repair" in said for said in of_the_command_line("cli/advice.py"))
