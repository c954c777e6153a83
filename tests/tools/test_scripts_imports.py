"""The programs of scripts/ are packages without circles, even of types, and their classes have names of their own."""

import ast
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]


def classes(*folders: str) -> list[str]:
    """The names of all that are public."""
    modules = [ast.parse(path.read_text()) for folder in folders for path in (ROOT / folder).rglob("*.py")]
    nodes = [node for module in modules for node in module.body if isinstance(node, ast.ClassDef)]
    return [node.name for node in nodes if not node.name.startswith("_")]


@pytest.mark.parametrize("package", ["proofs", "benchmarks"])
def test_no_module_imports_itself_by_way_of_others(package: str) -> None:
    graph = grimp.build_graph(package, exclude_type_checking_imports=False, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(imports) > 20
    TopologicalSorter(imports).prepare()  # raises CycleError


def test_no_class_of_the_scripts_has_the_name_of_another() -> None:
    names = Counter(classes("ttweet", "scripts", "tests/support"))
    assert {name for name in classes("scripts") if names[name] > 1} == set()
