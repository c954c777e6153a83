"""The readme of a built package: an index of packages shows it without the files beside it."""

import re
import sys
from pathlib import Path

import pytest
from docs_site import build, readme

ROOT = Path(__file__).parents[2]
SITE = "https://example.org/ttweet"


@pytest.mark.parametrize(
    ("link", "published"),
    [
        ("[a](docs/commands.md#ttweet-post)", f"[a]({SITE}/docs/commands.html#ttweet-post)"),
        ("![a](docs/recording.svg)", f"![a]({SITE}/docs/recording.svg)"),
        ("[a](contrib/README.md)", f"[a]({SITE}/contrib/index.html)"),
        ("[a](CHANGELOG.md)", f"[a]({SITE}/CHANGELOG.html)"),
        ("[a](https://ntfy.sh)", "[a](https://ntfy.sh)"),
        ("[a](#sharing)", "[a](#sharing)"),
    ],
)
def test_a_link_leads_to_the_published_page(link: str, published: str) -> None:
    assert readme.absolute(link, f"{SITE}/") == published


def test_every_link_of_the_readme_leads_to_a_page_of_the_site(tmp_path: Path) -> None:
    if not Path(sys.executable).with_name("zensical").exists():
        pytest.skip("there is no zensical here; run scripts/docs once")
    assert build.build(tmp_path / "site")
    text = readme.absolute((ROOT / "README.md").read_text(), SITE)
    linked = re.findall(rf"\]\({SITE}/([^)#]+)", text)
    assert linked
    assert [path for path in linked if not (tmp_path / "site" / path).is_file()] == []
