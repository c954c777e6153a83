"""The key of a tag: what makes two spellings one tag."""

import string
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttweet.model.hashtags import extract, key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Python", "PYTHON"),
        ("Python", "Ｐｙｔｈｏｎ"),
        ("café", "cafe\u0301"),
        ("Fußball", "FUSSBALL"),
        ("STRASSE", "straße"),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("ﬁn", "FIN"),
        ("𝟛𝟚𝟝𝟙", "3251"),
        ("ｶﾞ", "ガ"),
        ("i\u0307", "İ"),
        ("a\u200db", "ab"),
        ("☺\ufe0f", "☺"),
        ("ᾳ", "αι"),
        ("ㅤa", "a"),
    ],
)
def test_spellings_with_one_key(one: str, other: str) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Zähler", "Zahler"), ("cs", "c_s"), ("1", "١"), ("ı", "i"), ("か", "カ"), ("a", "а")]
)
def test_spellings_with_two_keys(one: str, other: str) -> None:
    assert key(one) != key(other)


@pytest.mark.parametrize(
    ("body", "found_by"),
    [
        ("東京・", "東京"),
        ("東京・大阪", "東京・大阪"),
        ("・東京・・", "・東京"),
        ("東京・_·", "東京"),
        ("東京・\u200d", "東京"),
        ("l·l·", "l·l"),
        ("cs_", "cs"),
        ("CS__", "cs"),
        ("snake_case_", "snake_case"),
        ("_x", "_x"),
        ("1_", "1"),
        ("é_", "é"),
        ("_", "_"),
        ("・\u3164", "・"),  # not nothing: then no query would find the tag
    ],
)
def test_a_key_does_not_end_with_what_joins_words(body: str, found_by: str) -> None:
    assert key(body) == key(found_by) == found_by


@pytest.mark.parametrize(
    ("text", "typed"),
    [("#東京・#大阪", ["東京・", "大阪"]), ("#cs_ #cs", ["cs_", "cs"]), ("#a·#b_#c", ["a·", "b_", "c"])],
)
def test_the_spelling_keeps_them_and_the_first_rule_did_so_in_keys(text: str, typed: list[str]) -> None:
    assert extract(text, numeric=True) == typed
    assert [key(body, rule=1) for body in typed] == typed


def test_a_key_has_no_space_even_where_normalization_makes_one() -> None:
    assert key("a゛") == "a\u3099"
    assert key("ͺ") == "ι"
    assert key("\ufdfa") == "صلىاللهعليهوسلم"


IGNORED_RANGES = """
    00AD-00AD 034F-034F 061C-061C 115F-1160 17B4-17B5 180B-180F 200B-200F 202A-202E 2060-206F 3164-3164 FE00-FE0F
    FEFF-FEFF FFA0-FFA0 FFF0-FFF8 1BCA0-1BCA3 1D173-1D17A E0000-E0FFF
"""


@pytest.mark.parametrize("ends", IGNORED_RANGES.split())
def test_default_ignorable_characters_leave_no_trace_in_a_key_and_their_neighbours_do(ends: str) -> None:
    first, last = (int(end, 16) for end in ends.split("-"))
    assert {key(f"a{chr(code_point)}") for code_point in range(first, last + 1)} == {"a"}
    assert all(key(c) != "" for c in (chr(first - 1), chr(last + 1)) if not c.isspace())


def test_the_key_of_invisible_characters_is_empty() -> None:
    assert key("\u200d\ufe0e\u3164") == ""


@pytest.mark.parametrize("blank", [" ", "\u00a0", "\u3000"])
def test_a_key_has_no_spaces(blank: str) -> None:
    assert key(f"a{blank}B") == "ab"
    assert key(blank) == ""


@given(st.text())
def test_a_key_is_its_own_key(text: str) -> None:
    assert key(key(text)) == key(text)


@pytest.mark.no_cover  # a million characters
@pytest.mark.parametrize("plane", range(17))
def test_every_single_character_has_a_stable_key(plane: int) -> None:
    keys = {key(chr(code_point)) for code_point in range(plane << 16, (plane + 1) << 16)}
    assert [folded for folded in keys if key(folded) != folded] == []


@given(st.text())
def test_a_key_does_not_depend_on_the_normal_form(text: str) -> None:
    assert key(normalize("NFC", text)) == key(normalize("NFD", text)) == key(text)


@given(st.text(), st.text(alphabet=string.ascii_letters + string.digits + "_"))
def test_a_key_does_not_depend_on_case(text: str, ascii_text: str) -> None:
    assert key(text.casefold()) == key(text)
    lower = ascii_text.lower()
    assert key(ascii_text) == (lower.rstrip("_") or lower) == key(f"{ascii_text}\ufe0f")
