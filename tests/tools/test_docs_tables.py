"""The generated tables of the docs are those of the code."""

import pytest
from docs_tables import limits, options, pages
from docs_tables.limits import Limit

PACKAGES = ["defaults", "files", "model", "protocol", "security", "client", "storage", "broker", "server", "cli"]


def test_every_generated_table_is_that_of_the_code() -> None:
    outdated = [str(path.relative_to(pages.ROOT)) for path in pages.outdated()]
    assert outdated == [], "run scripts/docs-tables"


def test_every_package_with_limits_has_a_table() -> None:
    page = (pages.ROOT / "docs" / "limits.md").read_text()
    modules = [path.relative_to(limits.PACKAGE).parts[0] for path in limits.PACKAGE.rglob("*.py")]
    with_limits = {name for name in {module.removesuffix(".py") for module in modules} if limits.limits(name)}
    assert {name for name in with_limits if f"<!-- generated: limits of {name} -->" not in page} == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_every_limit_has_its_reason_beside_it(package: str) -> None:
    assert [limit.name for limit in limits.limits(package) if not limit.reason] == []


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("a.FRAME_BYTES", 16 * 1024, "16 KiB"),
        ("a.PLENTY_BYTES", 1024**3, "1 GiB"),
        ("a.LOG_LIMIT", 10**8, "100 MB"),
        ("a.MAX_TEXT_BYTES", 600, "600"),
        ("a.PAUSE_S", 0.0005, "0.0005 s"),
        ("a.PAUSE_S", 60.0, "60 s"),
        ("a.Limits.idle_s", 900.0, "15 min"),
        ("a.KEY_LIFETIME_MS", 7 * 86_400_000, "7 days"),
        ("a.REQUESTS_PER_S", 20, "20"),
        ("a.MAX_WAITING", 10_000, "10,000"),
    ],
)
def test_a_value_has_the_unit_that_its_name_tells(name: str, value: float, shown: str) -> None:
    assert limits.shown(Limit(name, value, "")) == shown


def test_an_option_is_shown_with_its_value_and_its_default_even_if_its_value_has_a_bar() -> None:
    rows = options.manual("log").splitlines()
    assert next(row for row in rows if "`--session" in row).startswith("| `--session N\\|all` | ")
    assert next(row for row in options.manual("serve").splitlines() if "`--max-clients" in row).endswith("| `1000` |")


def test_a_manual_begins_with_summary_and_usage_and_marks_options_and_variables_as_code() -> None:
    lines = options.manual("post").splitlines()
    assert lines[0] == "Post a message and print its id."
    assert lines[2:4] == ["    ttweet post [OPTIONS] [MESSAGE | - | --lines]", ""]
    assert any("With `--lines`" in line for line in lines)
    assert "`TTWEET_TEXT`" in options.manual("follow")


def test_only_what_stands_between_the_marks_is_written_again() -> None:
    page = "before\n<!-- generated: exit codes -->\nold\n<!-- end of generated -->\nafter\n"
    renewed = pages.renew(page)
    assert renewed.startswith("before\n<!-- generated: exit codes -->\n\n| code | meaning |\n")
    assert renewed.endswith("\n\n<!-- end of generated -->\nafter\n")
    assert pages.renew(renewed) == renewed


def test_a_table_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no table 'limts of model'"):
        pages.renew("<!-- generated: limts of model -->\n<!-- end of generated -->")
