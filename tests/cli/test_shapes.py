"""The exact shapes call what the parser calls."""

import inspect
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.in_process import complains
from ttweet.cli import shapes, shell
from ttweet.cli.actions import find, last, post, tags
from ttweet.cli.main import make_app

LINES = 12_000
WORDS = (
    *("hello", "hello #world", "寿司", "#a", "a", "x y", "", " ", "-", "--", "-5", "help", "0", "post", "=", "a=b"),
    *(
        "--json",
        "--numbers",
        "--count",
        "--server",
        "host:1",
        "--server=h",
        "--tag",
        "--help",
        "--js",
        "-n",
        "--no-json",
    ),
)
ACTIONS = {"post": post, "last": last, "tags": tags, "find": find}

Calls = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """The calls of actions, with all arguments, in place of what they do."""
    made: Calls = []
    for name, module in ACTIONS.items():
        signature = inspect.signature(getattr(module, name))
        monkeypatch.setattr(module, name, _recorder(name, signature, made))
    return made


def _recorder(name: str, signature: inspect.Signature, made: Calls) -> Callable[..., int]:
    def record(*args: Any, **options: Any) -> int:
        bound = signature.bind(*args, **options)
        bound.apply_defaults()
        made.append((name, bound.arguments))
        return 0

    return record


def command_lines() -> set[tuple[str, ...]]:
    """Return different command lines at random, most of them short."""
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    lengths = chance.choices([0, 1, 1, 2, 2, 3, 4], k=LINES)
    return {(chance.choice([*ACTIONS]), *chance.choices(WORDS, k=length)) for length in lengths}


@pytest.mark.no_cover  # a parser's work, a thousand times
def test_a_command_line_of_an_exact_shape_means_the_same_to_the_parser(calls: Calls) -> None:
    app, fitting = make_app(), 0
    for name, *rest in command_lines():
        carry_out = shapes.command(name, rest)
        if carry_out is None:
            continue
        fitting += 1
        carry_out()
        parsed, bound, _ = app.parse_args([name, *rest])
        parsed(*bound.args, **bound.kwargs)
        exact, by_parser = calls[-2:]
        assert exact == by_parser, [name, *rest]
    assert fitting > LINES / 60  # all of them different
    assert len(calls) == 2 * fitting


@pytest.mark.parametrize(
    "line",
    [
        ["post"], ["post", "two", "words"], ["post", " "], ["post", ""], ["post", "-5"],
        ["last", "--json", "--json"], ["last", "--json", "-j"],
        ["post", "x", "--server"], ["last", "x", "--server", "--json"], ["post", "x", "--server="], ["post", "--", "x"],
        ["last", "a", "b"], ["tags", "--help"], ["find", "-n"], ["show", "1"], ["serve", "13001"],
    ],
)  # fmt: skip
def test_an_ambiguous_command_line_fits_no_shape(line: list[str]) -> None:
    name, *rest = line
    assert shapes.command(name, rest) is None


@pytest.mark.parametrize("name", shapes.SHAPES)
def test_each_shape_is_one_of_a_command_with_its_flags_and_options(name: str) -> None:
    numbers, flags, values = shapes.SHAPES[name]
    words = ["x"] * numbers[-1]
    options = ["--server", "host:1"]
    long = [flag for flag in flags if flag.startswith("--")]
    assert values.keys() == {"--server", "-s"}
    assert shapes.command(name, [*words, *long, *options]) is not None
    assert shapes.command(name, [*words, "x", *long]) is None


def test_a_post_of_an_exact_shape_has_the_name_and_the_tags_of_the_environment(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTWEET_TAG", "a b")
    monkeypatch.setenv("TTWEET_AS", "ann")
    parsed, bound, _ = make_app().parse_args(["post", "x"])
    parsed(*bound.args, **bound.kwargs)
    carry_out = shapes.command("post", ["x"])
    assert carry_out is not None
    carry_out()
    assert calls[0] == calls[1]
    assert (calls[1][1]["tags"], calls[1][1]["as_name"]) == (("a", "b"), "ann")


@pytest.mark.parametrize(("variable", "value"), [("TTWEET_TAG", "a-b"), ("TTWEET_AS", "a b")])
def test_an_invalid_name_or_tag_of_the_environment_is_the_same_error_in_both_ways(variable: str, value: str) -> None:
    exact = complains("post", "x", variables={variable: value})
    assert exact == complains("post", "--", "x", variables={variable: value})
    assert exact[0] == shell.USAGE
    assert exact[1].startswith(f"ttweet: {variable}: ")
