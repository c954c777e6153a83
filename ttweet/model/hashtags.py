"""Hashtags: text to tag bodies, a tag body to its search key. Pure functions.

The rule is twitter-text's, as a profile of Unicode's UAX31-R8, with two wishes of users added: tags without letters
can be found, and a run such as `#cs#3251` is two tags. For each hash sign, left to right:

1. It is none if it is the last character, or if U+FE0F or U+20E3 follows: it is drawn as an emoji or a keycap then.
2. It may start a tag (a) as the first character; (b) exactly where the body of the previous hash sign that passed this
   step ended: a run; (c) if the character before is neither `&` nor a tag character, variation selectors U+FE0E and
   U+FE0F aside, and the hash sign is not inside a URL.
3. The body is the longest stretch of tag characters after it. An empty one is no tag.
4. A body directly followed by `://` is the scheme of a URL and no tag.
5. The body needs a letter or a mark, or with `numeric=True` a letter, a mark or a decimal digit.

All steps read a text's *shape*, where one character stands for each kind that the rule tells apart: so plain regular
expressions do the work, in linear time and without tables. An ASCII text is its own shape.

The set of tags depends on Python's version, since each brings newer Unicode tables. A tag that is stored is data, and
`may_be_body` takes it on every version. Its search key may differ, so a file says which rule and which tables made it.
"""

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from unicodedata import category, normalize

from ttweet.model.characters import Kinds, with_letters, without_ignorables

RULE = 2
"""The version of the rule by which `key` makes search keys. Rule 1 kept `_` and the middle dots at a key's end."""

# The tag characters that are neither letter, mark nor decimal digit (categories L, M, Nd), beside the ASCII `_`.
_EXTRAS = frozenset("\u00b7\u05be\u05f3\u05f4\u0f0b\u0f0c\u200c\u200d\u3003\u301c\u309b\u309c\u30a0\u30fb\ua67e\uff5e")

# In a shape, ASCII and the three marks that the rule names stand for themselves, `#` for either hash sign, and one of
# these four for every other character. A divider is no tag character and ends a URL, as a space does.
_NAMED_MARKS = "\ufe0e\ufe0f\u20e3"
_LETTER_OR_MARK, _DIGIT, _EXTRA, _DIVIDER = "\u00e9", "\u0663", "\u00b7", " "

# Sets of a shape's characters, written to stand between the brackets of a pattern.
_LETTERS = f"A-Za-z{_LETTER_OR_MARK}{_NAMED_MARKS}"
_DIGITS = f"0-9{_DIGIT}"
_TAG_CHARACTERS = f"{_LETTERS}{_DIGITS}_{_EXTRA}"
_DIVIDERS = r'\s<>"{}|\\^`'

# These three patterns are compiled when first needed, as that takes a millisecond: most commands read no tags.


@cache
def _letter(*, or_digit: bool) -> re.Pattern[str]:
    return re.compile(f"[{_LETTERS}{_DIGITS if or_digit else ''}]")


@cache
def _hash_sign() -> re.Pattern[str]:
    """Return steps 1, 2 (a) and (c), 3, 4: `free` is the look at the character before the sign, `scheme` is no tag."""
    return re.compile(
        rf"""
        [#] (?! \Z | [\ufe0f\u20e3] )
        (?P<free> (?<! [&{_TAG_CHARACTERS}] . ) | (?<= [\ufe0e\ufe0f] . ) )?
        (?P<body> [{_TAG_CHARACTERS}]*+ )
        (?P<scheme> :// )?
        """,
        re.VERBOSE | re.DOTALL,
    )


@cache
def _chunk_with_tail() -> re.Pattern[str]:
    """Return the pattern of a chunk of a text, which is cut at its dividers, and of its tail: the inside of a URL.

    The tail starts at the chunk's first `/` or `?` if a host name stands directly before, else at the first one after
    `://` and one more character. Linear: both ways read a chunk once, as a host name cannot start where another may be
    under way.
    """
    return re.compile(
        rf"""
        (?<! [^{_DIVIDERS}] )
        (?P<head>
            [^{_DIVIDERS}/?]*?
            (?<! [A-Za-z0-9.@#$_-] )
            (?: [A-Za-z0-9] [A-Za-z0-9-]*+ \. )++ [A-Za-z]{{2,24}} (?: : [0-9]{{1,5}} )?
        |
            [^{_DIVIDERS}]*? [A-Za-z0-9] :// [^{_DIVIDERS}/?#] [^{_DIVIDERS}/?]*+
        )
        (?P<tail> [/?] [^{_DIVIDERS}]*+ )
        """,
        re.VERBOSE,
    )


# A run of signs and bodies (steps 1, 2 and 3) in an ASCII text without `/` and `?`, which can hold no URL.
_PLAIN_RUN = re.compile("#(?<![&A-Za-z0-9_]#)[A-Za-z0-9_#]+")

# Without this no hash sign can be inside a URL: most texts with a slash or a question mark are done with here.
_SIGN_AFTER_SLASH = re.compile(rf"[/?][^{_DIVIDERS}/?#]*+#")

MAX_GROWTH = 48  # bytes that a tag's search key may be longer than the tag; U+FDFA, common in Arabic, adds 27

_PIECE = 16  # characters normalized between two looks at what came of them: 50 us for the longest
_JOINERS_AT_END = "_\u00b7\u30fb"  # they join words: in `#東京・#大阪` the dot joins two tags and belongs to neither

_REMEMBERED_KEYS = 1024  # of bodies that are not ASCII; 6 MB at most for texts of 150 characters


def extract(text: str, *, numeric: bool = False) -> list[str]:
    """Return the bodies of a text's hashtags as typed, without hash sign, in order, repeats kept.

    With `numeric` also those with decimal digits but no letter or mark. Linear in the length of the text.
    """
    if "#" not in text and "\uff03" not in text:
        return []
    if text.isascii() and "/" not in text and "?" not in text:  # most texts with tags: in a third of the time
        ignored = "_" if numeric else "_0123456789"
        return [body for body in "".join(_PLAIN_RUN.findall(text)).split("#") if body.strip(ignored)]
    return [text[start:end] for start, end in places(text, numeric=numeric)]


def places(text: str, *, numeric: bool = False) -> list[tuple[int, int]]:
    """Return the place of each body that `extract` returns: from where, to where. The hash sign stands before it."""
    found = []
    shape = _without_signs_in_urls(_shape(text))
    needed = _letter(or_digit=numeric)
    run_goes_on_at = -1
    for hash_sign in _hash_sign().finditer(shape):
        if hash_sign["free"] is None and hash_sign.start() != run_goes_on_at:
            continue
        start, run_goes_on_at = hash_sign.span("body")
        if hash_sign["scheme"] is None and needed.search(shape, start, run_goes_on_at):
            found.append((start, run_goes_on_at))
    return found


def beside(tags: Iterable[str], text: str) -> list[str]:
    """Return the tags that do not stand in the text."""
    bodies = extract(text, numeric=True)
    added = [tag for tag in tags if tag not in bodies]
    if not added:
        return added
    found = {key(body) for body in bodies}
    return [tag for tag in added if key(tag) not in found]


def key(body: str, *, rule: int = RULE) -> str:
    """Return the search key of a tag body: NFKC_Casefold until stable, without spaces, and without joiners at its end.

    Compare keys by code point. Case, width and invisible characters make no difference, nor does the way accents are
    written; accents do. The key of a body of nothing but invisible characters is empty: such a tag cannot be searched
    for and is not stored. With `rule` 1 the key is that of files that ttweet wrote before rule 2.
    """
    folded = body.lower().replace(" ", "") if body.isascii() else _fold(body)
    return folded if rule == 1 else folded.rstrip(_JOINERS_AT_END) or folded


def outgrows(body: str) -> bool:
    """Tell whether the search key of a body is more than MAX_GROWTH bytes longer than the body, in UTF-8.

    New tags have no such keys: a character such as U+FDFA becomes eighteen, and 31 tags of it filled 22 times their
    bytes on the disk. Those that are stored already keep theirs.
    """
    if body.isascii():
        return False
    limit = _bytes_in(body) + MAX_GROWTH
    is_long = len(body) > _PIECE
    return (is_long and _folds_beyond(2 * limit, body)) or _bytes_in(key(body)) > limit


def is_body(body: str) -> bool:
    """Tell whether a hash sign and `body` make exactly one tag, letterless ones included, that can be searched for."""
    return extract("#" + body, numeric=True) == [body] and key(body) != ""


def may_be_body(body: str) -> bool:
    """Tell whether `body` is a tag body to this Python, or may be one to a newer that knows more characters."""
    return is_body(with_letters(body)) and key(body) != ""


def is_numeric(key: str) -> bool:
    """Tell whether a search key is letterless (#1, #3251): it has no letter or mark. Such tags are not advertised."""
    return _letter(or_digit=False).search(_shape(with_letters(key))) is None


def _shape(text: str) -> str:
    """Return the shape of a text: of the same length, so that an index into one is an index into the other."""
    return _KINDS.shape(text)


def _kind(character: str) -> str:
    """Return the character that stands for this one in a shape."""
    if character.isascii() or character in _NAMED_MARKS:
        return character
    if character == "\uff03":
        return "#"
    if character in _EXTRAS:
        return _EXTRA
    general_category = category(character)
    if general_category[0] in "LM":
        return _LETTER_OR_MARK
    return _DIGIT if general_category == "Nd" else _DIVIDER


_KINDS = Kinds(_kind)


def _without_signs_in_urls(shape: str) -> str:
    """Replace each hash sign inside a URL. None of them continues a run: `/` and `?` are no tag characters."""
    if ("/" not in shape and "?" not in shape) or not _SIGN_AFTER_SLASH.search(shape):
        return shape
    return _chunk_with_tail().sub(lambda chunk: chunk["head"] + chunk["tail"].replace("#", _DIVIDER), shape)


def _folds_beyond(limit: int, body: str) -> bool:
    """Tell whether a body takes more bytes when it is normalized, piece by piece: in full it may take 0.6 ms."""
    size = 0
    for start in range(0, len(body), _PIECE):
        size += _bytes_in(normalize("NFKC", without_ignorables(body[start : start + _PIECE])).replace(" ", ""))
        if size > limit:
            return True
    return False


def _bytes_in(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


@lru_cache(_REMEMBERED_KEYS)
def _fold(body: str) -> str:
    """Fold until stable: one round may give characters that fold further, such as spaces, capitals and ignorables."""
    folded, before = normalize("NFD", body), None
    while folded != before:
        before = folded
        visible = without_ignorables(folded.casefold())
        folded = normalize("NFKC", visible).replace(" ", "")
    return folded
