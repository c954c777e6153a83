from pathlib import Path
from typing import Annotated, Literal, get_args

import pytest
from cyclopts import App, CycloptsError, Parameter, Token
from cyclopts.exceptions import CoercionError

from tests.whole.test_docs import arguments, commands
from ttweet.cli.main import make_app
from ttweet.cli.shell import quoted
from ttweet.cli.usage_errors import sentence


def error_of(app: App, *arguments: str) -> CycloptsError:
    with pytest.raises(CycloptsError) as raised:
        app.parse_args(arguments, print_error=False, exit_on_error=False)
    return raised.value


def positive(type_: object, value: int) -> None:
    if value < 1:
        raise ValueError("It must be positive.")


Depth = Annotated[int, Parameter(validator=positive)]


@pytest.fixture
def app() -> App:
    app = App(name="ttweet")

    @app.command
    def dig(
        depth: Annotated[int, Parameter(validator=positive)], /, *, tool: Literal["spade", "fork"] = "spade"
    ) -> None:
        """Never called."""

    @app.command
    def plant(what: Annotated[Literal["oak", "elm", "fir"], Parameter(name="WHAT")], /) -> None:
        """Never called."""

    return app


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["dig"], "missing argument: DEPTH; see ttweet dig --help"),
        (["plant"], "missing argument: WHAT; use oak, elm or fir; see ttweet plant --help"),
        (["dig", "x"], "invalid DEPTH 'x': use a whole number; see ttweet dig --help"),
        (["dig", "0"], "invalid DEPTH '0': it must be positive; see ttweet dig --help"),
        (["dig", "1", "2 3"], "unexpected argument: '2 3'; see ttweet dig --help"),
        (["dig", "1", "--tool", "spode"], "invalid --tool 'spode': use spade or fork; did you mean spade?"),
        (["dig", "1", "--tool", "x"], "invalid --tool 'x': use spade or fork; see ttweet dig --help"),
        (["dig", "1", "--tol", "x"], "unknown option --tol; did you mean --tool?"),
        (["dig", "1", "--hlep"], "unknown option --hlep; did you mean --help?"),
        (["dig", "1", "--toll"], "unknown option --toll; did you mean --tool?"),
        (["dig", "1", "--took=x"], "unknown option --took; did you mean --tool?"),
        (["dig", "1", "--tape", "x"], "unknown option --tape; see ttweet dig --help"),
        (["dig", "1", "--depth", "x"], "unknown option --depth; give DEPTH without it; see ttweet dig --help"),
        (["dig", "1", "--depth=x"], "unknown option --depth; give DEPTH without it; see ttweet dig --help"),
        (["dig", "1", "--zzz"], "unknown option --zzz; see ttweet dig --help"),
    ],
)
def test_an_error_has_the_rejected_words_and_what_would_work(app: App, arguments: list[str], said: str) -> None:
    assert sentence(error_of(app, *arguments)) == said


SIZES = {"--log-limit"}  # which take a number with its unit
NOT_WHOLE = ["1.5", "0x6", "0b1101", "1_1", " 12", "12 ", "+1", "1e3", "\u0663", "", "9" * 5000]


@pytest.mark.parametrize("value", NOT_WHOLE)
def test_no_command_takes_for_a_whole_number_what_is_none(value: str) -> None:
    numbers = [
        argument
        for app in commands().values()
        for argument in arguments(app)
        if int in (argument.hint, *get_args(argument.hint)) and argument.name not in SIZES
    ]
    assert "ID" in [argument.name for argument in numbers]
    for argument in numbers:
        argument.append(Token(keyword=argument.name, value=value))
        with pytest.raises(CoercionError) as raised:
            argument.convert()
        kind = "the id of a tweet" if "ID" in (argument.name, argument.parameter.metavar) else "a whole number"
        assert f"invalid {argument.name} {quoted(value)}: use {kind}" in sentence(raised.value)


def test_no_command_takes_nothing_for_the_name_of_a_file() -> None:
    files = [
        argument
        for app in commands().values()
        for argument in arguments(app)
        if Path in (argument.hint, *get_args(argument.hint)) or argument.parameter.metavar == "FILE"
    ]
    assert {"--db", "--ca", "FILE"} <= {argument.name for argument in files}
    for argument in files:
        argument.append(Token(keyword=argument.name, value=""))
        with pytest.raises(CoercionError) as raised:
            argument.convert()
        assert f"invalid {argument.name} '': use the name of a file" in sentence(raised.value)


def test_no_command_takes_a_value_for_an_option_without_one() -> None:
    app, flags = make_app(), []
    for command, of_command in commands().items():
        for name in [argument.name for argument in arguments(of_command) if command and argument.hint is bool]:
            said = f"invalid {name} 'id': omit the value; see ttweet {command} --help"
            assert sentence(error_of(app, command, f"{name}=id")) == said
            flags.append(name)
    assert {"--json", "--quiet", "--count", "--until-now"} <= {*flags}


def test_of_several_values_the_wrong_one_is_reported_or_all() -> None:
    assert sentence(error_of(make_app(), "delete", "1", "2.5", "3")).startswith("invalid ID '2.5': use the id")
    assert sentence(error_of(make_app(), "delete", "1", "0", "3")).startswith("invalid ID '1 0 3': use 1 or more")


def test_an_error_without_a_sentence_of_its_own_keeps_the_parsers() -> None:
    assert sentence(CycloptsError(msg="Something odd.")) == "something odd; see ttweet --help"
    assert sentence(CoercionError(msg="Odd value.")) == "odd value; see ttweet --help"
