"""Switches of the environment: 0 is no."""

import re
from pathlib import Path

import pytest

import ttweet
from ttweet.model.errors import SetupError
from ttweet.model.switches import is_on

SWITCH = "TTWEET_SWITCH"
SETTINGS = {
    "TTWEET_AS",
    "TTWEET_CA",
    "TTWEET_CERT",
    "TTWEET_DB",
    "TTWEET_KEY",
    "TTWEET_SERVER",
    "TTWEET_TAG",
    "TTWEET_TOKEN",
    "TTWEET_TOKEN_FILE",
}
"""The variables that hold a value: read as they are. All others are switches."""


@pytest.mark.parametrize("value", ["1", "yes", "YES", "true", "True", "on", " on ", "1\n"])
def test_a_switch_that_says_yes_is_on(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, value)
    assert is_on(SWITCH)


@pytest.mark.parametrize("value", [None, "", " ", "\t\n", "0", " 0 ", "no", "No", "NO", "false", "FALSE", "off", "Off"])
def test_a_switch_that_says_no_or_nothing_is_off(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if value is None:
        monkeypatch.delenv(SWITCH, raising=False)
    else:
        monkeypatch.setenv(SWITCH, value)
    assert not is_on(SWITCH)


@pytest.mark.parametrize("value", ["maybe", "2", "-1", "00", "n", "y", "none", "yes no", "\x1b]0;", "1" * 1_000])
def test_a_switch_that_says_neither_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, value)
    with pytest.raises(SetupError, match=r"^invalid TTWEET_SWITCH '.{1,50}': use 1 for yes or 0 for no$") as refused:
        is_on(SWITCH)
    assert refused.value.text.isprintable()


def test_no_variable_of_ours_is_a_switch_by_being_set() -> None:
    read = re.compile(r"environ(?:\.get\(|\[)\s*\"(TTWEET_\w+)\"")
    sources = Path(ttweet.__file__).parent.rglob("*.py")
    found = {name for source in sources for name in read.findall(source.read_text())}
    assert found
    assert found <= SETTINGS
