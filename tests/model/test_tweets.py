"""The rules for tweets: lengths, characters, tags beside the text, keys."""

import unicodedata
from contextlib import suppress
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttweet.model import hashtags
from ttweet.model.characters import is_unassigned
from ttweet.model.errors import Refused
from ttweet.model.tweets import (
    LINK_WEIGHT,
    MAX_CHARACTERS,
    MAX_KEY_CHARACTERS,
    MAX_TAGS,
    MAX_TEXT_BYTES,
    TagWeight,
    checked_key,
    checked_tags,
    checked_text,
    draft,
    search_key,
    tag_list,
    weight_of,
)

FITS = {
    "nothing": "",
    "blanks": "   \n\t",
    "150 of one byte": "a" * 150,
    "150 of two bytes": "ä" * 150,
    "150 of four bytes": "🎉" * 150,
    "150 once composed": "e\u0301" * 150,
    "several lines": "one\ntwo\r\nthree",
}
TOO_LONG = {
    "151 of one byte": ("a" * 151, "too long: 151 characters; use at most 150"),
    "151 of two bytes": ("ä" * 151, "too long: 151 characters; use at most 150"),
    "151 of four bytes": ("🎉" * 151, "too long: 604 bytes; use at most 600 bytes, 150 characters"),
    "150 once composed of too many bytes": (
        "e\u0323\u0302" * 150,
        "too long: 750 bytes; use at most 600 bytes, 150 characters",
    ),
    "151 once composed": ("e\u0301" * 151, "too long: 151 characters; use at most 150"),
    "a hundred thousand": ("a" * 100_000, "too long: 100000 characters; use at most 150"),
    "more once decomposed": ("\U0001d160" * 51, "too long: 153 characters; use at most 150"),
}
NO_TEXT = {
    "NUL": ("ab\0", "a NUL character at position 3"),
    "NUL beside other scripts": ("ä\0", "invalid text: a NUL character at position 2"),
    "a lone surrogate": ("a\ud800", "a lone surrogate at position 2"),
    "half of a pair": ("\udf89", "invalid text: a lone surrogate at position 1"),
}
NO_TAG = {
    "blank": (["a b"], "invalid tag 'a b'"),
    "empty": ([""], "invalid tag ''"),
    "hash sign alone": (["#"], "invalid tag '#'"),
    "two hash signs": (["##a"], "invalid tag '##a'"),
    "punctuation": (["a-b"], "invalid tag 'a-b'"),
    "a lone surrogate": (["\ud800"], r"invalid tag '\ud800'"),
    "longer than a text": (["a" * 151], "invalid tag '" + "a" * 40 + "...'"),
    "one too many": (["a"] * 33, "too many tags: use at most 32 beside the text"),
}


def refusal(code: str, words: str) -> "pytest.RaisesExc[Refused]":
    return pytest.RaisesExc(Refused, check=lambda error: error.code == code and words in error.text)


def test_of_tags_without_end_no_more_are_taken_than_tell_that_there_are_too_many() -> None:
    for taken in (iter, tag_list):
        tags = count()
        with refusal("bad_tag", "at most 32"):
            draft("a", tags=taken(map(str, tags)))
        assert next(tags) == 33


@pytest.mark.parametrize("text", FITS.values(), ids=FITS)
def test_a_text_of_150_characters_is_a_tweet(text: str) -> None:
    assert checked_text(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(("text", "words"), TOO_LONG.values(), ids=TOO_LONG)
def test_a_longer_text_is_none_and_the_error_counts_it(text: str, words: str) -> None:
    with refusal("too_long", words):
        checked_text(text)


def test_a_text_of_too_many_bytes_is_refused_before_it_is_normalized() -> None:
    text = "e" + "\u0301" * 149 + "🎉" * 100
    with refusal("too_long", "699 bytes"):
        checked_text(text)
    decomposed = "\u1100\u1161\u11a8" * 100  # a hundred syllables once composed, 900 bytes before
    with refusal("too_long", "900 bytes"):
        checked_text(decomposed)


@pytest.mark.parametrize(("text", "words"), NO_TEXT.values(), ids=NO_TEXT)
def test_a_text_that_no_database_or_terminal_takes_is_refused(text: str, words: str) -> None:
    with refusal("bad_text", words):
        checked_text(text)


@given(st.text(max_size=400))
def test_a_text_is_either_refused_or_kept_in_bounds(text: str) -> None:
    with suppress(Refused):
        kept = checked_text(text)
        assert len(kept) <= MAX_CHARACTERS
        assert len(kept.encode()) <= MAX_TEXT_BYTES
        assert checked_text(kept) == kept


@given(st.text(max_size=MAX_CHARACTERS))
def test_a_draft_finds_each_key_once_and_keeps_the_first_spelling(text: str) -> None:
    try:
        tags = draft(text + " #Python #PYTHON").tags
    except Refused:
        return
    assert all(hashtags.key(spelling) == key != "" for key, spelling in tags.items())
    assert "python" in tags


def test_a_draft_holds_the_texts_tags_and_those_beside_it() -> None:
    tags = draft("on #Go and #go", tags=["#Rust", "GO", "1"]).tags
    assert list(tags.items()) == [("go", "Go"), ("rust", "Rust"), ("1", "1")]


def test_without_a_scan_only_the_tags_beside_the_text_count() -> None:
    assert draft("on #Go", tags=["rust"], scan=False).tags == {"rust": "rust"}
    assert draft("on #Go", scan=False).tags == {}


def test_a_text_without_tags_has_none() -> None:
    assert draft("plain").tags == {}
    assert draft("") == ("", {}, None, None)


def test_a_draft_carries_its_author_and_key() -> None:
    assert draft("a", by="ada", key="k")[2:] == ("ada", "k")


def test_as_many_tags_as_the_limit_are_taken() -> None:
    bodies = [f"t{number}" for number in range(MAX_TAGS)]
    assert checked_tags(bodies, "a") == bodies


@pytest.mark.parametrize(("tags", "words"), NO_TAG.values(), ids=NO_TAG)
def test_a_tag_that_no_search_could_find_is_refused(tags: list[str], words: str) -> None:
    with refusal("bad_tag", words):
        draft("text", tags=tags)


def test_an_empty_message_carries_no_tags() -> None:
    with refusal("bad_tag", "cannot have tags"):
        draft("", tags=["a"])


@pytest.mark.parametrize("key", ["k", "k" * MAX_KEY_CHARACTERS, "schlüssel 🔑"])
def test_a_key_of_1_to_128_characters_is_taken(key: str) -> None:
    assert checked_key(key) == key


@pytest.mark.parametrize(
    ("key", "words"),
    [("", "invalid key of 0 characters"), ("k" * 129, "invalid key of 129 characters"), ("a\0", "NUL")],
)
def test_another_key_is_refused(key: str, words: str) -> None:
    with refusal("bad_key", words):
        draft("text", key=key)


def test_a_key_is_valid_utf8() -> None:
    with pytest.raises(Refused, match="a lone surrogate") as caught:
        draft("text", key="k\ud800")
    assert caught.value.code == "bad_key"


@pytest.mark.parametrize("body", ["東京～大阪", "ﷺ", "‍⃣x", "３２５１"])
def test_every_valid_tag_can_be_searched_for(body: str) -> None:
    for spelling in (body, f"#{body}", f"＃{body}"):
        assert draft(f"to #{body}").tags == draft("to", tags=[spelling]).tags == {search_key(spelling): body}


IN_TEXTS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")


@given(st.text(IN_TEXTS | st.sampled_from("#a 1_-"), max_size=10))
def test_a_tag_can_be_searched_for_if_it_may_be_given_or_is_in_a_text(text: str) -> None:
    for tag in (text, *draft(f"#{text}").tags.values()):
        try:
            beside = draft("text", tags=[tag]).tags
        except Refused:
            assert tag == text
            if not any(map(is_unassigned, tag)):  # a newer Python may have stored it
                with refusal("bad_tag", "invalid tag"):
                    search_key(tag)
        else:
            assert [*beside] == [search_key(tag)]


def test_a_tag_that_is_too_long_for_any_tweet_is_not_even_folded() -> None:
    assert search_key("é" * MAX_CHARACTERS) == "é" * MAX_CHARACTERS
    with pytest.raises(Refused, match=f"1 to {MAX_CHARACTERS} letters"):
        search_key("é" * (MAX_CHARACTERS + 1))


def test_a_tag_whose_key_is_too_long_is_none_in_a_text_and_refused_beside_one_and_in_a_query() -> None:
    long = "\ufdfa" * 2
    assert draft(f"#{long} #go").tags == {"go": "go"}
    with pytest.raises(Refused, match="grows by over 48 bytes") as beside:
        draft("text", tags=[long])
    with pytest.raises(Refused, match="grows by over 48 bytes") as asked:
        search_key("#" + long)
    assert beside.value.code == asked.value.code == "bad_tag"


def test_tags_weigh_the_bytes_of_their_keys_and_a_constant_for_each() -> None:
    assert weight_of({}) == 0
    assert weight_of({"go": "Go"}) == 128 + 2
    assert weight_of({"go": "Go", "café": "CAFÉ"}) == 2 * 128 + 2 + 5


def test_tags_that_several_tweets_carry_weigh_once_and_their_links_each_time() -> None:
    weight = TagWeight()
    weight.add({"go": "Go", "café": "CAFÉ"})
    assert weight.total == weight_of({"go": "Go", "café": "CAFÉ"})
    weight.add(())
    weight.add({"go": "GO"})
    weight.add({"go": "go", "new": "new"})
    assert weight.total == weight_of({"go", "café", "new"}) + 2 * LINK_WEIGHT
