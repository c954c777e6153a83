"""Each request, answer and push as a value and as bytes: what one end writes is what the other understands."""

import json
from collections.abc import Callable
from typing import Any, get_args

import pytest

from ttweet.model import requests as asked
from ttweet.model.answers import Answer, Deletions, Done, Following, Identity, Names, Shared, SignedIn, Stats
from ttweet.model.errors import ProtocolError, Refused, SlowDown, TtweetError
from ttweet.model.pushes import CaughtUp, KeepAlive, Pruned, Push
from ttweet.model.tweets import Count, Deletion, Found, Page, TagPage, TagSummary, Tombstone, Tweet
from ttweet.protocol import answers, calls, classic, frames, operations, pushes, replies
from ttweet.protocol.codecs import JSON
from ttweet.protocol.json_codec import STDLIB_JSON, Json
from ttweet.protocol.reader import RequestReader

Frame = bytes
Shape = Callable[[Any], Any]

LIBRARIES = {"stdlib": STDLIB_JSON, "msgspec": JSON}
AT = 1795446500123
TWEET = Tweet(7, AT, "ann", 'quo"ted\n寿司 🎉 #a', ("a",))
TWEET_JSON = '{"id":7,"at":1795446500123,"by":"ann","text":"quo\\"ted\\n寿司 🎉 #a","tags":["a"]}'.encode()
BARE = Tweet(8, AT, None, "bare", ())
BARE_JSON = b'{"id":8,"at":1795446500123,"by":null,"text":"bare","tags":[]}'
TAG = TagSummary("寿司", 3, AT, [0, 1])
TAG_JSON = '{"tag":"寿司","count":3,"newest":1795446500123,"days":[0,1]}'.encode()
PARTS = {"server": {"version": "1", "started": AT, "trouble": None, "load": 0.5, "tls": True}}

REQUESTS: list[tuple[asked.Request | asked.Identify, Frame, Frame]] = [
    (asked.Identify("ttw_x"), calls.identify("ttw_x")[0], b'["a","ttw_x"]\n'),
    (asked.Post(""), calls.post("")[0], b'["u",""]\n'),
    (asked.Post("寿司 #a"), calls.post("寿司 #a")[0], '["u","寿司 #a"]\n'.encode()),
    (
        asked.Post("hi", ("a", "b"), scan=False, key="k"),
        calls.post("hi", ["a", "b"], scan=False, key="k")[0],
        b'["u",{"text":"hi","tags":["a","b"],"scan":false,"key":"k"}]\n',
    ),
    (asked.Last(), calls.last()[0], b'["d",""]\n'),
    (asked.Last(), calls.last_text()[0], b'["d",""]\n'),
    (asked.TweetsOfTag("a"), calls.tweets_of_tag("a")[0], b'["t",{"tag":"a"}]\n'),
    (
        asked.TweetsOfTag("a", 5, 9),
        calls.tweets_of_tag("a", limit=5, before=9)[0],
        b'["t",{"tag":"a","limit":5,"before":9}]\n',
    ),
    (asked.TweetById(7), calls.tweet(7)[0], b'["o",7]\n'),
    (asked.Find(), calls.find()[0], b'["f",{"query":""}]\n'),
    (
        asked.Find("寿司 -x", 5, 9),
        calls.find("寿司 -x", limit=5, before=9)[0],
        '["f",{"query":"寿司 -x","limit":5,"before":9}]\n'.encode(),
    ),
    (asked.CountFound("a"), calls.count("a")[0], b'["f",{"query":"a","count":true}]\n'),
    (asked.CountFound("a", 9), calls.count("a", before=9)[0], b'["f",{"query":"a","before":9,"count":true}]\n'),
    (asked.ListTags(), calls.list_tags()[0], b'["l",{"numbers":false}]\n'),
    (asked.ListTags(5, numbers=True), calls.list_tags(limit=5, numbers=True)[0], b'["l",{"limit":5,"numbers":true}]\n'),
    (asked.Follow(), calls.follow()[0], b'["s",{}]\n'),
    (
        asked.Follow(("a", "b"), 0, deletions=True),
        calls.follow(["a", "b"], 0, deletions=True)[0],
        b'["s",{"tags":["a","b"],"after":0,"deletions":true}]\n',
    ),
    (asked.Follow(query="#a b"), calls.follow(query="#a b")[0], b'["s",{"query":"#a b"}]\n'),
    (asked.Unfollow(), calls.unfollow()[0], b'["c",""]\n'),
    (asked.SignIn("ann"), calls.sign_in("ann")[0], b'["n","ann"]\n'),
    (asked.ListNames(), calls.list_names()[0], b'["w",""]\n'),
    (asked.TweetsOfAuthor("ann"), calls.tweets_of_author("ann")[0], b'["g",{"by":"ann"}]\n'),
    (
        asked.TweetsOfAuthor("ann", 5, 9),
        calls.tweets_of_author("ann", limit=5, before=9)[0],
        b'["g",{"by":"ann","limit":5,"before":9}]\n',
    ),
    (
        asked.TweetsSinceLogin("ann", 5, 9),
        calls.tweets_since_login("ann", limit=5, after=9)[0],
        b'["g",{"by":"ann","login":true,"limit":5,"after":9}]\n',
    ),
    (asked.Delete(7), calls.delete(7)[0], b'["x",7]\n'),
    (asked.ClientReport("one"), calls.report("one"), b'["r","one"]\n'),
    (asked.Ping(), calls.ping()[0], b'["p",""]\n'),
    (asked.ReadStats(), calls.stats()[0], b'["i",""]\n'),
]
CLASSIC = {
    classic.ClassicUpload("寿司"): "u\n寿司".encode(),
    classic.ClassicDownload(): b"d\n",
}

ANSWERS: list[tuple[Answer, Shape, Frame]] = [
    (TWEET, calls.last()[1], b'["ok",%b]\n' % TWEET_JSON),
    (BARE, calls.last()[1], b'["ok",%b]\n' % BARE_JSON),
    (None, calls.last()[1], b'["ok",null]\n'),
    (TWEET, calls.tweet(7)[1], b'["ok",%b]\n' % TWEET_JSON),
    (None, calls.tweet(7)[1], b'["ok",null]\n'),
    (Tombstone(7, AT), calls.tweet(7)[1], b'["ok",{"id":7,"at":1795446500123,"deleted":true}]\n'),
    (Page([], more=False), calls.tweets_of_tag("a")[1], b'["ok",{"tweets":[],"more":false}]\n'),
    (
        Page([BARE, TWEET], more=True),
        calls.tweets_of_author("ann")[1],
        b'["ok",{"tweets":[%b,%b],"more":true}]\n' % (BARE_JSON, TWEET_JSON),
    ),
    (
        Found([TWEET], more=True),
        calls.find()[1],
        b'["ok",{"tweets":[%b],"more":true,"searched_to":null}]\n' % TWEET_JSON,
    ),
    (Found([], more=True, searched_to=7), calls.find()[1], b'["ok",{"tweets":[],"more":true,"searched_to":7}]\n'),
    (Count(3), calls.count()[1], b'["ok",{"count":3,"searched_to":null}]\n'),
    (Count(0, 7), calls.count()[1], b'["ok",{"count":0,"searched_to":7}]\n'),
    (TagPage([TAG], more=False), calls.list_tags()[1], b'["ok",{"tags":[%b],"more":false}]\n' % TAG_JSON),
    (Deletion(9, AT, 7), calls.delete(7)[1], b'["ok",{"id":9,"at":1795446500123,"tweet":7}]\n'),
    (Following(7), calls.follow()[1], b'["ok",{"from":7}]\n'),
    (Following(7, 9), calls.follow()[1], b'["ok",{"from":7,"gone":9}]\n'),
    (SignedIn("ann", 7), calls.sign_in("ann")[1], b'["ok",{"name":"ann","after":7}]\n'),
    (Identity("ann", ("read", "post")), calls.identify("t")[1], b'["ok",{"name":"ann","can":["read","post"]}]\n'),
    (Identity(None, ()), calls.identify("t")[1], b'["ok",{"name":null,"can":[]}]\n'),
    (Names(["ann", "寿司"]), calls.list_names()[1], '["ok",{"names":["ann","寿司"]}]\n'.encode()),
    (
        Stats(PARTS),
        calls.stats()[1],
        b'["ok",{"server":{"version":"1","started":1795446500123,"trouble":null,"load":0.5,"tls":true}}]\n',
    ),
]

PUSHES: list[tuple[Push, Frame]] = [
    (TWEET, b'["m",%b]\n' % TWEET_JSON),
    (Deletion(9, AT, 7), b'["x",{"id":9,"at":1795446500123,"tweet":7}]\n'),
    (CaughtUp(7), b'["e",{"id":7}]\n'),
    (Pruned(7), b'["g",{"id":7}]\n'),
    (KeepAlive(), b'["p",""]\n'),
]

with_each_library = pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)


def letter(frame: Frame) -> str:
    return frames.decode(frame)[0]


def pushed(encoder: pushes.FrameEncoder, push: Push) -> Frame:
    match push:
        case Tweet():
            return encoder.tweet(push)
        case Deletion():
            return encoder.deletion(push)
        case CaughtUp(cursor):
            return encoder.caught_up(cursor)
        case Pruned(up_to):
            return encoder.pruned(up_to)
        case KeepAlive():
            return encoder.keep_alive


# Requests


@with_each_library
@pytest.mark.parametrize(("request_", "call", "frame"), REQUESTS, ids=[ascii(frame) for *_, frame in REQUESTS])
def test_a_request_is_written_by_clients_and_read_by_the_server(
    request_: asked.Request, call: Frame, frame: Frame, library: Json
) -> None:
    assert call == frame
    (event,) = RequestReader(library).receive_data(frame)
    assert (event, type(event)) == (request_, type(request_))


@pytest.mark.parametrize(("request_", "data"), CLASSIC.items(), ids=ascii)
def test_a_classic_request_is_read_at_its_end(
    request_: classic.ClassicUpload | classic.ClassicDownload, data: bytes
) -> None:
    reader = RequestReader()
    assert [*reader.receive_data(data), *reader.receive_end()] == [request_]


# Answers


@with_each_library
@pytest.mark.parametrize(("answer", "shape", "frame"), ANSWERS, ids=[ascii(frame) for *_, frame in ANSWERS])
def test_an_answer_is_written_by_the_server_and_read_by_clients(
    answer: Answer, shape: Shape, frame: Frame, library: Json
) -> None:
    assert answers.encode(answer, library) == frame
    read = shape(replies.data_of(frame))
    assert (read, type(read)) == (answer, type(answer))


@with_each_library
def test_a_request_without_a_result_is_answered_with_null(library: Json) -> None:
    assert answers.encode(Done(), library) == b'["ok",null]\n'
    for _, shape in (calls.ping(), calls.unfollow()):
        assert shape(replies.data_of(b'["ok",null]\n')) is None


@with_each_library
def test_an_empty_tweet_is_answered_as_none(library: Json) -> None:
    assert answers.encode(TWEET._replace(text=""), library) == b'["ok",null]\n'
    assert calls.last_text()[1](None) == ""


@pytest.mark.parametrize(
    ("last", "text"),
    [(TWEET, 'quo"ted\n寿司 🎉 #a'), (TWEET._replace(text=""), "Empty Message"), (None, "Empty Message")],
)
def test_the_classic_answer_is_bare_text(last: Tweet | None, text: str) -> None:
    assert classic.encode_last(last) == text.encode()


@with_each_library
def test_the_outcome_of_an_upload_is_read(library: Json) -> None:
    _, shape = calls.post("")
    frame = answers.encode_outcome(TWEET, library)
    assert frame == b'["ok",{"id":7,"at":1795446500123,"tags":["a"]}]\n'
    stored = shape(replies.data_of(frame))
    assert (stored.id, stored.at, stored.tags, stored.deleted) == (7, AT, ["a"], False)
    frame = answers.encode_outcome(Tombstone(7, AT), library)
    assert frame == b'["ok",{"id":7,"at":1795446500123,"tags":[],"deleted":true}]\n'
    assert shape(replies.data_of(frame)).deleted


@with_each_library
@pytest.mark.parametrize(
    ("error", "data"),
    [
        (Refused("too_long", "151 characters"), {"code": "too_long", "text": "151 characters"}),
        (ProtocolError("timeout", "no frame came"), {"code": "timeout", "text": "no frame came"}),
        (SlowDown("too many requests", 7), {"code": "slow_down", "text": "too many requests", "wait": 7}),
    ],
)
def test_an_error_is_raised_with_its_code_and_its_sentence(error: TtweetError, data: object, library: Json) -> None:
    frame = answers.encode_outcome(error, library)
    assert json.loads(frame) == ["err", data]
    with pytest.raises(Refused) as raised:
        replies.data_of(frame)
    assert (raised.value.code, raised.value.text) == (error.code, error.text)
    assert getattr(raised.value, "wait_s", None) == getattr(error, "wait_s", None)


# Pushes


@with_each_library
@pytest.mark.parametrize(("push", "frame"), PUSHES, ids=[ascii(frame) for _, frame in PUSHES])
def test_a_push_is_written_by_the_server_and_read_by_followers(push: Push, frame: Frame, library: Json) -> None:
    assert pushed(pushes.FrameEncoder(library), push) == frame
    read = pushes.decode(frames.loads(frame))
    assert (read, type(read)) == (push, type(push))


def test_a_follower_reads_the_answer_to_its_own_request_too() -> None:
    assert pushes.decode(frames.loads(b'["ok",{"from":7,"gone":9}]\n')) == Following(7, 9)


@with_each_library
def test_a_shared_answer_is_encoded_once_for_each_encoder(library: Json) -> None:
    shared = Shared(Page([TWEET], more=False))
    first = answers.encode(shared, library)
    assert first == answers.encode(shared.value, library)
    assert answers.encode(shared, library) is first
    assert len(shared.encoded) == 1


# All of them

OF_HTTP_ALONE: set[type] = {asked.Timeline, asked.NewestDeletions}
OF_OTHER_CLIENTS: set[type] = {asked.WhenThere}  # those that move between the servers of a cluster by themselves


def test_the_tables_have_every_request_answer_and_push() -> None:
    framed = {type(value) for value, *_ in REQUESTS}
    assert framed | OF_HTTP_ALONE | OF_OTHER_CLIENTS == {*get_args(asked.Request), asked.Identify}
    answered = {type(value) for value, *_ in ANSWERS}
    assert answered | {Done, Deletions, Shared[Page], Shared[TagPage]} == {*get_args(Answer)}
    assert {type(value) for value, _ in PUSHES} == {*get_args(Push)}


def test_the_tables_have_every_letter() -> None:
    letters = [value for name, value in vars(operations).items() if name.isupper()]
    end = letters.index(operations.OK)
    assert {letter(frame) for *_, frame in REQUESTS} == {*letters[:end]}
    assert {letter(frame) for _, frame in PUSHES} == {*letters[end:]} - {operations.OK, operations.ERR}
