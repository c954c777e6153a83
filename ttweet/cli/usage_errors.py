"""Messages for a command line that the parser cannot read: the words seen, and a command that works."""

import re
import shlex
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, get_args, get_origin

from cyclopts import CycloptsError
from cyclopts.exceptions import (
    CoercionError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownOptionError,
    UnusedCliTokensError,
    ValidationError,
)

from ttweet.cli import shell
from ttweet.cli.other_programs import OF_COMMANDS, OF_OTHERS, option_instead

ALIKE = 0.66  # of one, as difflib counts: a letter too many or too few in a name of four, two swapped in one of three

_BOUNDS = {"<=": "at most {}", ">=": "{} or more"}

_MISPLACED = "invalid place of "
PROFILE_FIRST = f"{_MISPLACED}--profile: put it first; run: ttweet --profile NAME COMMAND"


def sentence(error: CycloptsError) -> str:
    """One line for stderr, with the command whose manual says more."""
    what = _what(error)
    if what.startswith(_MISPLACED):
        return what
    command = shlex.join(["ttweet", *(error.command_chain or ())])
    return what if what.endswith("?") else f"{what}; see {command} --help"


def _what(error: CycloptsError) -> str:
    match error:
        case UnknownOptionError():
            return _unknown_option(error)
        case UnusedCliTokensError():
            return f"unexpected argument: {shlex.join(error.unused_tokens or ())}"
        case MissingArgumentError():
            return _missing(error)
        case RepeatArgumentError():
            return f"repeated option: {error.token.keyword}"
        case CoercionError() | ValidationError():
            return _bad_value(error)
        case _:
            return _plain(str(error))


def _missing(error: MissingArgumentError) -> str:
    if error.keyword is not None:
        return f"missing value: {error.keyword}; {_example(error)}"
    if error.argument is None:
        return "missing argument"
    hint = error.argument.hint
    choices = f"; use {_listed(get_args(hint))}" if get_origin(hint) is Literal else ""
    return f"missing argument: {error.argument.name}{choices}"


def _listed(choices: Sequence[object]) -> str:
    """List two or more choices, as in `add, list or revoke`."""
    *others, last = map(str, choices)
    return f"{', '.join(others)} or {last}"


def _example(error: MissingArgumentError) -> str:
    metavar = error.argument.parameter.metavar if error.argument else None
    return f"write {error.keyword} {metavar or str(error.keyword).strip('-').upper()}"


def _unknown_option(error: UnknownOptionError) -> str:
    seen = error.token.keyword or error.token.value
    if known := _known_elsewhere(seen.partition("=")[0], "".join(error.command_chain or ())):
        return known
    if seen.startswith("--") and " " not in seen and (instead := _instead(seen[2:].split("=")[0], error)):
        return f"unknown option {seen}; {instead}"
    what = f"unknown option {shlex.quote(seen)}"
    if (argument := OF_OTHERS.get(seen)) and any(argument in one.names for one in error.argument_collection):
        return f"{what}; give {argument} without it"
    match error.command_chain:
        case ["find"]:
            return f"{what}; put -- before a word that begins with a hyphen"
        case ["run"]:
            return f"{what}; put -- before the command to run"
        case ["post"]:
            return f"{what}; put -- before a message that begins with a hyphen"
    return what


def _known_elsewhere(name: str, command: str) -> str | None:
    """Return the error for an option that stands in the wrong place, or that other programs have."""
    if name == "--profile":
        return PROFILE_FIRST
    if name in OF_COMMANDS and not command:
        return f"{_MISPLACED}{name}: put it after the command; run: ttweet COMMAND {name}{OF_COMMANDS[name]}"
    instead = option_instead(command, name)
    return f"unknown option {name}; {instead}" if instead else None


def _instead(name: str, error: UnknownOptionError) -> str | None:
    """Return a suggestion for an unknown option: an argument, or an option with a similar spelling."""
    known = ["--help", "--version", *[name for argument in error.argument_collection for name in argument.names]]
    if name.upper() in known:
        return f"give {name.upper()} without it"
    options = {one[2:]: one for one in known if one.startswith("--")}  # hyphens would make all of them alike
    close = get_close_matches(name, options, n=1, cutoff=ALIKE)
    return f"did you mean {options[close[0]]}?" if close else None


def _bad_value(error: CoercionError | ValidationError) -> str:
    tokens = error.argument.tokens if error.argument else []  # of several, a validator does not say which is wrong
    if isinstance(error, CoercionError) and error.token is not None:
        tokens = [error.token]
    if error.argument is None or not tokens:
        return _plain(str(error))
    name, seen = tokens[-1].keyword or error.argument.name, " ".join([token.value for token in tokens])
    return f"invalid {name} {shell.quoted(seen)}: {_reason(error, tokens[-1].value)}"


def _reason(error: CoercionError | ValidationError, value: str) -> str:
    if isinstance(error, ValidationError):
        return _bound(_plain(error.exception_message))
    choices = [str(choice) for choice in get_args(error.target_type)]
    if choices:
        close = get_close_matches(value, choices, n=1)
        return f"use {_listed(choices)}" + (f"; did you mean {close[0]}?" if close else "")
    if error.target_type is bool:
        return "omit the value"
    if error.target_type is Path:
        return "use the name of a file"
    if error.argument is not None and "ID" in (error.argument.parameter.metavar, error.argument.name):
        return "use the id of a tweet"
    if error.argument is not None and error.argument.name == "PORT" and ":" in value:
        return "use the port alone, and --host for the address"
    return "use a whole number" if error.target_type is int else "use a number"


def _bound(reason: str) -> str:
    """Word the bound of a number: cyclopts writes `must be >= 1`."""
    return re.sub("^must be (<=|>=) (.*)$", lambda found: f"use {_BOUNDS[found[1]].format(found[2])}", reason)


def _plain(text: str) -> str:
    text = text.strip().rstrip(".")
    return text[:1].lower() + text[1:]
