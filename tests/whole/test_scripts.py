"""The scripts of a checkout, called as people call them. No tool is: what they call does nothing here."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import LIMIT_S, environment

ROOT = Path(__file__).parents[2]
SCRIPTS = ("ttweet", "setup", "test", "bench", "prove", "docs", "docs-tables", "man", "pictures", "recording")
TOOLS = ("python", "uv", "ttweet", "ruff", "mypy", "lint-imports")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the scripts and nothing that they start."""
    folder = tmp_path / "check out"
    shutil.copytree(ROOT / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("uv.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    for tool in TOOLS:
        path = folder / ".venv" / "bin" / tool
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    "name", ["ttweet", "setup", "test", "bench", "prove", "docs", "docs-tables", "man", "pictures", "recording"]
)
def test_a_script_may_be_called_by_a_link_from_anywhere(checkout: Path, tmp_path: Path, name: str) -> None:
    link = tmp_path / "bin" / "link"
    link.parent.mkdir()
    link.symlink_to(f"../{checkout.name}/scripts/{name}")
    done = subprocess.run([link], cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 0, done.stderr
    assert list((checkout / ".venv").glob(".made-for-*"))
