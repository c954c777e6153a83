"""Queries of find: a line as people type it to a value, and whether a tweet holds what it asks for. Pure functions.

    green build          both words, anywhere in the text
    "timed out"          these words in this order; an open quote runs to the end
    gree*                a word that begins like this
    tag:ci  #ci          the tag, by its search key
    from:ann  by:ann     the author, in any case
    since:7d             at most this old, or not before 2026-01-31
    until:2026-02        before this time
    -flaky               not this; the same for phrases, tags and authors

Everything else is text: `10:30`, `v2.4.0` and `a.b/c` are phrases of their parts, and `OR` is a word. So there are no
syntax errors. A query is refused only if it is too long, or if a part of it cannot mean anything.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from ttweet.model import hashtags, stored, times, tweets
from ttweet.model.errors import Refused
from ttweet.model.limits import MAX_QUERY_CHARACTERS, MAX_QUERY_TERMS
from ttweet.model.tweets import Tweet
from ttweet.model.words import spans, whole, words

MIN_PREFIX = 2  # characters before a `*`: a single letter begins a tenth of all words

TEXT, TAGS, AUTHOR = "text", "tags", "author"
_COLUMNS = {"tag": TAGS, "from": AUTHOR, "by": AUTHOR}
FIELDS = ("tag", "from", "by", "since", "until")
_QUOTES = str.maketrans("\u201c\u201d\u201e\uff02", '""""')  # as word processors and phones write them
_HASH_SIGNS = ("#", "\uff03")
_PART = re.compile(
    rf"""
    (?P<no> - )?
    (?: (?P<key> {"|".join(FIELDS)} ) : (?= [^\s] ) )?
    (?: "(?P<quoted> [^"]* )"? | (?P<bare> [^\s"]+ ) )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_PHRASE = re.compile(r'"[^"]*"?')
_LIKE_A_FIELD = re.compile(r"(?<!\S)-?([^\W\d_]{2,}):(?=[^\s/:])")  # no address, as https://, and no name, as std::io
_LATE = 1 << 53  # ms since 1970 UTC: after every time that a query can name
FOLD_EFFORT = 32  # that a text counts for which is not ASCII: 0.2 to 2 ms to fold it, where a plain one takes 5 us
_REMEMBERED = 16  # texts whose words are kept, 6 KB each: a tweet is compared with the queries of all followers in turn


class Term(NamedTuple):
    """Words in a row in one column of a tweet; with `prefix` the last is only the beginning of one.

    In `text` they are words by the rule of `words`. In `tags` it is one search key, and in `author` one name as
    `words.whole` makes it. Unless `wanted`, a tweet with them is not found.
    """

    column: str
    words: tuple[str, ...]
    prefix: bool = False
    wanted: bool = True


class Query(NamedTuple):
    """All terms must hold. `since` and `until` are milliseconds since 1970 UTC; `until` itself is too late.

    Without terms it asks for all tweets of the time, and with terms at least one is wanted.
    """

    terms: tuple[Term, ...] = ()
    since: int | None = None
    until: int | None = None


def parse(asked: str, now: int) -> Query:
    """Return what a line means; `now` is milliseconds since 1970 UTC. Raises Refused `bad_query`.

    An empty line asks for the newest tweets.
    """
    terms: list[Term] = []
    since: list[int] = []
    until: list[int] = []
    for part in _PART.finditer(checked(asked).translate(_QUOTES)):
        key, no, value = (part["key"] or "").lower(), part["no"] is not None, part["quoted"] or part["bare"] or ""
        if key in ("since", "until"):
            (since if (key == "since") is not no else until).append(_instant(key, value, now))
        else:
            terms += [term._replace(wanted=not no) for term in _terms(key, value, bare=part["bare"] is not None)]
    query = Query(tuple(dict.fromkeys(terms)), max(since, default=None), min(until, default=None))
    _refuse_pointless(asked, query)
    return query


def is_relative(asked: str) -> bool:
    """Whether a query asks for a time relative to now. Raises Refused `bad_query`."""
    return parse(asked, 0) != parse(asked, _LATE)


def unknown_fields_hint(asked: str) -> str:
    """Return a hint for what looks like a field, such as `user:ann`, but is text; empty for a query without any.

    It is for people whose query has found nothing: words that are found are what was meant.
    """
    found = _LIKE_A_FIELD.findall(_PHRASE.sub('"', asked.translate(_QUOTES)))
    unknown = [f"'{field}:'" for field in dict.fromkeys(found) if field.lower() not in FIELDS]
    *first, last = [f"{field}:" for field in FIELDS]
    hint = f"unknown field {', '.join(unknown)}, searched as text; use {', '.join(first)} or {last}"
    return hint if unknown else ""


def checked(asked: str) -> str:
    """Return a query of a length and of characters that can be parsed. Raises Refused `bad_query`."""
    if len(asked) > MAX_QUERY_CHARACTERS:
        raise Refused("bad_query", f"query too long: {len(asked)} characters; use at most {MAX_QUERY_CHARACTERS}")
    if not asked.isascii() and any("\ud800" <= character <= "\udfff" for character in asked):
        raise Refused("bad_query", f"invalid query {asked[:40]!a}: a lone surrogate; use valid UTF-8")
    return asked


def holds(query: Query, tweet: Tweet, keys: Collection[str] | None = None) -> bool:
    """Whether a query finds a tweet. It never finds an empty one. `keys`: the search keys of its tags, if known."""
    if not tweet.text or (query.since is not None and tweet.at < query.since):
        return False
    if query.until is not None and tweet.at >= query.until:
        return False
    if keys is None and any(term.column == TAGS for term in query.terms):
        keys = [hashtags.key(tag) for tag in tweet.tags]
    return all(_has(tweet, keys or (), term) is term.wanted for term in query.terms)


def effort(tweet: Tweet, *, folded: bool) -> int:
    """Return how many comparisons of a plain tweet the first one of this tweet with a query takes.

    Unless they are `folded`, that is, their search keys are known, it takes as many more for tags that are not ASCII.
    """
    tags = 0 if folded else sum(not tag.isascii() for tag in tweet.tags)
    return tags + (1 if tweet.text.isascii() else FOLD_EFFORT)


def marks(query: Query, text: str) -> list[tuple[int, int]]:
    """Return the places of the words that a query has found in a text, in their order: from where, to where."""
    found = spans(text)
    have = [span.word for span in found]
    wanted = [term for term in query.terms if term.wanted and term.column == TEXT]
    rows = [row for term in wanted for row in _places(term, have)]
    return _joined([(found[row[0]].start, found[row[-1]].end) for row in rows])


def _terms(key: str, value: str, *, bare: bool) -> list[Term]:
    """Return the terms of one part of a query: none for one without a word, and several for `#one#two`."""
    begins = bare and len(value) > 1 and value.endswith("*")
    body = value.rstrip("*") if begins else value
    if key:
        terms = [Term(_COLUMNS[key], (_KEYS[key](body),))]
    elif bare and body.startswith(_HASH_SIGNS):
        terms = [Term(TAGS, (found,)) for tag in hashtags.extract(body, numeric=True) if (found := hashtags.key(tag))]
    else:
        terms = [Term(TEXT, tuple(words(body)))]
    terms = [term for term in terms if term.words]
    return [*terms[:-1], _beginning(terms[-1], value)] if begins and terms else terms


def _beginning(term: Term, value: str) -> Term:
    """Return the term for words that begin so. Raises Refused `bad_query`.

    A character that is a word by itself, such as a Chinese one or an emoji, does not begin a longer one.
    """
    last = term.words[-1]
    if term.column == TEXT and len(words(last + last)) > 1:
        return term
    if len(last) < MIN_PREFIX:
        raise Refused("bad_query", f"prefix too short: {value[:40]!a}; give {MIN_PREFIX} characters or more before *")
    return term._replace(prefix=True)


def _tag_key(value: str) -> str:
    try:
        return tweets.search_key(value)
    except Refused as refused:
        raise _bad_value("tag", value, "use letters, digits and _") from refused


def _author_key(value: str) -> str:
    try:
        return whole(stored.checked_name(value))
    except Refused as refused:
        raise _bad_value("name", value, "use letters and digits") from refused


_KEYS = {"tag": _tag_key, "from": _author_key, "by": _author_key}


def _instant(key: str, value: str, now: int) -> int:
    try:
        return times.instant(value, now)
    except ValueError as exc:
        raise _bad_value("time", f"{key}:{value}", f"use {key}:2h, {key}:7d or {key}:2026-01-31") from exc


def _bad_value(kind: str, value: str, advice: str) -> Refused:
    return Refused("bad_query", f"invalid {kind} {value[:40]!a} in the query: {advice}")


def _refuse_pointless(asked: str, query: Query) -> None:
    if len(query.terms) > MAX_QUERY_TERMS:
        raise Refused("bad_query", f"query too long: {len(query.terms)} terms; use at most {MAX_QUERY_TERMS}")
    if query.terms and not any(term.wanted for term in query.terms):
        raise Refused("bad_query", f"nothing to find: {asked[:40]!a} only excludes; add a word, a tag or an author")
    if query == Query() and asked.strip():
        raise Refused(
            "bad_query", f"nothing to find: {asked[:40]!a} has no letter or digit; use a word, a tag or an author"
        )


def _has(tweet: Tweet, keys: Collection[str], term: Term) -> bool:
    if term.column == TAGS:
        begins = term.words[0]
        return any(key.startswith(begins) for key in keys) if term.prefix else begins in keys
    line = _line_of(tweet.text) if term.column == TEXT else f" {whole(tweet.by)} " if tweet.by else ""
    return f" {' '.join(term.words)}{'' if term.prefix else ' '}" in line  # no word has a space


@lru_cache(_REMEMBERED)
def _line_of(text: str) -> str:
    return f" {' '.join(words(text))} "


def _places(term: Term, have: Sequence[str]) -> list[range]:
    """Return where a term's words stand among those of a column."""
    *first, last = term.words
    ends = [at for at, word in enumerate(have) if (word.startswith(last) if term.prefix else word == last)]
    rows = [range(end - len(first), end + 1) for end in ends if end >= len(first)]
    return [row for row in rows if [*have[row.start : row.stop - 1]] == first]


def _joined(places: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return places in their order, and overlapping ones as one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
