"""Names that a reader takes for each other are compared as one; names that differ to the eye are not."""

import sys

import pytest

from ttweet.model import tweets
from ttweet.model.errors import Refused
from ttweet.model.lookalikes import looks_of

ALIKE = [
    ("ann", "Ann", "another case"),
    ("ann", "\uff41\uff4e\uff4e", "wide letters"),
    ("ann", "\u0430nn", "a Cyrillic a"),
    ("ann", "\u0251nn", "a Latin alpha"),
    ("ann", "a\u0578\u0578", "an Armenian vo"),
    ("ann", "A\u039d\u039d", "a Greek capital nu"),
    ("ann", "\u13aann", "a Cherokee go"),
    ("ann", "\U0001d41a\U0001d427\U0001d427", "mathematical letters"),
    ("ann", "\u1d00\u0274\u0274", "small capitals"),
    ("ann", "ann\u3164", "a filler, in a name of an earlier ttweet"),
    ("nina", "\u039dINA", "capitals of two scripts"),
    ("Ian", "lan", "a capital I and a small L"),
    ("bob1", "bobl", "a one and a small L"),
    ("Otto", "0tt0", "zeros"),
    ("carla", "\u0441arla", "a Cyrillic es"),
    ("scope", "\u0455\u0441\u043e\u0440\u0435", "all of it Cyrillic"),
    ("HOBAK", "\u041d\u041e\u0412\u0410\u041a", "all of it Cyrillic capitals"),
    ("\u041d\u043e\u0432\u0430\u043a", "\u043d\u043e\u0432\u0430\u043a", "a Cyrillic capital"),
    (
        "\u039d\u03af\u03ba\u03bf\u03c2",
        "\u03bd\u03af\u03ba\u03bf\u03c2",
        "a Greek capital that looks like another letter",
    ),
    ("\u0417\u043e\u044f", "\u0437\u043e\u044f", "a Cyrillic capital that looks like a digit"),
    ("Caesar", "C\u00e6sar", "a ligature"),
    ("BLUE", "\u042bUE", "a letter that looks like two"),
    ("stra\u00dfe", "STRASSE", "a letter that has two for a capital"),
]
APART = [
    ("ann", "nan"),
    ("ann", "anna"),
    ("Bj\u00f6rn", "Bjorn"),
    ("arn", "am"),
    ("van", "nan"),
    ("\u674e\u96f7", "\u674e\u9b4f"),
    ("\u0410\u043d\u043d\u0430", "\u0406\u043d\u043d\u0430"),
    ("\u0646\u0648\u0631", "\u0646\u0627\u0631"),
    ("\uae40", "\uac10"),
]


@pytest.mark.parametrize(("name", "other", "why"), ALIKE, ids=[why for _, _, why in ALIKE])
def test_names_that_look_alike_are_one(name: str, other: str, why: str) -> None:
    assert not looks_of(name).isdisjoint(looks_of(other))


@pytest.mark.parametrize(("name", "other"), APART)
def test_names_that_differ_to_the_eye_are_two(name: str, other: str) -> None:
    assert looks_of(name).isdisjoint(looks_of(other))


@pytest.mark.no_cover  # a million characters
def test_each_letter_looks_like_the_same_letter_in_another_case() -> None:
    letters = [one for one in map(chr, range(sys.maxunicode + 1)) if one.isalpha()]
    cases = [(one, other) for one in letters for other in {one.lower(), one.upper(), one.casefold()}]
    assert [(one, other) for one, other in cases if looks_of(one).isdisjoint(looks_of(other))] == []


@pytest.mark.parametrize("name", ["ann\u3164", "\u3164", "a\u115fnn", "a\u1160nn", "ann\uffa0"])
def test_a_new_name_has_no_invisible_character(name: str) -> None:
    with pytest.raises(Refused, match="invisible character") as refused:
        tweets.checked_name(name)
    assert refused.value.code == "bad_name"


@pytest.mark.parametrize(
    "name", ["bob", "Bj\u00f6rn", "\u674e\u96f7", "\u0410\u043d\u043d\u0430", "\u0646\u0648\u0631", "\u03b1\u03bd"]
)
def test_a_name_may_be_of_any_script(name: str) -> None:
    assert tweets.checked_name(name) == name
