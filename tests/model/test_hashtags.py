"""The hashtag rule: its table, its corners, and its properties against a slow second implementation."""

import string
from itertools import takewhile
from typing import Literal
from unicodedata import category, normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ttweet.model import hashtags
from ttweet.model.hashtags import extract, is_body, is_numeric, key

EXTRAS = "_\u00b7\u05be\u05f3\u05f4\u0f0b\u0f0c\u200c\u200d\u3003\u301c\u309b\u309c\u30a0\u30fb\ua67e\uff5e"

# Text, bodies with letters, bodies with `numeric=True` where these are others.
TABLE: list[tuple[str, str, str | None]] = [
    ("Learning #Python and #python3!", "Python python3", None),
    ("room #3251 at 9, we are #1", "", "3251 1"),
    ("Homework out #cs#3251", "cs", "cs 3251"),
    ("foo#bar#baz", "", None),
    ("C# beats F#, says #dotNet", "dotNet", None),
    ('(#alpha) "#beta" -#gamma /#delta', "alpha beta gamma delta", None),
    ("#covid-19 and #rock'n'roll", "covid rock", None),
    ("#snake_case #_x #__", "snake_case _x", None),
    ("寿司を食べた。#寿司", "寿司", None),
    ("nice talk #python🎉🎉 #🎉", "python", None),
    ("🔥#hot", "hot", None),
    ("https://docs.python.org/3/#intro", "", None),
    ("see https://docs.python.org,#intro", "intro", None),
    ("and/or/#logic v1.2/#notes", "logic notes", None),
    ("##double #", "double", None),
    ("1&#50; R&#D x&#y", "", None),
    ("#https://example.org #x://y", "", None),
]

CORNERS: list[tuple[str, str, str | None]] = [
    # nothing at all
    ("", "", None),
    ("no tag", "", None),
    ("#", "", None),
    ("# #", "", None),
    # what ends a body
    ("#well-known #a.b #c++ #a/b #a@b", "well a c a a", None),
    ("#v²", "v", None),  # superscript two, No
    ("#Ⅷ #①", "", None),  # Roman numeral eight, Nl; circled one, No
    ("#chapterⅧ", "chapter", None),
    ("#a\ud800b", "a", None),  # a lone surrogate
    # runs
    ("#a#b", "a b", None),
    ("#a#b#c#d", "a b c d", None),
    ("#1#2", "", "1 2"),
    ("#1#a#2", "a", "1 a 2"),
    ("x#1#a", "", None),
    ("#a&#b", "a", None),
    ("#a-#b", "a b", None),
    ("x##y", "y", None),
    ("#__#a", "a", None),
    ("#a#", "a", None),
    ("#a#\u20e3#b", "a", None),
    # signs that are none
    ("#️⃣", "", None),
    ("#\u20e3", "", None),
    ("#\ufe0fa #\u20e3a", "", None),
    ("press #️⃣ for #help", "help", None),
    ("##️⃣", "", None),
    # the character before
    ("a#b 1#b _#b é#b ٣#b ·#b ゛#b &#b", "", None),
    (".#a !#b :#c ;#d @#e +#f '#g", "a b c d e f g", None),
    ("☺\ufe0f#a ☺\ufe0e#b", "a b", None),
    ("a\ufe0f#b", "b", None),
    ("e\u0301#b 1\u20e3#b", "", None),
    # full-width hash signs
    ("＃寿司 ＃a#b #c＃d x＃y", "寿司 a b c d", None),
    ("＃ ＃\u20e3", "", None),
    # letters, marks, digits
    ("#e\u0301te #été", "e\u0301te été", None),
    ("#\u0301", "\u0301", None),
    ("#1\u20e3", "1\u20e3", None),
    ("#٣٤ #१२ #𝟙", "", "٣٤ १२ 𝟙"),
    ("#·· #_ #・", "", None),
    ("#हिन्दी #한국어 #עִבְרִית #𠮷野", "हिन्दी 한국어 עִבְרִית 𠮷野", None),
    # the scheme of a URL
    ("#x:/y #x:y #x: //", "x x x", None),
    ("http://a-#x://y http://a-#x:/y", "x", None),  # the second slash is in the tail, and still part of `://`
    ("#été://y #1://y", "", None),
    ("#a#x://y", "a", None),
    # inside a URL by its scheme
    ("http://localhost/#a http://x?q=#b ftp://x/y,#c", "", None),
    ("x http://a.b/(#c)/#d,#e #f", "f", None),
    ("http:///#a http://?#b http://#c/#d", "a b c d", None),
    ("://a/#b é://a/#b", "b b", None),
    ("http://été/-#a", "", None),
    ("http://a😀b/#c http://a<b/#c", "c c", None),
    ("http://a#b/#c", "", None),
    ("http://a/😀#b http://a/\u3000#c http://a/é,#d", "b c", None),
    ("http://a/b|#c http://a/b\\#c http://a/b`#c http://a/b^#c http://a/b{#c http://a/b}#c", "c c c c c c", None),
    ("+//a://b/#c", "", None),
    ("http://a\x1f/#b", "b", None),
    # inside a URL by its host name
    ("example.org/#a www.example.org?#b a-b.de/x,#c", "", None),
    ("example.org/#a:8080/#b example.org:8080/#c example.org:123456/#d", "d", None),
    ("example.o/#a example.org1/#b example./#c .org/#d example.org-/#e", "a b c d e", None),
    (f"x.{'a' * 24}/#a x.{'a' * 25}/#b", "b", None),
    ("me@example.org/#a -x.org/#b _x.org/#c $x.org/#d .x.org/#e ..x.org/#f", "a b c d e f", None),
    ("#x.org/#a", "x a", None),
    ("＃x.org/#a", "x a", None),
    ("1.de/#a 1.2.3.de/#b x--y.de/#c x-.de/#d", "", None),
    ("éx.org/#a (x.org/#b) ,x.org/#c :x.org/#d", "", None),
    ("-/x.org/#a", "a", None),
    ("x.org,/#a x.org,#b", "a b", None),
    ("x.org/:#a", "", None),
    ("#a x.org/#b#c,#d\n#e", "a e", None),
    ("x.org/＃a", "", None),
]


@pytest.mark.parametrize(("text", "lettered", "numeric"), TABLE + CORNERS)
def test_the_rule_by_example(text: str, lettered: str, numeric: str | None) -> None:
    assert extract(text) == lettered.split()
    assert extract(text, numeric=True) == (lettered if numeric is None else numeric).split()


@pytest.mark.parametrize("extra", EXTRAS)
def test_each_extra_character_joins_a_body_blocks_a_sign_and_is_no_tag_alone(extra: str) -> None:
    assert extract(f"#a{extra}b") == [f"a{extra}b"]
    assert extract(f"{extra}#a") == []
    assert extract(f"#{extra}", numeric=True) == []
    assert extract(f"#{extra}1") == []
    assert extract(f"#{extra}1", numeric=True) == [f"{extra}1"]


@pytest.mark.parametrize("other", "-'.+~*%=,;:!?/@&$() 🎉²½Ⅷ①\u00ad\u0f0d\u200b\u2060\u301d")
def test_no_other_character_joins_a_body(other: str) -> None:
    assert extract(f"#a{other}b") == ["a"]


# A second implementation, as plain and slow as can be: each hash sign is judged by itself, with loops over characters.


def is_tag_character(c: str) -> bool:
    return c in EXTRAS or category(c)[0] in "LM" or category(c) == "Nd"


def is_alphanumeric(c: str) -> bool:
    return c in string.ascii_letters + string.digits


def divides(c: str) -> bool:
    return c.isspace() or c in '<>"{}|\\^`' or not (c.isascii() or is_tag_character(c) or c == "＃")


def is_host(s: str) -> bool:
    name, colon, port = s.partition(":")
    if colon and not (1 <= len(port) <= 5 and all(c in string.digits for c in port)):
        return False
    *labels, top = name.split(".")
    return (
        labels != []
        and all(label and is_alphanumeric(label[0]) for label in labels)
        and all(is_alphanumeric(c) or c == "-" for label in labels for c in label)
        and 2 <= len(top) <= 24
        and all(c in string.ascii_letters for c in top)
    )


def ends_in_host(s: str) -> bool:
    starts = (i for i in range(len(s)) if is_host(s[i:]))
    return any(i == 0 or not (is_alphanumeric(s[i - 1]) or s[i - 1] in ".@#＃$_-") for i in starts)


def tail_starts(chunk: str) -> list[int]:
    slashes = [i for i, c in enumerate(chunk) if c in "/?"]
    starts = [i for i in slashes[:1] if ends_in_host(chunk[:i])]
    for i in range(1, len(chunk) - 3):
        if is_alphanumeric(chunk[i - 1]) and chunk[i : i + 3] == "://" and chunk[i + 3] not in "/?#＃":
            starts += [slash for slash in slashes if slash > i + 3][:1]
    return starts


def is_inside_url(text: str, at: int) -> bool:
    first = max((i + 1 for i in range(at) if divides(text[i])), default=0)
    chunk = "".join(takewhile(lambda c: not divides(c), text[first:]))
    return any(first + start < at for start in tail_starts(chunk))


def slowly_extracted(text: str, *, numeric: bool) -> list[str]:
    bodies, run_end = [], -1
    for at, sign in enumerate(text):
        rest = text[at + 1 :]
        if sign not in "#＃" or rest == "" or rest[0] in "\ufe0f\u20e3":
            continue
        before = text[at - 1 : at]
        blocked = before != "" and (before == "&" or (is_tag_character(before) and before not in "\ufe0e\ufe0f"))
        if at not in (0, run_end) and (blocked or is_inside_url(text, at)):
            continue
        body = "".join(takewhile(is_tag_character, rest))
        run_end = at + 1 + len(body)
        if rest[len(body) :].startswith("://"):
            run_end = -1
        elif any(category(c)[0] in "LM" or (numeric and category(c) == "Nd") for c in body):
            bodies.append(body)
    return bodies


PIECES = [*"##＃＃aZé1٣_·゛&/?:.@$-,<(\n \x1f\u3000", "\ufe0e", "\ufe0f", "\u20e3", "\u0301", "Ⅷ", "²", "🎉", "\ud800"]
PIECES += ["://", "http://", "x.org", "www.a-b.de", ":80", "://a/", "#a", "#1"]
texts = st.lists(st.sampled_from(PIECES), max_size=16).map("".join) | st.text(max_size=40)
bodies = st.text(st.characters(categories=["L", "M", "Nd"]) | st.sampled_from(EXTRAS), min_size=1, max_size=12).filter(
    is_body
)


@settings(max_examples=1000)
@given(texts, st.booleans())
def test_extract_is_the_rule_read_word_by_word(text: str, numeric: bool) -> None:
    assert extract(text, numeric=numeric) == slowly_extracted(text, numeric=numeric)


@settings(max_examples=1000)
@given(st.text("##aZ1_&.@:-(\n ", max_size=16), st.booleans())
def test_extract_is_the_rule_for_plain_texts_too(text: str, numeric: bool) -> None:
    assert extract(text, numeric=numeric) == slowly_extracted(text, numeric=numeric)


@given(texts, texts)
def test_texts_joined_by_a_space_have_the_tags_of_both(left: str, right: str) -> None:
    assert extract(f"{left} {right}", numeric=True) == extract(left, numeric=True) + extract(right, numeric=True)


@given(st.lists(bodies, max_size=6), st.sampled_from(["", " ", ", ", "🎉"]))
def test_bodies_with_signs_come_back_as_typed_in_order_and_repeated(wanted: list[str], between: str) -> None:
    assert extract(between.join(f"#{body}" for body in wanted), numeric=True) == wanted


@given(texts)
def test_numeric_only_adds_tags_without_letters(text: str) -> None:
    every = extract(text, numeric=True)
    assert extract(text) == [body for body in every if any(category(c)[0] in "LM" for c in body)]


@pytest.mark.no_cover  # a million characters
@pytest.mark.parametrize(
    "piece",
    ["#", "#a", "a#", "#1", "＃", "/", "a/", "a.", "a-", "a.bb:1", "a://", "://b", "</", "http://a", "x.org/#", "?é#"],
)
def test_a_million_hostile_characters_are_read_in_linear_time(piece: str) -> None:
    # Anything quadratic would need hours here.
    text = "#" + piece * (1_000_000 // len(piece))
    assert extract(f"{text}/#z #last")[-1] == "last"


@pytest.mark.parametrize("body", ["python", "3251", "_x", "café", "寿司", "٣", "\u0301", "1\u20e3", "a" * 600])
def test_a_valid_body_of_a_tag_is_accepted(body: str) -> None:
    assert is_body(body)


@pytest.mark.parametrize(
    "body",
    ["", "#a", "a b", " a", "a ", "a-b", "a#b", "a＃b", "_", "·", "🎉", "Ⅷ", "²", "a\n", "a://", "\ufe0fa", "\u3164"],
)
def test_an_invalid_body_of_a_tag_is_rejected(body: str) -> None:
    assert not is_body(body)


@given(st.text(st.characters(categories=["L", "M", "N", "P"]) | st.sampled_from(EXTRAS), max_size=6))
def test_a_body_has_tag_characters_only_a_letter_mark_or_digit_and_a_key(text: str) -> None:
    legal = all(map(is_tag_character, text)) and any(category(c)[0] in "LM" or category(c) == "Nd" for c in text)
    assert is_body(text) == (legal and text[0] not in "\ufe0f\u20e3" and key(text) != "")


@given(bodies)
def test_a_body_is_found_behind_a_sign(body: str) -> None:
    assert extract(f"see #{body}.", numeric=True) == [body]


@pytest.mark.parametrize("folded", ["1", "3251", "_1", "٣", "1_000"])
def test_a_key_without_letters_is_numeric(folded: str) -> None:
    assert is_numeric(folded)


@pytest.mark.parametrize("folded", ["a", "1a", "python3", "é", "寿", "1\u20e3", "\u0301"])
def test_a_key_with_a_letter_or_a_mark_is_not_numeric(folded: str) -> None:
    assert not is_numeric(folded)


@pytest.mark.no_cover  # a million characters
@pytest.mark.parametrize("plane", range(17))
def test_every_character_joins_a_body_or_ends_it(plane: int) -> None:
    for start in range(max(0x80, plane << 16), (plane + 1) << 16, 256):
        characters = [chr(code_point) for code_point in range(start, start + 256)]
        assert extract(" ".join(f"#a{c}" for c in characters)) == [
            f"a{c}" * is_tag_character(c) or "a" for c in characters
        ]


@pytest.mark.parametrize(
    ("body", "is_too_long"),
    [
        ("go", False),
        ("a" * 150, False),
        ("\u0f66" * 147, False),  # three bytes a letter, which fold to themselves
        ("\ufdfa", False),
        ("محمد\ufdfa", False),  # as in many Arabic texts
        ("\ufdfa" * 2, True),
        ("\ufdfa" * 147, True),
        ("a" * 100 + "\ufdfa" * 47, True),
        ("\ufdfb" * 4, False),
        ("\ufdfb" * 5, True),
        ("\u0130" * 48, False),  # two bytes that become three
        ("\u0130" * 49, True),
        ("\u115f" * 100 + "\ufdfa" * 10, False),  # what is dropped makes room
        ("\ud800", False),
    ],
)
def test_a_key_may_be_48_bytes_longer_than_its_tag(body: str, is_too_long: bool) -> None:
    assert hashtags.outgrows(body) == is_too_long


def test_a_tag_that_grows_tenfold_is_not_folded_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    normalized: list[str] = []

    def note(form: Literal["NFC", "NFD", "NFKC", "NFKD"], text: str) -> str:
        normalized.append(text)
        return normalize(form, text)

    monkeypatch.setattr(hashtags, "normalize", note)
    assert hashtags.outgrows("\ufdfa" * 146)
    assert sum(map(len, normalized)) <= 48
