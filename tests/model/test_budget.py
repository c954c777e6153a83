"""The budget of names and texts: their bytes are counted before anything is normalized, folded or searched."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import NoReturn

import pytest

from ttweet.model import budget, hashtags, stored, tweets
from ttweet.model.errors import Refused

SCRIPTS = {
    "Latin": "a",
    "Latin with an accent": "é",
    "Cyrillic": "я",
    "Arabic": "ع",
    "Devanagari": "क",
    "Tibetan": "ཀ",
    "Han": "漢",
    "Hangul": "한",
    "Han beyond the first plane": "𠮷",
}
PIECES = {
    **SCRIPTS,
    "a mark": "\u0301",
    "marks in the wrong order": "\u0345\u0334",
    "a ligature of eighteen": "\ufdfa",
    "jamo": "\u1112\u1161\u11ab",
    "a lone surrogate": "\ud800",
    "what no Python knows": "\U000e1234",
}
CHECKS: dict[str, tuple[Callable[[str], object], int]] = {
    "a name": (tweets.checked_name, tweets.MAX_NAME_BYTES),
    "a stored name": (stored.checked_name, tweets.MAX_NAME_BYTES),
    "a text": (tweets.checked_text, tweets.MAX_TEXT_BYTES),
    "a stored text": (stored.checked_text, tweets.MAX_TEXT_BYTES),
    "a tag": (tweets.checked_tag, tweets.MAX_TEXT_BYTES),
    "a tag of a query": (tweets.search_key, tweets.MAX_TEXT_BYTES),
    "a stored tag": (lambda tag: stored.refuse_bad_tags([tag]), tweets.MAX_TEXT_BYTES),
    "a key": (tweets.checked_key, 4 * tweets.MAX_KEY_CHARACTERS),
}
EXPENSIVE = {
    stored: ("settled_form", "with_letters"),
    hashtags: ("normalize", "_fold", "extract", "with_letters"),
}


def refuse_work(*_: object) -> NoReturn:
    raise AssertionError("too long a value was worked on")


@pytest.mark.parametrize(("check", "max_bytes"), CHECKS.values(), ids=CHECKS)
@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)
def test_a_value_of_too_many_bytes_is_refused_before_any_work_on_it(
    check: Callable[[str], object], max_bytes: int, piece: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, names in EXPENSIVE.items():
        for name in names:
            monkeypatch.setattr(module, name, refuse_work)
    monkeypatch.setattr(tweets, "unicodedata", SimpleNamespace(normalize=refuse_work))
    for size in (max_bytes + 1, 16 * 1024):
        with pytest.raises(Refused):
            check("a" + piece * (size // budget.size(piece) + 1))


@pytest.mark.parametrize("letter", SCRIPTS.values(), ids=SCRIPTS)
def test_the_longest_name_of_each_script_is_taken(letter: str) -> None:
    name = letter * tweets.MAX_NAME_CHARACTERS
    assert tweets.checked_name(name) == stored.checked_name(name) == name


def test_the_refusal_counts_bytes_where_characters_may_become_fewer() -> None:
    with pytest.raises(Refused, match="too long: 129 bytes; use at most 128 bytes, 32 characters") as refused:
        tweets.checked_name("a" + "e\u0301" * 42 + "bc")
    assert refused.value.code == "bad_name"
    assert tweets.checked_name("e\u0301" * 32) == "é" * 32
