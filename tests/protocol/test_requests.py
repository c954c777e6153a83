"""One table of frames and what they mean; the same bytes cut anywhere mean the same."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttweet.model.errors import CODES, ProtocolError, Refused, TtweetError
from ttweet.model.requests import (
    ClientReport,
    CountFound,
    Find,
    Follow,
    Identify,
    Last,
    ListNames,
    ListTags,
    Ping,
    Post,
    Request,
    SignIn,
    TweetById,
    TweetsOfAuthor,
    TweetsOfTag,
    TweetsSinceLogin,
    Unfollow,
    WhenThere,
)
from ttweet.model.tweets import Found, Page, Tweet, as_json
from ttweet.protocol import answers, fields, frames
from ttweet.protocol.classic import ClassicDownload, ClassicUpload
from ttweet.protocol.codecs import JSON
from ttweet.protocol.json_codec import STDLIB_JSON, Json
from ttweet.protocol.reader import MAX_KNOWN, MAX_KNOWN_BYTES, KnownFrames, ReaderEvent, RequestReader

REQUESTS: list[tuple[bytes, Request | Identify]] = [
    (b'["u","hello #world"]\n', Post("hello #world")),
    (b'["u",""]\n', Post("")),
    (b'["u", "a"]\r\n', Post("a")),
    (b'["u",{"text":"a"}]\n', Post("a")),
    (
        b'["u",{"text":"a","tags":["b","c"],"scan":false,"key":"k"}]\n',
        Post("a", ("b", "c"), scan=False, key="k"),
    ),
    (b'["u",{"text":"a","key":null}]\n', Post("a")),
    (b'["u","\\u00e4\\ud83d\\ude00"]\n', Post("ä😀")),
    (b'["a","ttw_secret"]\n', Identify("ttw_secret")),
    (b'["d",""]\n', Last()),
    (b'["t","python"]\n', TweetsOfTag("python")),
    (b'["t",{"tag":"a","limit":200,"before":42}]\n', TweetsOfTag("a", 200, 42)),
    (b'["o",7]\n', TweetById(7)),
    (b'["f",""]\n', Find()),
    (b'["f","a -b"]\n', Find("a -b")),
    (b'["f",{}]\n', Find()),
    (b'["f",{"query":"a","limit":200,"before":42}]\n', Find("a", 200, 42)),
    (b'["f",{"query":"a","count":false,"before":null}]\n', Find("a")),
    (b'["f",{"query":"a","count":true,"before":42}]\n', CountFound("a", 42)),
    (b'["l",""]\n', ListTags()),
    (b'["l",{"limit":5,"numbers":true}]\n', ListTags(5, numbers=True)),
    (b'["r","CLIENT ALERT [GENERAL] hi"]\n', ClientReport("CLIENT ALERT [GENERAL] hi")),
    (b'["p",""]\n', Ping()),
    (b'["d",{"seen":7}]\n', WhenThere(7, Last())),
    (b'["t",{"tag":"a","limit":5,"seen":7}]\n', WhenThere(7, TweetsOfTag("a", 5))),
    (b'["f",{"seen":7}]\n', WhenThere(7, Find())),
    (b'["s",""]\n', Follow()),
    (b'["s","a"]\n', Follow(("a",))),
    (b'["s",{"tags":["a","b"],"after":0}]\n', Follow(("a", "b"), 0)),
    (b'["s",{"after":null}]\n', Follow()),
    (b'["c",""]\n', Unfollow()),
    (b'["n","matt"]\n', SignIn("matt")),
    (b'["w",""]\n', ListNames()),
    (b'["g","matt"]\n', TweetsOfAuthor("matt")),
    (b'["g",{"by":"matt","limit":5,"before":42}]\n', TweetsOfAuthor("matt", 5, 42)),
    (b'["g",{"by":"matt","login":true}]\n', TweetsSinceLogin("matt")),
    (b'["g",{"by":"matt","login":true,"limit":5,"after":42}]\n', TweetsSinceLogin("matt", 5, 42)),
]
REFUSED = [
    (b'["q",""]\n', "bad_operation", "unknown operation 'q'; use: a u d t o f l s c n w g x r p"),
    (b'["x",""]\n', "bad_request", 'invalid tweet id: use a whole number from 1 to 9007199254740991, not ""'),
    (b'["o","7"]\n', "bad_request", 'invalid tweet id: use a whole number from 1 to 9007199254740991, not "7"'),
    (b'["f",7]\n', "bad_request", 'invalid data of "f": use a string or an object, not 7'),
    (b'["f",{"query":7}]\n', "bad_request", "invalid query: use a string, not 7"),
    (b'["f",{"count":1}]\n', "bad_request", "invalid count: use true or false, not 1"),
    (b'["f",{"limit":201}]\n', "bad_request", "invalid limit: use a whole number from 1 to 200, not 201"),
    (b'["f",{"count":true,"limit":2}]\n', "bad_request", 'unknown field "limit" in "f"; use: before, count, query'),
    (b'["d",{"seen":"7"}]\n', "bad_request", "invalid seen: use a whole number from 1 to"),
    (b'["d",{"seen":7,"other":1}]\n', "bad_request", 'invalid data of "d": use an empty string'),
    (b'["u",{"text":"a","seen":7}]\n', "bad_request", "unexpected field 'seen': only queries have it"),
    (b'["s",{"seen":7}]\n', "bad_request", "unexpected field 'seen': only queries have it"),
    (b'["s",{"query":null}]\n', "bad_request", "invalid query: use a string, not null"),
    (b'["x",0]\n', "bad_request", "invalid tweet id: use a whole number"),
    (b'["s",{"deletions":1}]\n', "bad_request", "invalid deletions: use true or false, not 1"),
    (b'["u",1]\n', "bad_request", "not 1"),
    (b'["u",null]\n', "bad_request", "not null"),
    (b'["u",["a"]]\n', "bad_request", 'an object, not ["a"]'),
    (b'["u",{}]\n', "bad_request", "invalid text: use a string, not null"),
    (b'["u",{"text":"a","tag":"b"}]\n', "bad_request", 'unknown field "tag" in "u"; use: key, scan, tags, text'),
    (b'["u",{"text":"a","tags":"b"}]\n', "bad_request", 'invalid tags: use an array of strings, not "b"'),
    (b'["u",{"text":"a","tags":[1]}]\n', "bad_request", "invalid tag: use a string, not 1"),
    (b'["u",{"text":"a","scan":1}]\n', "bad_request", "invalid scan: use true or false, not 1"),
    (b'["u",{"text":"a","key":7}]\n', "bad_request", "invalid key: use a string, not 7"),
    (b'["d","x"]\n', "bad_request", 'use an empty string, not "x"'),
    (b'["p",{}]\n', "bad_request", "use an empty string, not {}"),
    (b'["t",7]\n', "bad_request", "a string or an object, not 7"),
    (b'["t",{"tag":"a","limit":0}]\n', "bad_request", "invalid limit: use a whole number from 1 to 200, not 0"),
    (b'["t",{"tag":"a","limit":201}]\n', "bad_request", "not 201"),
    (b'["t",{"tag":"a","limit":true}]\n', "bad_request", "not true"),
    (b'["t",{"tag":"a","limit":1.5}]\n', "bad_request", "not 1.5"),
    (b'["t",{"tag":"a","before":99999999999999999999}]\n', "bad_request", "invalid before: use a whole number"),
    (b'["l",{"limit":"many"}]\n', "bad_request", 'not "many"'),
    (b'["s",{"tags":"a"}]\n', "bad_request", 'invalid tags: use an array of strings, not "a"'),
    (b'["s",{"after":-1}]\n', "bad_request", "invalid after: use a whole number from 0 to"),
    (b'["s",null]\n', "bad_request", "not null"),
    (b'["c","a"]\n', "bad_request", 'use an empty string, not "a"'),
    (b'["n",7]\n', "bad_request", "invalid name: use a string, not 7"),
    (b'["w",[]]\n', "bad_request", "use an empty string, not []"),
    (b'["g",{}]\n', "bad_request", "invalid by: use a string, not null"),
    (b'["g",{"by":"a","after":1}]\n', "bad_request", 'unknown field "after"'),
    (b'["g",{"by":"a","login":true,"before":1}]\n', "bad_request", 'unknown field "before"'),
    (b'["g",{"by":"a","login":1}]\n', "bad_request", "invalid login: use true or false, not 1"),
    (b'["l",[]]\n', "bad_request", "a string or an object, not []"),
]
BROKEN = [
    (b"[1]\n", "bad_frame"),
    (b'["r",1]\n', "bad_frame"),
    (b"[" + b"x" * frames.MAX_FRAME_BYTES, "bad_frame"),
    (b"GET / HTTP/1.1\r\n\r\n", "bad_protocol"),
    (b"\x16\x03\x01\x02\x00", "tls"),
    (b"\x16", "tls"),  # all that one read may bring of it
    (b'{"u":1}\n', "bad_protocol"),
    (b"ux", "bad_protocol"),
    (b"d\r\n", "bad_protocol"),
    (b"\n", "bad_protocol"),
    (b"u\n" + b"x" * 601, "too_long"),
]
READERS = {"stdlib": STDLIB_JSON, "msgspec": JSON}
A_TWEET = Tweet(42, 1795446500123, None, 'hi "#Python" 🎉', ("Python",))


def events_of(data: bytes, json_library: Json = JSON) -> list[ReaderEvent]:
    return RequestReader(json_library).receive_data(data)


@pytest.mark.parametrize("library", READERS.values(), ids=READERS)
@pytest.mark.parametrize(("data", "request_"), REQUESTS, ids=[ascii(data) for data, _ in REQUESTS])
def test_a_frame_means_its_request(data: bytes, request_: Request, library: Json) -> None:
    (event,) = events_of(data, library)
    assert event == request_
    assert type(event) is type(request_)


@pytest.mark.parametrize("library", READERS.values(), ids=READERS)
@pytest.mark.parametrize(("data", "code", "words"), REFUSED, ids=[ascii(data) for data, _, _ in REFUSED])
def test_data_of_the_wrong_kind_is_refused_and_the_connection_continues(
    data: bytes, code: str, words: str, library: Json
) -> None:
    refused, ping = events_of(data + b'["p",""]\n', library)
    assert isinstance(refused, Refused)
    assert refused.code == code
    assert words in refused.text
    assert isinstance(ping, Ping)


@pytest.mark.parametrize("library", READERS.values(), ids=READERS)
def test_data_of_any_depth_is_answered(library: Json) -> None:
    for depth in (*range(900, 1100), 8_000):  # the limits of libraries and Pythons, and the deepest that a frame holds
        (event,) = events_of(b'["u",' + b"[" * depth + b"]" * depth + b"]\n", library)
        assert isinstance(event, TtweetError)


def test_a_value_is_shown_as_its_sender_wrote_it_and_harmless() -> None:
    assert fields.shown("\x7f\x1b\u202eä") == r'"\u007f\u001b\u202e\u00e4"'
    assert fields.shown([None, True, 1.5]) == "[null, true, 1.5]"
    assert fields.shown("x" * 50) == '"' + "x" * 39 + "..."


@pytest.mark.parametrize(("data", "code"), BROKEN, ids=[ascii(data[:20]) for data, _ in BROKEN])
def test_bytes_that_are_not_the_protocol_end_it(data: bytes, code: str) -> None:
    (event,) = events_of(data)
    assert isinstance(event, ProtocolError)
    assert event.code == code


def test_nothing_after_a_broken_frame_counts_and_all_before_it_does() -> None:
    ping, broken = events_of(b'["p",""]\n["p"]\n["p",""]\n')
    assert isinstance(ping, Ping)
    assert isinstance(broken, ProtocolError)


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    positions = [0, *sorted({min(cut, len(data)) for cut in cuts}), len(data)]
    return [data[start:stop] for start, stop in itertools.pairwise(positions) if start < stop]


def shown(events: list[ReaderEvent]) -> list[object]:
    return [(event.code, event.text) if isinstance(event, TtweetError) else (type(event), event) for event in events]


@given(
    frames_=st.lists(st.sampled_from([data for data, *_ in REQUESTS + REFUSED] + [b"[1]\n"]), min_size=1, max_size=5),
    cuts=st.lists(st.integers(0, 400), max_size=8),
)
def test_cutting_the_bytes_anywhere_changes_no_request(frames_: list[bytes], cuts: list[int]) -> None:
    data = b"".join(frames_)
    reader = RequestReader()
    events = []
    for part in split(data, cuts):
        events += reader.receive_data(part)
        if events and isinstance(events[-1], ProtocolError):
            break
    assert shown(events) == shown(events_of(data))


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=150), cuts=st.lists(st.integers(0, 600)))
def test_a_classic_message_is_all_up_to_the_end(text: str, cuts: list[int]) -> None:
    reader = RequestReader()
    for part in split(b"u\n" + text.encode(), cuts):
        assert reader.receive_data(part) == []
    assert reader.classic
    assert reader.unfinished
    assert reader.receive_end() == [ClassicUpload(text)]


def test_a_classic_download_needs_no_end() -> None:
    reader = RequestReader()
    assert reader.receive_data(b"d") == []
    assert reader.begun
    (event,) = reader.receive_data(b"\n")
    assert isinstance(event, ClassicDownload)
    assert reader.receive_end() == []


@pytest.mark.parametrize("data", [b"u", b"d"])
def test_an_end_after_the_first_byte_is_no_protocol(data: bytes) -> None:
    reader = RequestReader()
    assert reader.receive_data(data) == []
    (event,) = reader.receive_end()
    assert isinstance(event, ProtocolError)
    assert event.text == f"the connection ended after '{data.decode()}'"


@pytest.mark.parametrize("data", [b"", b'["u","a"'])
def test_an_end_in_the_middle_stores_nothing(data: bytes) -> None:
    reader = RequestReader()
    if data:
        assert reader.receive_data(data) == []
    assert reader.begun == bool(data)
    assert reader.receive_end() == []


def test_a_classic_message_that_is_no_utf8_is_refused() -> None:
    reader = RequestReader()
    reader.receive_data(b"u\nab\xff")
    (event,) = reader.receive_end()
    assert isinstance(event, ProtocolError)
    assert "byte 3" in event.text


@given(st.binary(max_size=200))
def test_only_declared_errors_come_of_any_bytes(data: bytes) -> None:
    for library in READERS.values():
        reader = RequestReader(library)
        for event in reader.receive_data(data) + reader.receive_end() if data else []:
            assert not isinstance(event, TtweetError) or event.code in CODES


def test_a_token_is_taken_from_the_first_frame_only() -> None:
    first, second, third = events_of(b'["a","ttw_x"]\n["a","ttw_y"]\n["p",""]\n')
    assert first == Identify("ttw_x")
    assert isinstance(second, Refused)
    assert second.code == "bad_request"
    assert third == Ping()
    _, late = events_of(b'["x",""]\n["a","ttw_y"]\n')
    assert isinstance(late, Refused)


@pytest.mark.parametrize(
    ("secret", "is_taken"),
    [("t" * 64, True), ("t" * 65, False), ("ä" * 32, True), ("ä" * 33, False), ("t" * 16_000, False)],
)
def test_a_token_that_is_longer_than_any_is_not_even_hashed(secret: str, is_taken: bool) -> None:
    (event,) = events_of(json.dumps(["a", secret]).encode() + b"\n")
    if is_taken:
        assert event == Identify(secret)
    else:
        assert isinstance(event, ProtocolError)
        assert event.code == "token"
        assert secret not in event.text


@pytest.mark.parametrize("frame", [["u" * 16_000, ""], ["uu", "x"], ["u", {"text": "a", "f" * 16_000: 1}]])
def test_words_that_no_request_has_are_repeated_in_part(frame: object) -> None:
    (event,) = events_of(json.dumps(frame).encode() + b"\n")
    assert isinstance(event, Refused)
    assert len(event.text) < 120


def test_the_first_unknown_field_is_named() -> None:
    (event,) = events_of(b'["u",{"text":"a","z":1,"b":2}]\n')
    assert isinstance(event, Refused)
    assert event.text.startswith('unknown field "z" in "u"')


def test_an_invalid_token_ends_the_connection_and_is_not_repeated_in_the_error() -> None:
    (refused,) = events_of(b'["a",{"token":"ttw_x"}]\n["p",""]\n')
    assert isinstance(refused, ProtocolError)
    assert refused.code == "token"
    assert "ttw_x" not in refused.text
    assert "ttw_x" not in repr(Identify("ttw_x"))


@pytest.mark.parametrize("lib", [STDLIB_JSON, JSON])
def test_a_page_ends_with_the_tweet_that_makes_it_too_large(lib: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    tweets = [A_TWEET._replace(id=id_) for id_ in (9, 8, 7)]
    one = len(lib.dumps(as_json(tweets[0])))
    for limit, ids in ((one, [9]), (one + 1, [9, 8]), (3 * one, [9, 8, 7])):
        monkeypatch.setattr(answers, "PAGE_BYTES", limit)
        _, page = json.loads(answers.encode(Page(tweets, more=False), lib))
        assert [tweet["id"] for tweet in page["tweets"]] == ids
        assert page["more"] == (len(ids) < 3)


def test_found_tweets_are_cut_where_the_next_query_continues(monkeypatch: pytest.MonkeyPatch) -> None:
    tweets = [A_TWEET._replace(id=id_) for id_ in (9, 8)]
    monkeypatch.setattr(answers, "PAGE_BYTES", 1)
    _, found = json.loads(answers.encode(Found(tweets, more=False, searched_to=5)))
    assert ([tweet["id"] for tweet in found["tweets"]], found["more"], found["searched_to"]) == ([9], True, None)


def test_a_query_that_was_read_before_is_the_same_request() -> None:
    reader = RequestReader(JSON)
    first, again = reader.receive_data(b'["t","ci"]\n["t","ci"]\n')
    (elsewhere,) = RequestReader().receive_data(b'["t","ci"]\n')
    assert first == TweetsOfTag("ci")
    assert again is elsewhere is first


def test_a_token_is_taken_only_first_after_the_same_queries_were_read_before() -> None:
    for _ in range(2):
        last, identify = RequestReader(JSON).receive_data(b'["d",""]\n["a","secret"]\n')
        assert last == Last()
        assert isinstance(identify, Refused)


@pytest.mark.parametrize("request_", [Identify("secret"), Post("hello"), SignIn("ann"), ClientReport("line")])
def test_frames_with_secrets_or_texts_are_not_known_again(request_: ReaderEvent) -> None:
    known = KnownFrames()
    known.note(b"a frame", request_)
    assert known.get(b"a frame") is None


def test_known_frames_are_bounded() -> None:
    known = KnownFrames()
    known.note(b"x" * (MAX_KNOWN_BYTES + 1), Last())
    assert len(known) == 0
    for number in range(3 * MAX_KNOWN):
        known.note(b"%d" % number, Last())
        assert known.get(b"%d" % number) == Last()
        assert len(known) <= MAX_KNOWN
