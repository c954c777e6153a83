from hypothesis import given
from hypothesis import strategies as st

from ttweet.model.fitting import Part, cut, split
from ttweet.model.tweets import MAX_CHARACTERS, draft, nfc


def test_a_text_that_fits_stays_as_it_is() -> None:
    assert cut("short #a") == Part("short #a", [])
    assert split("short #a") == [Part("short #a", [])]
    assert split("x" * 150) == [Part("x" * 150, [])]
    assert split("") == split(" " * 200) == [Part("", [])]


def test_a_cut_text_ends_after_a_word_and_keeps_its_tags() -> None:
    text, tags = cut("#first " + "words " * 40 + "#last #FIRST")
    assert text == "#first " + ("words " * 24)[:-7] + "\u2026"
    assert len(text) <= MAX_CHARACTERS
    assert tags == ["last"]


def test_a_split_text_has_all_its_words_and_each_part_has_all_tags() -> None:
    words = [f"word{number}" for number in range(60)]
    parts = split("#a " + " ".join(words) + " #b")
    assert " ".join([part.text for part in parts]) == "#a " + " ".join(words) + " #b"
    assert [part.tags for part in parts] == [["b"], ["a", "b"], ["a"]]


def test_a_character_of_several_code_points_is_not_torn() -> None:
    astronaut, hand, flag = "\U0001f469\u200d\U0001f680", "\U0001f44b\U0001f3fd", "\U0001f1e9\U0001f1ea"
    for whole in ("q\u0301\u0323", astronaut, hand, flag, "\u260e\ufe0f"):
        for begin in range(146, 151):
            parts = split("x" * begin + nfc(whole) * 3)
            assert [part.text.replace(nfc(whole), "").strip("x") for part in parts] == ["", ""]


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=900))
def test_every_part_is_a_tweet_that_a_server_takes(text: str) -> None:
    for part in [cut(text), *split(text)]:
        draft(part.text, tags=part.tags)
