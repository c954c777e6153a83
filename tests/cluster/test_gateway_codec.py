"""The gateway's bytes without a network: whole, cut anywhere, and of a node that is hostile."""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import pairwise

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttweet.cluster.gateway_codec import MAX_ANSWER_BYTES, MAX_HEAD_BYTES, GatewayCodec
from ttweet.cluster.messages import (
    GatewayError,
    KeepAliveResponse,
    KeyValue,
    MalformedAnswerError,
    RangeResponse,
    StatusResponse,
    TxnResponse,
    decode,
    decode_watched,
    put_number,
)

HEADER = b'{"header":{"cluster_id":"18313758221820662318","member_id":"7","revision":"9"}'
FOUND = HEADER + b',"kvs":[{"key":"YQ==","mod_revision":"3","version":"2","value":"/w=="}],"count":"1"}'
WATCHED = b'{"result":' + HEADER + b',"events":[{"kv":{"key":"YQ==","mod_revision":"9","version":"1"}}]}}\n'
REFUSED = b'{"error":"etcdserver: no leader","message":"etcdserver: no leader","code":14}'


def sized(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d OK\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


def chunked(status: int, *parts: bytes, end: bool = True) -> bytes:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    trailer = b"0\r\nGrpc-Trailer-Content-Type: application/grpc\r\n\r\n" * end
    return b"HTTP/1.1 %d OK\r\nTransfer-Encoding: chunked\r\n\r\n%s%s" % (status, chunks, trailer)


def asked() -> GatewayCodec:
    codec = GatewayCodec("h1:2379")
    codec.request("/v3/kv/range", b"{}")
    return codec


def cut_at(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    places = [0, *sorted({cut % len(data) for cut in cuts} - {0}), len(data)]
    return [data[begin:end] for begin, end in pairwise(places)]


def test_a_request_is_one_that_any_server_reads() -> None:
    codec = GatewayCodec("h1:2379", token="secret")
    server = h11.Connection(h11.SERVER)
    server.receive_data(codec.request("/v3/kv/txn", b'{"a":1}'))
    request, data = server.next_event(), server.next_event()
    assert isinstance(request, h11.Request)
    assert (request.method, request.target) == (b"POST", b"/v3/kv/txn")
    assert (b"authorization", b"secret") in request.headers
    assert isinstance(data, h11.Data)
    assert bytes(data.data) == b'{"a":1}'


@given(cuts=st.lists(st.integers(0, 1000)), wrap=st.sampled_from([sized, chunked]))
def test_an_answer_is_read_wherever_the_network_cuts_it(cuts: list[int], wrap: Callable[[int, bytes], bytes]) -> None:
    codec = asked()
    answers = []
    for part in cut_at(wrap(200, FOUND), cuts):
        codec.receive_data(part)
        answers.append(codec.next_answer())
    assert answers[:-1] == [None] * (len(answers) - 1)
    found = decode(answers[-1] or b"", RangeResponse)
    assert found.kvs == [KeyValue(b"a", b"\xff", mod_revision=3, version=2)]


@given(cuts=st.lists(st.integers(0, 1000)))
def test_the_lines_of_a_watch_are_read_wherever_the_network_cuts_them(cuts: list[int]) -> None:
    codec = asked()
    lines: list[bytes] = []
    for part in cut_at(chunked(200, WATCHED, WATCHED[:20], WATCHED[20:] + WATCHED, end=False), cuts):
        codec.receive_data(part)
        lines += codec.next_lines()
    assert [line + b"\n" for line in lines] == [WATCHED] * 3
    assert decode_watched(lines[0]).events[0].kv.mod_revision == 9


def test_one_answer_after_another_is_read_on_one_connection() -> None:
    codec = asked()
    for body in (FOUND, HEADER + b"}"):
        codec.receive_data(sized(200, body))
        assert codec.next_answer() == body
        codec.request("/v3/kv/range", b"{}")


@pytest.mark.parametrize("wrap", [sized, chunked])
def test_a_refusal_has_the_text_and_the_code_of_etcd(wrap: Callable[[int, bytes], bytes]) -> None:
    codec = asked()
    codec.receive_data(wrap(503, REFUSED))
    with pytest.raises(GatewayError, match="no leader") as caught:
        codec.next_answer()
    assert caught.value.code == 14


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        sized(200, b"")[:-2],
        sized(404, b"Not Found"),
        sized(502, b"<html>"),
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * MAX_HEAD_BYTES,
        sized(200, b" " * (MAX_ANSWER_BYTES + 1)),
    ],
    ids=lambda data: data[:24].decode(),
)
def test_an_answer_of_another_program_than_the_gateway_is_refused(data: bytes) -> None:
    codec = asked()
    with pytest.raises(MalformedAnswerError):  # noqa: PT012  # at once, or at the end
        codec.receive_data(data)
        while codec.next_answer() is None:
            codec.receive_data(b"")


def test_a_watch_that_ends_is_reported() -> None:
    codec = asked()
    codec.receive_data(chunked(200, WATCHED))
    with pytest.raises(MalformedAnswerError, match="the answer has ended"):
        list(codec.next_lines())


def test_a_line_of_a_watch_is_bounded() -> None:
    codec = asked()
    codec.receive_data(chunked(200, b"x" * MAX_ANSWER_BYTES, b"x", end=False))
    with pytest.raises(MalformedAnswerError, match="more than 4194304 bytes"):
        list(codec.next_lines())


@given(data=st.binary() | st.builds(lambda tail: b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" + tail, st.binary()))
def test_any_bytes_are_an_answer_or_malformed(data: bytes) -> None:
    codec = asked()
    try:
        codec.receive_data(data)
        answer = codec.next_answer()
        decode(answer or b"", TxnResponse)
    except (MalformedAnswerError, GatewayError):
        pass


KEYS = st.sampled_from(
    ["header", "kvs", "key", "revision", "succeeded", "responses", "result", "events", "error", "kv"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'"header"',
        b"{}",
        b'{"header":[]}',
        b'{"header":{"revision":"x"}}',
        b'{"header":{},"kvs":{}}',
        b'{"header":{},"kvs":[{"key":7}]}',
        b'{"header":{},"kvs":[{"key":"!"}]}',
        b'{"header":{},"kvs":[{"key":"YQ==","mod_revision":1e99}]}',
        b'{"header":{},"kvs":[{"key":"YQ==","value":"\xff"}]}',
    ],
)
def test_json_of_other_kinds_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedAnswerError):
        decode(data, RangeResponse)


@given(value=VALUES)
def test_any_json_is_an_answer_or_malformed(value: object) -> None:
    for kind in (RangeResponse, TxnResponse, StatusResponse, KeepAliveResponse):
        with suppress(MalformedAnswerError):
            assert isinstance(decode(json.dumps(value).encode(), kind), kind)


@given(value=VALUES)
def test_any_json_is_a_line_of_a_watch_an_error_or_malformed(value: object) -> None:
    with suppress(MalformedAnswerError, GatewayError):
        decode_watched(json.dumps({"result": value}).encode())


def test_the_deepest_json_is_malformed() -> None:
    with pytest.raises(MalformedAnswerError):
        decode(b'{"header":' * 100_000, RangeResponse)


def test_a_record_is_put_under_the_condition_that_none_of_its_number_was() -> None:
    transaction = put_number(b"key", 7, b"data", end=b"end")
    assert transaction["compare"] == [{"key": b"key", "target": "VERSION", "result": "EQUAL", "version": 6}]
