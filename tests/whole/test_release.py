"""scripts/release refuses what is not committed, tagged and in the changelog, before it runs anything."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.processes import LIMIT_S, environment

ROOT = Path(__file__).parents[2]
WRITER = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here")


def git(checkout: Path, *arguments: str) -> None:
    command = ["git", "-C", str(checkout), "-c", "commit.gpgsign=false", *arguments]
    subprocess.run(command, env=environment(WRITER), check=True, capture_output=True, timeout=LIMIT_S)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with version 1.2.3, and with a step of tests that does nothing."""
    folder = tmp_path / "checkout"
    (folder / "scripts").mkdir(parents=True)
    (folder / "ttweet").mkdir()
    shutil.copy(ROOT / "scripts" / "release", folder / "scripts")
    (folder / "ttweet" / "__init__.py").write_text('__version__ = "1.2.3"\n')
    (folder / "CHANGELOG.md").write_text("## [Unreleased]\n")
    (folder / "scripts" / "test").write_text("#!/bin/sh\necho tested >&2; exit 9\n")
    (folder / "scripts" / "test").chmod(0o755)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "Begin")
    return folder


def release(checkout: Path, *arguments: str, site: str = "https://example.org/ttweet") -> tuple[int, str]:
    command = [str(checkout / "scripts" / "release"), *arguments]
    variables = environment({**WRITER, "TTWEET_SITE": site})
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=LIMIT_S)
    return done.returncode, done.stderr


def test_a_release_needs_the_address_to_which_the_links_of_its_readme_lead(checkout: Path) -> None:
    code, said = release(checkout, "--check", site="")
    assert (code, said.partition(";")[0]) == (1, "release: no address of the documentation")


def test_a_tree_with_changes_is_refused(checkout: Path) -> None:
    (checkout / "new").write_text("x")
    assert release(checkout, "--check") == (1, "release: uncommitted changes; see git status\n")


def test_a_commit_without_the_tag_of_its_version_is_refused(checkout: Path) -> None:
    git(checkout, "tag", "v1.2.2")
    code, said = release(checkout, "--check")
    assert (code, said) == (1, "release: no tag v1.2.3 at this commit; run: git tag -s v1.2.3\n")


def test_a_version_that_the_changelog_lacks_is_refused(checkout: Path) -> None:
    git(checkout, "tag", "v1.2.3")
    code, said = release(checkout, "--check")
    assert (code, said) == (1, "release: no release '1.2.3' in CHANGELOG.md; add: ## [1.2.3]\n")


def test_a_release_whose_tests_fail_is_not_built(checkout: Path) -> None:
    (checkout / "CHANGELOG.md").write_text("## [1.2.3]\n")
    git(checkout, "commit", "-q", "-a", "-m", "Release 1.2.3")
    git(checkout, "tag", "v1.2.3")
    assert release(checkout, "--check") == (9, "tested\n")


def test_without_check_the_script_only_prints_its_usage(checkout: Path) -> None:
    assert release(checkout) == (2, "usage: scripts/release --check\n")
