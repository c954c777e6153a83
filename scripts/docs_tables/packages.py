"""The table of the packages: the first line of each docstring, and the modules in it."""

import ast
from pathlib import Path

import ttweet

PACKAGE = Path(ttweet.__file__).parent


def table() -> str:
    """Return the table of all packages with their purposes and modules."""
    folders = sorted(path.parent for path in PACKAGE.rglob("__init__.py"))
    rows = [f"| `{_name(folder)}` | {_purpose(folder)} | {_modules(folder)} |" for folder in folders]
    return "\n".join(["| package | purpose | modules |", "| --- | --- | --- |", *rows])


def _name(folder: Path) -> str:
    return ".".join(folder.relative_to(PACKAGE.parent).parts)


def _purpose(folder: Path) -> str:
    """The first line of the package's docstring, as a part of a sentence."""
    docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    return docstring.partition("\n")[0].removesuffix(".")


def _modules(folder: Path) -> str:
    return " ".join(f"`{path.stem}`" for path in sorted(folder.glob("*.py")) if path.stem != "__init__")
