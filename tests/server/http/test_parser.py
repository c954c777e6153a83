"""Bytes to requests: the same however they are cut, bounded, and refused where two readers could differ."""

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttweet.server.http.parser import MAX_BODY_BYTES, MAX_HEAD_BYTES, RequestParser
from ttweet.server.http.problems import Malformed
from ttweet.server.http.request import HttpRequest

POST = b"POST /tweets?a=b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nX-A: 1\r\nx-a: 2\r\n\r\nhello"
CHUNKED = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
GET = b"GET /a%20b HTTP/1.1\r\nHost: h\r\n\r\n"


def requests_of(*pieces: bytes) -> list[HttpRequest]:
    parser, found = RequestParser(), []
    for piece in pieces:
        parser.receive_data(piece)
        while (request := parser.next_request()) is not None:
            found.append(request)
    return found


def test_a_request_has_its_method_path_query_headers_and_body() -> None:
    [request] = requests_of(POST)
    assert (request.method, request.path, request.query, request.body) == ("POST", "/tweets", "a=b", b"hello")
    assert request.headers == {"host": "h", "content-length": "5", "x-a": "1, 2"}


@given(st.lists(st.integers(0, len(POST + CHUNKED + GET)), max_size=20))
def test_requests_are_the_same_however_they_are_cut(cuts: list[int]) -> None:
    whole = POST + CHUNKED + GET
    places = [0, *sorted(cuts), len(whole)]
    pieces = [whole[start:end] for start, end in pairwise(places) if start < end]
    found = requests_of(*pieces)
    assert [(one.method, one.path, one.body) for one in found] == [
        ("POST", "/tweets", b"hello"), ("POST", "/", b"hello"), ("GET", "/a%20b", b"")
    ]  # fmt: skip
    assert found[2].segments == ["a b"]


@pytest.mark.parametrize("target", [b"http://other/tweets?x=1", b"HTTPS://other:1/tweets?x=1"])
def test_a_target_with_a_server_in_it_is_a_path_all_the_same(target: bytes) -> None:
    [request] = requests_of(b"GET %b HTTP/1.1\r\nHost: h\r\n\r\n" % target)
    assert (request.path, request.query, request.header("host")) == ("/tweets", "x=1", "h")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 2\r\n\r\nab", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x1\r\n\r\na", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffffffff\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n\tb\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX : a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"GET /\x7f HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"GET other HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b'["u","hello"]\n\n', 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1), 413),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n7000\r\n" + b"a" * 0x7000, 413),
        (b"GET /" + b"a" * MAX_HEAD_BYTES, 431),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * MAX_HEAD_BYTES, 431),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * MAX_HEAD_BYTES + b"\r\n\r\n", 431),
    ],
)
def test_bytes_that_are_no_request_or_could_be_two_are_refused(data: bytes, status: int) -> None:
    with pytest.raises(Malformed) as caught:
        requests_of(data)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        (b"", "send the header Host once, such as Host: localhost"),
        (b"Host: h\r\nHost: i\r\n", "send the header Host once, such as Host: localhost"),
        (b"Host: h\r\nContent-Length: x\r\n", "send the header Content-Length once, with a whole number"),
        (
            b"Host: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
            "send the header Content-Length once, with a whole number",
        ),
        (b"Host: h\r\nTransfer-Encoding: gzip\r\n", "send the header Transfer-Encoding once, as chunked"),
        (b"Host: h\r\nX : a\r\n", "send HTTP as RFC 9112 has it"),
    ],
)
def test_a_header_that_is_missing_or_wrong_is_named(headers: bytes, problem: str) -> None:
    with pytest.raises(Malformed) as caught:
        requests_of(b"POST / HTTP/1.1\r\n" + headers + b"\r\n")
    assert caught.value.text == f"invalid request: {problem}"


def test_lines_may_end_without_cr_and_a_body_may_look_like_a_fold() -> None:
    found = requests_of(b"POST / HTTP/1.1\nHost: h\nContent-Length: 4\n\n\n a\n" + GET)
    assert [(one.method, one.body) for one in found] == [("POST", b"\n a\n"), ("GET", b"")]


@pytest.mark.parametrize("half", [POST[:10], POST[:-1], CHUNKED[:-2]])
def test_an_end_in_the_middle_of_a_request_is_refused(half: bytes) -> None:
    with pytest.raises(Malformed, match="in the middle"):
        requests_of(half, b"")


def test_an_end_between_requests_is_none() -> None:
    assert len(requests_of(GET, b"")) == 1


def test_a_client_that_waits_for_a_word_gets_it_once() -> None:
    parser = RequestParser()
    parser.receive_data(b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert parser.next_request() is None
    assert parser.go_on().startswith(b"HTTP/1.1 100 Continue\r\n")
    assert parser.go_on() == b""
    parser.receive_data(b"ab")
    request = parser.next_request()
    assert request is not None
    assert request.body == b"ab"


@given(st.binary(max_size=2000))
def test_no_bytes_at_all_raise_anything_else(data: bytes) -> None:
    for begin in (
        b"",
        b"GET / HTTP/1.1\r\nHost: h\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
    ):
        with suppress(Malformed):
            requests_of(begin + data)
