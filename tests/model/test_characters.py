"""Properties of characters in all versions of Python: tried with Unicode 3.2's tables for those of an older Python."""

from unicodedata import normalize, ucd_3_2_0

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttweet.model.characters import is_settled, is_unassigned, settled_form, with_letters

NEWER = "\U0001e08f"  # a combining mark of Unicode 15.0, class 230: no Python before 3.12 knows it
NOBODYS = "\U000e1234"  # unassigned, and in no plan


@pytest.mark.parametrize(
    ("text", "settled"),
    [
        ("", True),
        ("abc #1_", True),
        ("grüße", True),
        ("東京・", True),
        ("a🎉", False),
        (NEWER, False),
        (NOBODYS, False),
    ],
)
def test_a_text_is_settled_when_every_python_knows_all_of_it(text: str, settled: bool) -> None:
    assert is_settled(text) is settled


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("cafe\u0301", "café"),
        ("cafe\u0301 🎉 cafe\u0301", "café 🎉 café"),
        (f"x{NEWER}\u0323", f"x{NEWER}\u0323"),  # as a Python that does not know the mark has stored it
        (f"x\u0323{NEWER}", f"x\u0323{NEWER}"),  # as one that does has ordered it
        (f"e{NEWER}\u0301", f"e{NEWER}\u0301"),
    ],
)
def test_the_settled_form_composes_what_all_versions_compose_and_leaves_the_rest(text: str, form: str) -> None:
    assert settled_form(text) == form


TEXTS = st.text(
    st.sampled_from("aeo\u0301\u0323\u0327🎉가각\u11a8") | st.sampled_from([NEWER, NOBODYS]) | st.characters()
)


def older_form(text: str) -> str:
    """Form C by the tables of Unicode 3.2: an older Python, to which many of our characters are unassigned."""
    return ucd_3_2_0.normalize("NFC", text)


@given(TEXTS)
def test_a_text_that_an_older_python_normalized_is_left_as_it_is(text: str) -> None:
    stored = older_form("".join([one for one in text if one not in CORRECTED]))
    assert settled_form(stored) == stored


CORRECTED = "\U0002f868\U0002f874\U0002f91f\U0002f95f\U0002f9bf"  # their decompositions were wrong in Unicode 3.2


@given(TEXTS)
def test_a_text_that_this_python_has_normalized_stays(text: str) -> None:
    normal = normalize("NFC", text)
    assert settled_form(normal) == normal


def test_an_unassigned_character_stands_for_a_letter() -> None:
    assert is_unassigned(NOBODYS)
    assert not is_unassigned("é")
    assert with_letters(f"1{NOBODYS}é🎉") == "1aé🎉"
