"""Words find a text however it is written: case, width and accents make no difference, and every script has words."""

import re
import sys
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttweet.model import words as module
from ttweet.model.words import Span, fold, spans, whole, words

TEXTS = [
    ("", []),
    ("Build 12 is GREEN!", ["build", "12", "is", "green"]),
    ("test_audience v2.4.0", ["test", "audience", "v2", "4", "0"]),
    ("don't #ci-cd http://a.b/c?d=1", ["don", "t", "ci", "cd", "http", "a", "b", "c", "d", "1"]),
    ("Crème Brûlée", ["creme", "brulee"]),
    ("cafe\u0301", ["cafe"]),
    ("Straße ΣΊΣΥΦΟΣ İstanbul Ёлка", ["strasse", "σισυφοσ", "istanbul", "елка"]),
    ("\uff26\uff35\uff2c\uff2c \uff76\uff9e", ["full", "ガ"]),
    ("ﬁnd ℌ", ["find", "h"]),
    ("東京タワー", ["東", "京", "タ", "ワ", "ー"]),
    ("v2リリース", ["v2", "リ", "リ", "ー", "ス"]),
    ("서울에서 만나요", ["서울에서", "만나요"]),
    ("हिन्दी में", ["हिन्दी", "में"]),
    ("ที่นี่", ["ที่", "นี่"]),
    ("שָׁלוֹם", ["שָׁלוֹם"]),
    ("done🎉🎉", ["done", "🎉", "🎉"]),
    ("❤️ 👍🏽 👨‍👩‍👧", ["❤", "👍", "👨", "👩", "👧"]),
    ("€50 ±1", ["€", "50", "±", "1"]),
    ("soft\u00adhyphen می\u200cخواهم", ["softhyphen", "میخواهم"]),
    ('" ( ) * : ^ -- \u202e', []),
]

anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
mixed = st.text("aAé\u0301ß_ #東ガ\uff76\uff9e🎉🏽\u200d\ufe0f\u1100\u1161\u3131\u314fไที่\ufdfaﬁ\u337f", max_size=30)


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_a_text_has_these_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(anything | mixed)
def test_the_words_of_the_spans_are_the_words_of_the_text(text: str) -> None:
    found = spans(text)
    assert [span.word for span in found] == words(text)
    assert all(0 <= span.start < span.end <= len(text) for span in found)
    assert [span.start for span in found] == sorted(span.start for span in found)


@given(anything | mixed)
def test_the_words_joined_by_spaces_have_the_same_words(text: str) -> None:
    assert words(" ".join(words(text))) == words(text)


@given(anything | mixed)
def test_folding_a_folded_text_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_an_ascii_text_folds_as_any_other_text_does() -> None:
    text = "".join(map(chr, range(1, 128)))
    assert fold(text + "é") == fold(text) + "e"
    assert words(text + " é") == [*words(text), "e"]


@pytest.mark.no_cover  # a million characters
def test_no_word_has_an_ascii_character_that_separates_words() -> None:
    allowed = re.compile("[a-z0-9\u0080-\U0010ffff]+")
    characters = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    texts = [" ".join(characters[start : start + 256]) for start in range(0, len(characters), 256)]
    assert all(allowed.fullmatch(word) for text in texts for word in words(text))


def test_a_span_has_the_accents_of_its_word_and_the_whole_of_a_ligature() -> None:
    assert spans("e\u0301t ﬁn") == [Span("et", 0, 3), Span("fin", 4, 6)]


def test_a_character_that_is_four_words_is_the_place_of_each() -> None:
    assert spans("x\u337f") == [Span("x", 0, 1), *[Span(word, 1, 2) for word in "株式会社"]]


def test_every_character_made_of_two_keeps_its_place_and_words_when_it_is_written_as_two() -> None:
    pairs = [pair for code in range(sys.maxunicode + 1) if len(pair := normalize("NFD", chr(code))) > 1]
    assert len(pairs) > 12_000, "with all of Hangul"
    for pair in pairs:
        assert [span.word for span in spans(f"a{pair}")] == words(f"a{pair}")
        assert all(span.end in (1, 1 + len(pair)) for span in spans(f"a{pair}"))


def test_marks_in_a_wrong_order_and_invisible_characters_stay_with_their_letter() -> None:
    assert spans("x\u05d0\u05c1\u05b8.") == [Span("x\u05d0\u05b8\u05c1", 0, 4)]
    assert spans("か\u200d\u3099b") == [Span("が", 0, 3), Span("b", 3, 4)]


@pytest.mark.parametrize("part", ["é", "e\u0301", "ﷺ", "\u0591", "\u1161", "\u200d", "東"])
def test_each_character_is_folded_once_to_find_its_place(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []

    def counted(text: str) -> str:
        lengths.append(len(text))
        return fold(text)

    monkeypatch.setattr(module, "fold", counted)
    spans("w " + part * 100)
    assert sum(lengths) == 1 + 100 * len(part)


def test_a_name_or_key_is_one_word() -> None:
    assert whole("Ann_Lee") == "ann_lee"
    assert whole("\ufdfa") == "صلىاللهعليهوسلم"
