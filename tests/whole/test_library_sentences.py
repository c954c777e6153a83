"""The library speaks no command line: its sentences name no command and no option, as programs use it too."""

import re
from pathlib import Path

import pytest

import ttweet
from tests.whole.test_advice import sentences

PACKAGE = Path(ttweet.__file__).parent
LIBRARY = ("model", "protocol", "client", "security", "storage", "broker")
COMMANDS = "serve|post|follow|wait|run|chat|tags|last|stats|log|check|backup|export|import|prune|delete|token"
COMMAND_LINE = re.compile(rf"\bttweet ({COMMANDS})\b| --[a-z]")
# Where a way out is a whole recipe of commands, which `ttweet check` prints as it is.
RECIPES = {
    "client/link_errors.py",
    "storage/sqlite/connections.py",
    "storage/sqlite/errors.py",
    "storage/sqlite/salvage.py",
}
MODULES = [path for package in LIBRARY for path in sorted((PACKAGE / package).rglob("*.py"))]
NAMES = [str(path.relative_to(PACKAGE)) for path in MODULES]


def of_the_command_line(name: str) -> list[str]:
    """The sentences of a module that name a command or an option."""
    return [said for said in sentences(PACKAGE / name) if COMMAND_LINE.search(said)]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in RECIPES])
def test_no_sentence_of_the_library_names_a_command_or_an_option(name: str) -> None:
    assert of_the_command_line(name) == []


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_module_with_recipes_has_some(name: str) -> None:
    assert of_the_command_line(name) != []
