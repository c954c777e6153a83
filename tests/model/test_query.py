"""Queries of find: what a line means, which tweets hold it, and that no line is a syntax error."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ttweet.model.errors import Refused
from ttweet.model.limits import MAX_QUERY_CHARACTERS, MAX_QUERY_TERMS
from ttweet.model.query import Query, Term, holds, marks, parse, unknown_fields_hint
from ttweet.model.tweets import Tweet

NOW = 1_795_446_500_123
DAY_MS = 86_400_000


def text(*words: str, prefix: bool = False, wanted: bool = True) -> Term:
    return Term("text", words, prefix, wanted)


def tweet(said: str, *tags: str, by: str | None = None, at: int = NOW) -> Tweet:
    return Tweet(7, at, by, said, tags)


def outcome(asked: str) -> Query | Refused:
    try:
        return parse(asked, NOW)
    except Refused as refused:
        return refused


@pytest.mark.parametrize(
    ("asked", "terms"),
    [
        ("green build", [text("green"), text("build")]),
        ('"timed out"', [text("timed", "out")]),
        ('"timed out', [text("timed", "out")]),
        ("\u201ctimed out\u201d", [text("timed", "out")]),
        ("gree*", [text("gree", prefix=True)]),
        ("-flaky ok", [text("flaky", wanted=False), text("ok")]),
        ('-"a b" ok', [text("a", "b", wanted=False), text("ok")]),
        ("tag:ci", [Term("tags", ("ci",))]),
        ("TAG:CI", [Term("tags", ("ci",))]),
        ("#CI", [Term("tags", ("ci",))]),
        ("tag:#ci", [Term("tags", ("ci",))]),
        ("#cs#3251", [Term("tags", ("cs",)), Term("tags", ("3251",))]),
        ("#cs#32*", [Term("tags", ("cs",)), Term("tags", ("32",), prefix=True)]),
        ("-tag:ci ok", [Term("tags", ("ci",), wanted=False), text("ok")]),
        ("from:Ann", [Term("author", ("ann",))]),
        ('by:"Ann"', [Term("author", ("ann",))]),
        ("from:ann by:Ann", [Term("author", ("ann",))]),
        ("10:30", [text("10", "30")]),
        ("http://a.b/c", [text("http", "a", "b", "c")]),
        ("test_audience v2.4.0", [text("test", "audience"), text("v2", "4", "0")]),
        ("a OR b", [text("a"), text("or"), text("b")]),
        ("tag: from: since:", [text("tag"), text("from"), text("since")]),
        ("東京", [text("東", "京")]),
        ("東京*", [text("東", "京")]),
        ("café ＦＵＬＬ", [text("cafe"), text("full")]),
        ("ok !!! -", [text("ok")]),
        ("", []),
        (" \t ", []),
    ],
)
def test_a_line_is_taken_as_people_mean_it(asked: str, terms: list[Term]) -> None:
    assert parse(asked, NOW) == Query(tuple(terms))


@pytest.mark.parametrize(
    ("asked", "since", "until"),
    [
        ("since:7d", NOW - 7 * DAY_MS, None),
        ("since:2w", NOW - 14 * DAY_MS, None),
        ("since:90m", NOW - 5_400_000, None),
        ("since:2026-01-31", 1_769_817_600_000, None),
        ("SINCE:2026-01", 1_767_225_600_000, None),
        ("since:2026", 1_767_225_600_000, None),
        ("since:2026-01-31T10:30", 1_769_855_400_000, None),
        ("since:2026-01-31T12:30+02:00", 1_769_855_400_000, None),
        ("until:2026-01-31", None, 1_769_817_600_000),
        ("-since:2026-01-31", None, 1_769_817_600_000),
        ("since:2d since:1d until:1h until:2h", NOW - DAY_MS, NOW - 7_200_000),
    ],
)
def test_a_line_may_bound_the_time(asked: str, since: int | None, until: int | None) -> None:
    assert parse(asked, NOW) == Query((), since, until)


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ("-flaky", "nothing to find: '-flaky' only excludes; add a word, a tag or an author"),
        ("!!!", "nothing to find: '!!!' has no letter or digit; use a word, a tag or an author"),
        ("since:foo", "invalid time 'since:foo' in the query: use since:2h, since:7d or since:2026-01-31"),
        ("until:2026-13", "invalid time 'until:2026-13' in the query: use until:2h, until:7d or until:2026-01-31"),
        ("tag:a,b", "invalid tag 'a,b' in the query: use letters, digits and _"),
        ("from:a-b", "invalid name 'a-b' in the query: use letters and digits"),
        ("c*", "prefix too short: 'c*'; give 2 characters or more before *"),
        ("tag:c*", "prefix too short: 'c*'; give 2 characters or more before *"),
        ("a" * (MAX_QUERY_CHARACTERS + 1), "query too long: 301 characters; use at most 300"),
        (" ".join(f"w{n}" for n in range(MAX_QUERY_TERMS + 1)), "query too long: 21 terms; use at most 20"),
    ],
)
def test_a_query_that_cannot_mean_anything_is_refused_with_one_that_works(asked: str, problem: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(asked, NOW)
    assert (refused.value.code, refused.value.text) == ("bad_query", problem)


@pytest.mark.parametrize(
    ("asked", "unknown"),
    [
        ("user:ann green", "user:"),
        ('-form:ann User:"a b" form:b', "form:, User:"),
        ("tag:ci FROM:ann by:b since:7d until:1h", ""),
        ("10:30 http://a.b/c std::io C:x note: done a.b:c", ""),
        ('"user:ann" “as user:ann” "open user:ann', ""),
    ],
)
def test_a_word_before_a_colon_that_is_no_field_is_known_as_such(asked: str, unknown: str) -> None:
    assert (
        unknown_fields_hint(asked).removeprefix("unknown field ").partition(", searched")[0].replace("'", "") == unknown
    )


@given(st.text(alphabet=st.sampled_from('ab \t"*:-#_()^+\0\u202e東é＃\ud800') | st.characters(), max_size=40))
@example("since:-7d")
@example("until:9999-12-31T23:59-23:59")
@example("since:999999999w")
@example('tag:"')
def test_no_line_is_a_syntax_error(asked: str) -> None:
    match outcome(asked):
        case Refused(code=code, text=said):
            assert (code, said.isascii(), said.isprintable()) == ("bad_query", True, True)
        case Query() as query:
            assert all(all(term.words) for term in query.terms)
            assert not holds(query, tweet(""))


@given(
    st.text(  # a lone surrogate is in no tweet
        st.characters(exclude_categories=["Cs"], exclude_characters='"\u201c\u201d\u201e\uff02'),
        min_size=1,
        max_size=40,
    ).filter(str.strip)
)
def test_a_tweet_is_found_by_its_own_text_in_quotes(said: str) -> None:
    match outcome(f'"{said}"'):
        case Refused(text=problem):
            assert "no letter or digit" in problem
        case Query() as query:
            assert holds(query, tweet(said))


HELD = tweet("The build Timed-out: gréen again 🎉", "CI", "Zähler", by="Ann")


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "build",
        "again build",
        '"timed out"',
        "timed-out",
        "gree*",
        "green",
        "🎉",
        "tag:ci",
        "tag:zähler",
        "#ci from:ann build -flaky",
        "by:an*",
        "tag:zä*",
        "since:1d",
        "build -tag:deploy -from:bob -since:2027",
    ],
)
def test_a_tweet_holds_what_it_has(asked: str) -> None:
    assert holds(parse(asked, NOW), HELD)


@pytest.mark.parametrize(
    "asked",
    [
        "buil",
        '"out timed"',
        '"build out"',
        "tag:zahler",
        "tag:c",
        "#build",
        "from:bob",
        "from:an",
        "build -again",
        'build -"timed out"',
        "build -tag:ci",
        "build -from:ann",
        "until:2026",
        "since:2027",
        "rebuild*",
    ],
)
def test_a_tweet_does_not_hold_what_it_lacks(asked: str) -> None:
    assert not holds(parse(asked, NOW), HELD)


def test_the_time_until_is_too_late() -> None:
    query = Query((), since=5, until=7)
    assert [at for at in range(4, 9) if holds(query, tweet("x", at=at))] == [5, 6]


def test_a_tweet_without_an_author_is_from_no_name() -> None:
    assert not holds(parse("from:ann", NOW), tweet("ann"))


def test_a_tweet_is_matched_by_the_keys_of_its_tags_that_are_known() -> None:
    query = parse("tag:kept -tag:ci", NOW)
    assert holds(query, tweet("x", "ci"), {"kept": "Kept"})
    assert not holds(query, tweet("x", "kept"), ["kept", "ci"])


@pytest.mark.parametrize(
    ("asked", "said", "marked"),
    [
        ("out", "Timed out, OUT", ["out", "OUT"]),
        ('"timed out"', "It Timed-out", ["Timed-out"]),
        ('"timed out" out', "It Timed-out", ["Timed-out"]),
        ("gree*", "gréenish", ["gréenish"]),
        ("full", "ＦＵＬＬ", ["ＦＵＬＬ"]),
        ("勉強", "日本語の勉強", ["勉強"]),
        ("it -out tag:ci", "It #ci", ["It"]),
    ],
)
def test_the_words_that_were_found_are_marked_where_they_stand(asked: str, said: str, marked: list[str]) -> None:
    assert [said[start:end] for start, end in marks(parse(asked, NOW), said)] == marked
