"""The pages name every module, and a module loads only what it may."""

import ast
import re
from pathlib import Path

import pytest

import ttweet
from tests.support.processes import output_of

PACKAGE = Path(ttweet.__file__).parent
ROOT = PACKAGE.parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in PACKAGE.rglob("*.py")
    if path.stem != "__init__" and "_migrations" not in path.parts
}
PACKAGES = {".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("__init__.py")}


def test_the_design_names_every_package_and_module_and_no_other() -> None:
    design = (ROOT / "docs" / "design.md").read_text()
    rows = re.findall(r"^\| `(ttweet[a-z.]*)` \|.*\| ([^|]*) \|$", design, re.MULTILINE)
    assert {package for package, _ in rows} == PACKAGES
    assert {f"{package}.{name}" for package, names in rows for name in re.findall(r"`(\w+)`", names)} == MODULES


def test_the_map_for_contributors_names_every_package_and_no_other() -> None:
    shown = (ROOT / "CONTRIBUTING.md").read_text().partition("## Map of the package")[2].partition("\n## ")[0]
    named = re.findall(r"^  (\w+)/ ", shown, re.MULTILINE)
    assert sorted(named) == sorted(name.removeprefix("ttweet.") for name in PACKAGES if name.count(".") == 1)


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("model.hashtags", {"trio", "sqlite_utils"}),
        ("model.tweets", {"trio", "sqlite_utils", "json"}),
        ("protocol.requests", {"trio", "socket", "sqlite_utils", "msgspec"}),
        ("cli.classic", {"trio", "cyclopts", "sqlite_utils", "typing", "dataclasses", "unicodedata"}),
        ("storage.sqlite.writer", {"trio"}),
        ("broker.service", {"socket", "sqlite_utils", "cyclopts", "json"}),
        ("server.app", {"cyclopts", "h11", "jinja2", "prometheus_client"}),
    ],
)
def test_a_module_does_not_even_load_the_modules_that_it_must_not_depend_on(module: str, forbidden: set[str]) -> None:
    if module == "broker.service":  # trio itself loads socket; look at the module's own imports
        tree = ast.parse((PACKAGE / "broker" / "service.py").read_text())
        loaded = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    else:
        code = f"import sys, ttweet.{module}; print(*sys.modules)"
        loaded = set(output_of(code).split())
    assert not forbidden & loaded


def test_a_server_alone_loads_nothing_of_a_cluster() -> None:
    loaded = output_of("import sys, ttweet.server.app, ttweet.cli.commands.serve; print(*sys.modules)").split()
    assert [name for name in loaded if name.startswith(("ttweet.cluster", "ttweet.storage.replicated"))] == []
