"""The rules for stored tweets: what one version of Python stored, another takes."""

import pytest

from ttweet.model import stored, tweets
from ttweet.model.errors import Refused
from ttweet.model.hashtags import is_body, is_numeric, key, may_be_body

UNKNOWN = "\U000e1234"  # to every Python: it stands for what a newer one knows
MARK = "\U0001e08f"  # known from Python 3.12 on


@pytest.mark.parametrize("text", ["", "plain", "grüße", "🎉", UNKNOWN, f"x{MARK}\u0323", f"x\u0323{MARK}", "é" * 150])
def test_a_stored_text_stays_as_it_is(text: str) -> None:
    assert stored.checked_text(text) == text


@pytest.mark.parametrize(("text", "code"), [("a\0", "bad_text"), ("\ud800", "bad_text"), (UNKNOWN * 151, "too_long")])
def test_a_text_that_no_version_would_have_stored_is_invalid(text: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        stored.checked_text(text)
    assert refused.value.code == code


@pytest.mark.parametrize("name", ["ann", "Ann1", "寿司", "é", UNKNOWN, f"a{UNKNOWN}1", UNKNOWN * 32])
def test_a_stored_name_stays_as_it_is(name: str) -> None:
    assert stored.checked_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "two words", "a-b", "🎉", f"{UNKNOWN} ", f"{UNKNOWN}!", "ä" * 33, "e\u0301x\u0301"]
)
def test_a_name_that_no_version_would_have_stored_is_invalid(name: str) -> None:
    with pytest.raises(Refused, match="invalid name"):
        stored.checked_name(name)


@pytest.mark.parametrize(
    "tags",
    [[], ["a", "b"], [UNKNOWN], [f"a{UNKNOWN}", f"A{UNKNOWN}"], ["東京・", "東京"], ["a_", "a"], [f"{UNKNOWN}1", "1"]],
)
def test_tags_that_some_version_may_have_stored_are_tags(tags: list[str]) -> None:
    stored.refuse_bad_tags(tags)


@pytest.mark.parametrize(
    "tags",
    [["a", "A"], ["a-b"], ["a b"], [""], ["🎉"], [f"{UNKNOWN} a"], [f"#{UNKNOWN}"], [UNKNOWN, UNKNOWN], [1], [None],
     [f"{UNKNOWN}#"], ["\u3164"], [UNKNOWN * 151]],
)  # fmt: skip
def test_tags_that_no_version_would_have_stored_are_invalid(tags: list[object]) -> None:
    with pytest.raises(Refused) as refused:
        stored.refuse_bad_tags(tags)
    assert refused.value.code == "bad_tag"


@pytest.mark.parametrize("body", [UNKNOWN, f"a{UNKNOWN}", f"1{UNKNOWN}"])
def test_a_query_takes_a_tag_that_an_upload_does_not(body: str) -> None:
    assert may_be_body(body)
    assert not is_body(body)
    assert tweets.search_key(f"#{body}") == key(body) == body
    assert not is_numeric(body)
    with pytest.raises(Refused, match="invalid tag"):
        tweets.draft("text", tags=[body])
    assert UNKNOWN not in "".join(tweets.draft(f"#{body}").tags)
