"""The programs of scripts/ are packages without circles, even of types, and their classes have names of their own."""

import ast
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]


def classes() -> Iterator[str]:
    """The names of all that are public."""
    for path in (ROOT / "scripts").rglob("*.py"):
        nodes = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)]
        yield from (node.name for node in nodes if not node.name.startswith("_"))


@pytest.mark.parametrize("package", ["proofs", "benchmarks"])
def test_no_module_imports_itself_by_way_of_others(package: str) -> None:
    graph = grimp.build_graph(package, exclude_type_checking_imports=False, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(imports) > 20
    TopologicalSorter(imports).prepare()  # raises CycleError


def test_no_class_of_the_scripts_has_the_name_of_another() -> None:
    assert [name for name, times in Counter(classes()).items() if times > 1] == []
