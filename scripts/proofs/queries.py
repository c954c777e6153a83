"""Find answers any query as a look at each tweet does, however much of the index of words there is.

Tweets and queries are made at random from words, scripts, emoji, operators of FTS5 and characters that steer the parser
of queries. Each tweet is looked at by a comparison of its own, which shares the rule of words with the server alone.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from unittest.mock import patch

from proofs.figure import Verdict
from proofs.stage import Stage
from ttweet.model import hashtags, query, tweets, words
from ttweet.model.errors import Refused
from ttweet.model.query import Query, Term
from ttweet.model.reports import message_shown
from ttweet.model.tweets import Found, Tweet
from ttweet.storage.sqlite import word_index, word_search
from ttweet.storage.sqlite.writer import SqliteStore

QUERIES = 100_000  # of a release
OF_A_STORE = 2_500  # queries, after which there is another file
TWEETS = 300  # of a file: a look at each takes a third of a millisecond
SMALL = {"PART_BITS": 6, "CHUNK_TWEETS": 16, "MERGED_PAGES": 1}  # so that a short log has several parts
PAGE = 20
NOW = 1_700_000_000_000
LOG_BYTES = 10**9
NO_BUDGET_S = 3_600.0  # on a busy machine a search could be over before it has begun

WORDS = (
    *("a", "b", "ab", "abc", "build", "Build", "failed", "green", "café", "Café", "CAFE\u0301", "ﬁne", "fine"),
    *("7", "1e3", "x_y", "ß", "ss", "İ", "i"),
)
OTHERS = (
    *(
        "東京",
        "東",
        "天気",
        "ไทย",
        "한국",
        "☀",
        "🎉",
        "👩\u200d💻",
        "🇩🇪",
        "€",
        "\u3164",
        "é",
        "e\u0301",
        "ｗｉｄｅ",
        "ＡＢ",
    ),
    *("\u202eevil", "\U000e0041", "ﷺ", "½", "①"),
    *("שלום", "اَلْعَرَبِيَّةُ", "\u2067x\u2069", "a\u05d0b"),  # written from right to left
    *("e" + "\u0301" * 5, "\u0301a", "a\u0338b", "\u0345", "क्षि", "กำ", "\u1100\u1161\u11a8", "ﾊﾞ"),  # marks
    *("ς", "ẞ", "ŉ", "㍿", "𝟙", "🏽", "👍🏽", "1\ufe0f\u20e3", "\ufe0f", "so\u00adft", "\ue000", "\u0378"),
)
TAGS = ["#a", "#A", "#ci", "#CI_2", "#東京", "#x_", "#１", "#7", "#été", "#é", "#a#b", "#a・"]
OPERATORS = (
    *(
        "\u201ca",
        "b\u201d",
        "\u201ea b\uff02",
        "\uff03ci",
        "\uff0da",
        "\u2014a",
        "\uff0a",
        "((a",
        "a)]",
        "{a",
        "\u00aba\u00bb",
    ),
    *(
        "\\0",
        "%00",
        "\\u0000",
        "\x01",
        "\x1b[31m",
        "a\nb",
        "a\tb",
        "'; --",
        "/*a*/",
        "||",
        "?1",
        "{0}",
        "$(a)",
        "x'00'",
    ),
    *("AND", "OR", "NOT", "NEAR", "NEAR(a b)", "*", "^a", "a + b", "text : a", "{text tags} : a", "-", "--", "-a"),
    *('"', '""', "(", ")", ";", "'", "%", "\\", "\0", "a*b", "*a", "word_index", "rank", ":a", "a:b", "rowid:1"),
)
NAMES = [None, "ann", "Ann", "Bob", "Ünal", "寿司"]
TIMES = [
    *("since:2h", "until:7d", "-since:1d", "since:2023-11-14", "until:x", "since:"),
    *("since:0001-01-01T00:00+23:59", "until:9999-12-31T23:59-23:59", "since:1.2.3d", "since:99999999999d"),
]
LONG = ["x" * 2_000, "a" * 299, "東" * 150, "🎉" * 20, "e" + "\u0301" * 290, '"' * 300, "(" * 300, "#a" * 149]
BETWEEN = ["", " ", " ", " ", "\u3000", "\u00a0", "\n"]
PREFIXES = (*[""] * 8, "-", "-", "tag:", "from:", "by:", "-tag:", "-by:", "TAG:", "#")


def prove(stage: Stage, scale: float, seed: int) -> Verdict:
    """Compare the answers to queries; a refused query counts, as it has to be refused in words of our own."""
    chance, told, asked, refused = random.Random(seed), list[str](), 0, 0
    with _small_parts():
        while asked < QUERIES * scale and not told:
            with _filled(stage.folder / f"{asked}.db", chance) as (store, stored):
                for _ in range(OF_A_STORE):
                    try:
                        wanted = query.parse(line := _query(chance), NOW)
                    except Refused:
                        refused += 1
                        continue
                    told += _differences(store, stored, wanted, line)
            asked += OF_A_STORE
    return Verdict(not told, f"wrong={len(told)} queries={asked} refused={refused}", told)


@contextmanager
def _small_parts() -> Iterator[None]:
    with ExitStack() as patches:
        for name, value in SMALL.items():
            patches.enter_context(patch.object(word_index, name, value))
        patches.enter_context(patch.object(word_search, "READ_IDS", 50))
        patches.enter_context(patch.object(word_search, "BUDGET_S", NO_BUDGET_S))
        yield


@contextmanager
def _filled(path: Path, chance: random.Random) -> Iterator[tuple[SqliteStore, list[Tweet]]]:
    """Yield a store with tweets, some of them deleted, and an index of all, some or none of them."""
    store = SqliteStore.open(path, log_limit=LOG_BYTES, at=NOW, find=chance.random() < 0.9)
    stored: list[Tweet] = []
    for _ in range(TWEETS):
        draft = tweets.draft(_text(chance), by=chance.choice(NAMES))
        stored += [one for one in store.append([draft], [], at=NOW - chance.randrange(10**9)) if isinstance(one, Tweet)]
    _maintain(store, chance)
    for gone in chance.sample(stored, 20):
        store.delete(gone.id, message_shown("x"), at=NOW)
        stored.remove(gone)
    _maintain(store, chance)
    try:
        yield store, stored
    finally:
        store.close()


def _maintain(store: SqliteStore, chance: random.Random) -> None:
    for _ in range(chance.choice([0, 3, 10, 1_000])):
        if not store.maintain():
            break


def _text(chance: random.Random) -> str:
    """Return a text that a server takes."""
    words_ = [word for word in (*WORDS, *OTHERS, *TAGS, *OPERATORS) if "\0" not in word]
    return " ".join(chance.choices(words_, k=chance.randint(1, 6)))


def _query(chance: random.Random) -> str:
    """Return a line of up to five parts, some of them hostile."""
    if chance.random() < 0.01:
        return chance.choice(LONG) + chance.choice(["", "*"])
    return chance.choice(BETWEEN).join(_part(chance) for _ in range(chance.randint(0, 5)))


def _part(chance: random.Random) -> str:
    word = chance.choice(chance.choice([WORDS, WORDS, OTHERS, TAGS, OPERATORS]))
    if chance.random() < 0.1:
        return chance.choice(TIMES) + " "
    if chance.random() < 0.2:
        word = f'"{word} {chance.choice(WORDS)}"'
    if chance.random() < 0.01:
        word = "".join(map(chr, chance.choices(range(1, 0x3100), k=8)))
    return chance.choice(PREFIXES) + word + chance.choice(["", "", "", "*"])


def _differences(store: SqliteStore, stored: list[Tweet], wanted: Query, line: str) -> list[str]:
    expected = [one for one in reversed(stored) if _holds(wanted, one)]
    page, number = store.find(wanted, limit=PAGE), store.count_found(wanted).number
    if page == Found(expected[:PAGE], more=len(expected) > PAGE) and number == len(expected):
        return []
    return [f"{line!r} finds {[one.id for one in page.tweets]} of {number}, not {[one.id for one in expected]}"]


def _holds(wanted: Query, tweet: Tweet) -> bool:
    if wanted.since is not None and tweet.at < wanted.since:
        return False
    if wanted.until is not None and tweet.at >= wanted.until:
        return False
    return all(_has(tweet, term) is term.wanted for term in wanted.terms)


def _has(tweet: Tweet, term: Term) -> bool:
    """Whether the words of a term stand in a row in the tweet."""
    have, size = _words(tweet)[term.column], len(term.words)
    rows = [have[at : at + size] for at in range(len(have) - size + 1)]
    if not term.prefix:
        return term.words in rows
    return any(row[:-1] == term.words[:-1] and row[-1].startswith(term.words[-1]) for row in rows)


@lru_cache(TWEETS)
def _words(tweet: Tweet) -> dict[str, tuple[str, ...]]:
    """Return the words of each column of a tweet, which many queries look at."""
    return {
        query.TEXT: tuple(words.words(tweet.text)),
        query.TAGS: tuple([hashtags.key(tag) for tag in tweet.tags]),
        query.AUTHOR: (words.whole(tweet.by),) if tweet.by else (),
    }
