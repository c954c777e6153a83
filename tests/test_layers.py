"""The table of docs/design.md holds: a module imports only from lower levels."""

import ast
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

import ttweet
from tests.processes import output_of

PACKAGE = Path(ttweet.__file__).parent
DESIGN = (PACKAGE.parent / "docs" / "design.md").read_text()
LEVELS = {module: int(level) for level, module in re.findall(r"^\| (\d+) \| `(\w+)` \|", DESIGN, re.MULTILINE)}
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")


def imported_modules(module: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse((PACKAGE / f"{module}.py").read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "ttweet":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ttweet."):
            found.add((node.module or "").split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("ttweet.")}
    return found & set(MODULES)


def test_the_table_names_every_module_and_no_other() -> None:
    assert sorted(LEVELS) == MODULES


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_lower_levels(module: str) -> None:
    higher = {name for name in imported_modules(module) if LEVELS[name] >= LEVELS[module]}
    assert not higher, f"{module} (level {LEVELS[module]}) imports {higher}"


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("hashtags", {"trio", "sqlite_utils"}),
        ("tweets", {"trio", "sqlite_utils", "json"}),
        ("wire", {"trio", "socket", "sqlite_utils", "msgspec"}),
        ("classic", {"trio", "cyclopts", "sqlite_utils", "typing", "dataclasses", "unicodedata"}),
        ("sqlite_store", {"trio"}),
        ("service", {"socket", "sqlite_utils", "cyclopts", "json"}),
        ("app", {"cyclopts"}),
    ],
)
def test_what_a_module_must_not_know_is_not_even_loaded(module: str, forbidden: set[str]) -> None:
    if module == "service":  # trio itself loads socket; look at the module's own imports
        tree = ast.parse((PACKAGE / f"{module}.py").read_text())
        loaded = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    else:
        code = f"import sys, ttweet.{module}; print(*sys.modules)"
        loaded = set(output_of(code).split())
    assert not forbidden & loaded


def test_the_map_of_the_readme_names_every_module_and_no_other() -> None:
    readme = (PACKAGE.parent / "README.md").read_text()
    shown = readme.partition("## Map of the package")[2].partition("\n## ")[0]
    named = re.findall(r"`(\w+\*?)`", shown)
    assert {module for module in MODULES if any(fnmatch(module, name) for name in named)} == set(MODULES)
    assert [name for name in named if not any(fnmatch(module, name) for module in MODULES)] == []
