"""The picture of the packages says what the code does, and is made from its text."""

import re
from pathlib import Path
from xml.etree import ElementTree

import grimp

DOCS = Path(__file__).parents[2] / "docs"
DOT = (DOCS / "design.dot").read_text()
SVG = ElementTree.parse(DOCS / "design.svg")  # our own
IMPORTS = {(a, b) for a, b, more in re.findall(r"^  (\w+) -> (\w+)(.*)$", DOT, re.MULTILINE) if "label" not in more}
MAX_WORDS = 1_050  # of the page, beside its tables and trees
WAY = {(a, b) for a, b, more in re.findall(r"^  (\w+) -> (\w+)(.*)$", DOT, re.MULTILINE) if "label" in more}
PACKAGES = set(re.findall(r"^  (\w+) \[label", DOT, re.MULTILINE))


def package_of(module: str) -> str:
    return [*module.split("."), ""][1]


def imports_of_the_code() -> set[tuple[str, str]]:
    graph = grimp.build_graph("ttweet", exclude_type_checking_imports=True)
    every = {
        (package_of(module), package_of(imported))
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
    }
    return {(a, b) for a, b in every if a != b and {a, b} <= PACKAGES}


def test_the_picture_has_every_package() -> None:
    assert {path.parent.name for path in (DOCS.parent / "ttweet").glob("*/__init__.py")} == PACKAGES


def test_the_arrows_are_the_imports_there_are() -> None:
    found = imports_of_the_code()
    every_package_imports_model = {(package, "model") for package in PACKAGES - {"model"}}
    way = WAY & found
    assert every_package_imports_model <= found
    assert found - every_package_imports_model == (IMPORTS - every_package_imports_model) | way


def test_the_picture_is_made_from_its_text() -> None:
    titles = {title.text for title in SVG.iter("{http://www.w3.org/2000/svg}title")}
    arrows = {f"{a}->{b}" for a, b in IMPORTS | WAY}
    assert titles == PACKAGES | arrows | {"design"}


def test_a_tweet_goes_through_the_picture_in_numbered_steps() -> None:
    steps = [int(number) for number in re.findall(r'label=" (\d) ', DOT)]
    assert steps == list(range(1, len(WAY) + 1))


def test_the_page_is_read_in_five_minutes() -> None:
    page = (DOCS / "design.md").read_text()
    prose = re.sub(r"^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)
    words = re.sub(r"^\|.*$", "", prose, flags=re.MULTILINE).split()
    assert len(words) <= MAX_WORDS
