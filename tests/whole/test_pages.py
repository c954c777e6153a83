"""Pages are in order: links lead somewhere, decision records have one form, the changelog is short."""

import re
from pathlib import Path

import pytest

import ttweet

PACKAGE = Path(ttweet.__file__).parent
ROOT = PACKAGE.parent
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
MAX_RELEASE_LINES = 60  # of the changelog, for people who choose whether to upgrade
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "contrib").glob("*.md")])
RECORDS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_decision_records_are_numbered_without_a_gap_and_all_are_of_one_form() -> None:
    assert [int(path.name[:4]) for path in RECORDS] == list(range(1, len(RECORDS) + 1))
    for path in RECORDS:
        text = path.read_text()
        assert text.startswith(f"# {int(path.name[:4])}. "), path.name
        headings = re.findall(r"^## (\w+)", text, re.MULTILINE)
        assert headings == ["Context", "Decision", "Rejected", "Consequences"], path.name


def test_each_decision_record_is_listed_once_by_subject() -> None:
    listed = re.findall(r"\((\d[\w-]+\.md)\)", (ROOT / "docs" / "adr" / "README.md").read_text())
    assert sorted(listed) == [path.name for path in RECORDS]


def test_the_changelog_begins_with_the_newest_release() -> None:
    versions = [
        tuple(map(int, one.split("."))) for one in re.findall(r"^## \[(\d+\.\d+\.\d+)\]", CHANGELOG, re.MULTILINE)
    ]
    assert versions == sorted(versions, reverse=True)
    assert re.search(r"^## \[(Unreleased|\d)", CHANGELOG, re.MULTILINE)


def test_a_release_takes_at_most_sixty_lines_of_the_changelog() -> None:
    releases = re.split(r"^## ", CHANGELOG, flags=re.MULTILINE)[1:]
    assert [len(lines) for release in releases if len(lines := release.splitlines()) > MAX_RELEASE_LINES] == []


def test_every_example_that_hands_a_text_to_a_command_puts_two_hyphens_before_it() -> None:
    pages = [*PAGES, *sorted((PACKAGE / "cli" / "manual").glob("*.py"))]
    handed = [found for page in pages for found in re.findall(r"--exec '(.+?)'", page.read_text()) if "TEXT" in found]
    assert handed
    assert [found for found in handed if ' -- "$TTWEET_TEXT"' not in found] == []
