"""Lay out the pages, and run zensical on them."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONFIG = Path(__file__).with_name("zensical.toml")
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs", "contrib")

_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")  # of Markdown, to a file


def build(folder: Path) -> bool:
    """Replace the folder by the site. Returns whether zensical built it without a warning."""
    zensical = Path(sys.executable).with_name("zensical")
    with tempfile.TemporaryDirectory() as work:
        lay_out(Path(work) / "pages")
        shutil.copy(CONFIG, work)
        if subprocess.run([zensical, "build", "--strict"], cwd=work, stdout=sys.stderr).returncode:
            return False
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(Path(work) / "site", folder)
    return True


def lay_out(folder: Path) -> None:
    """Copy the pages into a folder, and each file of the checkout that one of them links to."""
    folder.mkdir()
    for name in PAGES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    for page in sorted(folder.rglob("*.md")):
        for link in _LINK.findall(page.read_text()):
            target = (page.parent / link).resolve()
            source = ROOT / target.relative_to(folder)
            if source.is_file() and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)
