"""Functions and modules stay of a size that is read in one go."""

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[2]
MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60
MEDIAN_FUNCTION_LINES = 8
MAX_ARGUMENTS = 6  # of a constructor, beside self
PUBLIC = {"ttweet/client/any_client.py"}  # the constructor of Client and AsyncClient: users write its keywords

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(folder: str, *endings: str) -> list[Path]:
    return [path for ending in endings for path in sorted((ROOT / folder).rglob(f"*{ending}"))]


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, Function):
            yield node


def lines_of(function: Function) -> int:
    return (function.end_lineno or 0) - function.lineno + 1


@pytest.mark.parametrize("folder", ["ttweet", "tests", "scripts"])
def test_a_module_has_at_most_400_lines(folder: str) -> None:
    lines = {path.relative_to(ROOT): path.read_text().count("\n") for path in sources(folder, ".py", ".c", ".h")}
    assert {path: count for path, count in lines.items() if count > MAX_MODULE_LINES} == {}


@pytest.mark.parametrize("folder", ["ttweet", "tests", "scripts"])
def test_functions_are_short(folder: str) -> None:
    lines = {
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}": lines_of(function)
        for path in sources(folder, ".py")
        for function in functions(path)
    }
    assert {name: count for name, count in lines.items() if count > MAX_FUNCTION_LINES} == {}
    assert median(lines.values()) <= MEDIAN_FUNCTION_LINES


def test_a_constructor_takes_six_arguments_at_most() -> None:
    arguments = {
        f"{path.relative_to(ROOT)}:{function.lineno}": len(function.args.args) - 1 + len(function.args.kwonlyargs)
        for path in sources("ttweet", ".py")
        for function in functions(path)
        if function.name == "__init__" and str(path.relative_to(ROOT)) not in PUBLIC
    }
    assert {place: count for place, count in arguments.items() if count > MAX_ARGUMENTS} == {}
