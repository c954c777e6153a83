from typing import Annotated, Literal

import pytest
from cyclopts import App, CycloptsError, Parameter
from cyclopts.exceptions import CoercionError

from ttweet.cli_errors import sentence


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

    return app


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["dig"], "DEPTH is missing; see ttweet dig --help"),
        (["dig", "x"], "DEPTH cannot be x: it must be a whole number; see ttweet dig --help"),
        (["dig", "0"], "DEPTH cannot be 0: it must be positive; see ttweet dig --help"),
        (["dig", "1", "2 3"], "one argument too many: '2 3'; see ttweet dig --help"),
        (["dig", "1", "--tool", "spode"], "--tool cannot be spode: there are spade, fork; did you mean spade?"),
        (["dig", "1", "--tool", "x"], "--tool cannot be x: there are spade, fork; see ttweet dig --help"),
        (["dig", "1", "--tol", "x"], "no option --tol; did you mean --tool?"),
        (["dig", "1", "--zzz"], "no option --zzz; see ttweet dig --help"),
    ],
)
def test_what_was_seen_and_what_would_work_are_told(app: App, arguments: list[str], said: str) -> None:
    assert sentence(error_of(app, *arguments)) == said


def test_what_has_no_sentence_of_its_own_keeps_the_parsers() -> None:
    assert sentence(CycloptsError(msg="Something odd.")) == "something odd; see ttweet --help"
    assert sentence(CoercionError(msg="Odd value.")) == "odd value; see ttweet --help"
