"""Options that several commands have mean and refuse the same in each."""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

import pytest
from cyclopts import App, Argument, CycloptsError

from tests.whole.test_docs import arguments, commands
from ttweet.cli.main import make_app
from ttweet.cli.shell import UsageError

NEEDED = {  # what a command line has to have beside its options
    "serve": ["0"],
    "post": ["x"],
    "run": ["--", "true"],
    "token": ["list"],
    "backup": ["copy.db"],
    "cluster": ["status"],
    "delete": ["1"],
    "import": ["tweets.jsonl"],
    "show": ["1"],
    "find": ["x"],
}
TWO_MEANINGS = {"--count"}  # `find` counts, as grep does; `follow` ends after so many tweets, as mosquitto_sub does
VALUES = ["", "0", "0d", "0.5s", "1", "1s", "90", "90d", "1.5", "-1", "x", "two words", "#a", "a#b", "\udcff", "x" * 40]


@cache
def app() -> App:
    """The parser, made once: it loads each command's module."""
    return make_app()


@cache
def shared() -> dict[str, dict[str, Argument]]:
    """The options that more than one command has: name, command, the parser's idea of it."""
    found: dict[str, dict[str, Argument]] = defaultdict(dict)
    for command, one in commands().items():
        for argument in arguments(one):
            for name in argument.names:
                if name.startswith("--"):
                    found[name][command] = argument
    return {name: users for name, users in found.items() if len(users) > 1 and name not in TWO_MEANINGS}


def check(argument: Argument) -> str:
    """The checks of a value that happen before the command begins."""
    parameter = argument.parameter
    return repr((argument.hint, parameter.converter, parameter.validator, parameter.negative))


def cases() -> Iterator[tuple[str, str]]:
    for name, users in shared().items():
        if not any(argument.parameter.count or argument.hint is bool for argument in users.values()):
            yield from ((name, value) for value in VALUES)


def is_taken(command: str, option: str, value: str) -> bool:
    """Whether the parser takes it; a command may find more to say, of all that it was given."""
    try:
        app().parse_args([command, f"{option}={value}", *NEEDED.get(command, [])])
    except (CycloptsError, UsageError):
        return False
    return True


def short_forms() -> set[tuple[str, str]]:
    """Each letter of an option in any command, with the long name beside it."""
    return {
        (name, argument.names[0])
        for one in commands().values()
        for argument in arguments(one)
        for name in argument.names
        if re.fullmatch("-[a-z]", name)
    }


def test_a_letter_means_the_same_in_every_command() -> None:
    letters = [letter for letter, _ in short_forms()]
    assert {"-j", "-n", "-q", "-s", "-t"} <= set(letters)
    assert len(letters) == len(set(letters)), sorted(short_forms())


def test_an_option_with_a_letter_has_it_in_every_command() -> None:
    for letter, option in short_forms() - {("-u", "--upload"), ("-d", "--download")}:
        lacking = [command for command, argument in shared()[option].items() if letter not in argument.names]
        assert lacking == [], option


@pytest.mark.parametrize("option", sorted(shared()))
def test_an_option_has_one_check_in_all_commands(option: str) -> None:
    checks = {command: check(argument) for command, argument in shared()[option].items()}
    assert len(set(checks.values())) == 1, checks


@pytest.mark.parametrize(("option", "value"), [*cases()])
def test_a_value_is_taken_by_all_commands_or_by_none(option: str, value: str) -> None:
    taken = {command: is_taken(command, option, value) for command in shared()[option]}
    assert len(set(taken.values())) == 1, taken


@pytest.mark.parametrize("value", ["0", "0d", "0.0h", "0.5s", "0.9s"])
@pytest.mark.parametrize("command", ["serve", "prune"])
def test_an_age_that_would_keep_no_tweet_is_refused(command: str, value: str) -> None:
    with pytest.raises(UsageError, match=f"^invalid --keep '{value}': it would keep no tweet; use a time such as 90d$"):
        app().parse_args([command, "--keep", value, *NEEDED.get(command, [])])
