"""A connection: request after request, deadlines, places, rates, and its end."""

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
import trio.testing

from tests.support.held_store import HeldStore
from tests.support.http_calls import HttpCaller, HttpServing, http_serving
from tests.support.listening import listen
from tests.support.memory_store import in_place_of_sqlite
from tests.support.serving import jump
from ttweet.security.authenticator import Authenticator
from ttweet.security.rate_limit import Rate
from ttweet.security.rights import POST, READ
from ttweet.security.token_file import TokenFile
from ttweet.server import app
from ttweet.server.config import Config, Limits, Rates
from ttweet.server.entrances import EDGES, Entrance
from ttweet.server.http.call import Call, Decision
from ttweet.server.http.connection import KEEP_ALIVE_S

HEAD = b"GET /tweets HTTP/1.1\r\nHost: localhost\r\n"


async def everything(caller: HttpCaller) -> bytes:
    """All that comes until the server ends the connection."""
    data = b""
    async for part in caller.stream:
        data += part
    return data


async def test_requests_that_come_together_are_answered_in_order() -> None:
    async with http_serving() as http:
        caller = http.call()
        post = b"POST /tweets HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\none"
        await caller.stream.send_all(post + HEAD + b"\r\n" + HEAD + b"Connection: close\r\n\r\n")
        answers = (await everything(caller)).split(b"HTTP/1.1 ")[1:]
        assert [answer[:3] for answer in answers] == [b"201", b"200", b"200"]
        assert b'"text":"one"' in answers[1]
        assert b"Connection: close" in answers[2]


@pytest.mark.parametrize(
    "end",
    [
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        HEAD + b"Connection: Close\r\n\r\n",
    ],
)
async def test_a_connection_that_is_not_kept_alive_ends_with_the_answer(end: bytes) -> None:
    async with http_serving() as http:
        caller = http.call()
        await caller.stream.send_all(end)
        answer = await everything(caller)
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\nConnection: close\r\n" in answer


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"POST /tweets HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000000\r\n\r\n" + b"a" * 20_000, b"413"),
        (HEAD + b"X: " + b"a" * 17_000, b"431"),
        (HEAD[:9], b"400"),
    ],
)
async def test_bytes_that_are_no_request_are_answered_once_and_end_the_connection(data: bytes, status: bytes) -> None:
    async with http_serving() as http:
        caller = http.call()
        await caller.stream.send_all(data)
        if status == b"400" and data in HEAD:
            await caller.stream.send_eof()
        answer = await everything(caller)
        assert answer.startswith(b"HTTP/1.1 " + status)
        assert answer.count(b"HTTP/1.1 ") == 1
        assert http.here.stats.collect()["refusals"] == {"bad_frame": 1}


@pytest.mark.parametrize("pieces", [[b'["l",{}]\n'], [b"["], [b"d\n"], [b"u", b"\nHello"]])
async def test_a_client_of_another_port_gets_an_error_at_once_in_its_own_protocol(pieces: list[bytes]) -> None:
    async with http_serving() as http:
        caller = http.call()
        for piece in pieces:
            await caller.stream.send_all(piece)
            await trio.testing.wait_all_tasks_blocked()
        said = {"code": "bad_protocol", "text": "this port speaks HTTP; use the port without HTTP"}
        assert json.loads(await everything(caller)) == ["err", said]
        assert http.here.stats.collect()["refusals"] == {"bad_protocol": 1}


@pytest.mark.parametrize(
    ("sent", "wait_s", "answer"),
    [
        (b"", 10, b""),
        (b"GET", 10, b"HTTP/1.1 408 "),
        (HEAD, 10, b"HTTP/1.1 408 "),
        (b"POST /tweets HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\na", 10, b"HTTP/1.1 408 "),
    ],
)
async def test_a_client_that_sends_too_slowly_is_closed(
    mock_clock: trio.testing.MockClock, sent: bytes, wait_s: float, answer: bytes
) -> None:
    async with http_serving(limits=Limits(first_byte_s=wait_s, frame_s=wait_s)) as http:
        caller = await http.dial()
        await caller.stream.send_all(sent)
        await jump(mock_clock, wait_s + 1)
        assert (await everything(caller))[:13] == answer


async def test_a_byte_now_and_then_does_not_hold_a_connection(mock_clock: trio.testing.MockClock) -> None:
    async with http_serving(limits=Limits(frame_s=10)) as http:
        caller = await http.dial()
        for byte in HEAD[:4]:
            await caller.stream.send_all(bytes([byte]))
            await jump(mock_clock, 3)
        assert (await everything(caller)).startswith(b"HTTP/1.1 408 ")


async def test_a_connection_without_a_further_request_is_closed_after_a_while(
    mock_clock: trio.testing.MockClock,
) -> None:
    async with http_serving() as http:
        caller = http.call()
        assert (await caller.ask("GET", "/tweets")).status == 200
        await jump(mock_clock, KEEP_ALIVE_S - 2)
        assert (await caller.ask("GET", "/tweets")).status == 200
        await jump(mock_clock, KEEP_ALIVE_S + 2)
        assert await everything(caller) == b""


async def test_a_post_that_waits_for_the_disk_is_waited_for(mock_clock: trio.testing.MockClock) -> None:
    store = HeldStore()
    async with http_serving(store, limits=Limits(send_s=10)) as http:
        caller = http.call()
        store.hold()
        await caller.send("POST", "/tweets", "held")
        await store.wait_held()
        for _ in range(3):
            await jump(mock_clock, 30)
        store.release()
        assert (await caller.answer()).status == 201


async def test_a_client_is_held_to_the_rate_and_told_when_to_retry(mock_clock: trio.testing.MockClock) -> None:
    async with http_serving(rates=Rates(Rate(1, "h", burst=5))) as http:
        caller = http.call()
        assert [(await caller.ask("GET", path)).status for path in ("/tags", "/tweets/1", "/tweets/1")] == [
            200,
            404,
            429,
        ]
        answer = await caller.ask("GET", "/online")
        assert (answer.code, int(answer.headers["retry-after"]) > 3000) == ("slow_down", True)
        assert (await http.call("198.51.100.1").ask("GET", "/tags")).status == 200
        assert (await http.call("127.0.0.1").ask("GET", "/tags")).status == 200, "this machine's own has no rate"
        assert http.here.stats.collect()["rate"]["refused"] == 2


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/nothing", {}, 404),
        ("GET", "/tweets", {"host": "evil.example"}, 421),
        ("GET", "/tweets", {"via": "1.1 proxy"}, 403),
        ("POST", "/tweets", {"origin": "http://evil.example"}, 403),
        ("PUT", "/tweets", {}, 405),
        ("OPTIONS", "/tweets", {}, 204),
        ("POST", "/nothing", {"accept": "text/html"}, 404),
    ],
)
async def test_a_request_without_a_route_counts_in_the_rate_too(
    method: str, path: str, headers: dict[str, str], status: int
) -> None:
    async with http_serving(rates=Rates(Rate(1, "h", burst=2))) as http:
        statuses = [(await http.ask(method, path, **headers)).status for _ in range(4)]
        assert statuses == [status, status, 429, 429]


@pytest.mark.parametrize(("rights", "lines"), [({READ}, 3), (set[str](), 0)])
async def test_a_client_without_any_right_cannot_fill_the_report_log(rights: set[str], lines: int) -> None:
    async with http_serving(authenticator=Authenticator(frozenset(rights))) as http:
        caller = http.call()
        assert [(await caller.ask("GET", "/nothing")).status for _ in range(3)] == [404] * 3
        http.here.backend.service.post("the lines are stored before this", seed := Decision())
        await seed.made.wait()
        assert len([line for line in http.here.lines if "COULD NOT BE PROCESSED" in line]) == lines


async def test_a_full_server_reports_it_and_lets_a_client_with_a_token_in(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tweets.db")
    _, secret = file.add("ci", frozenset({READ, POST}))
    async with http_serving(max_clients=1, authenticator=Authenticator(frozenset({READ}), file)) as http:
        first = http.call("192.0.2.1")
        assert (await first.ask("GET", "/tweets")).status == 200
        answer = await in_anteroom(http).ask("GET", "/", accept="text/html")
        assert (answer.status, answer.headers["content-type"]) == (503, "text/plain; charset=utf-8")
        for token, status in ((None, 503), (secret, 200)):
            caller = in_anteroom(http)
            assert (await caller.ask("GET", "/tweets", token=token)).status == status
        assert await everything(first) != b"never", "it made room"
        assert http.here.places.taken == 1


def in_anteroom(http: HttpServing) -> HttpCaller:
    """A client that came to a full server."""
    admit = http.edge.admit
    http.edge.admit = lambda *args: admit(*args, seated=False)  # type: ignore[method-assign]
    try:
        return http.call("198.51.100.7")
    finally:
        http.edge.admit = admit  # type: ignore[method-assign]


async def test_too_many_wrong_tokens_of_an_address_have_to_wait(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tweets.db")
    file.add("ci", frozenset({READ}))
    async with http_serving(authenticator=Authenticator(frozenset({READ}), file)) as http:
        answers = [await http.ask("GET", "/tweets", token=f"ttw_{number}") for number in range(6)]
        assert [answer.status for answer in answers] == [401] * 5 + [429]
        assert "retry-after" in answers[-1].headers


@pytest.fixture
def listening() -> Iterator[list[socket.socket]]:
    sockets = [*listen(("127.0.0.1",), 0), *listen(("127.0.0.1",), 0)]
    yield sockets
    for one in sockets:
        one.close()


@pytest.mark.usefixtures("signals_put_back")
async def test_a_server_that_stops_answers_what_is_under_way_by_real_sockets(listening: list[socket.socket]) -> None:
    store, (framed, web) = HeldStore(), listening
    config = Config(port=0, report_file=None, quiet=True)
    entrances = [Entrance(kind.make, [sock], kind.scheme) for kind, sock in zip(EDGES[:2], (framed, web), strict=True)]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(app.serve, config, in_place_of_sqlite(store), entrances)
        async with (
            await trio.open_tcp_stream(*web.getsockname()) as stream,
            await trio.open_tcp_stream(*web.getsockname()) as other,
        ):
            working, idle = HttpCaller(stream), HttpCaller(other)
            assert (await idle.ask("POST", "/tweets", "let through")).status == 201
            store.hold()
            await working.send("POST", "/tweets", "held")
            await store.wait_held()
            signal.raise_signal(signal.SIGTERM)
            assert await everything(idle) == b""
            store.release()
            answer = await working.answer()
            assert (answer.status, answer.headers["connection"]) == (201, "close")
            assert await everything(working) == b""
    assert [tweet.text for tweet in store.tweets] == ["let through", "held"]


@pytest.mark.parametrize(("method", "code"), [("GET", "internal"), ("POST", "unknown")])
async def test_a_handler_that_fails_is_answered_and_logged(
    method: str, code: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("a secret fault")

    monkeypatch.setattr(Call, "ask", fail)
    monkeypatch.setattr(Call, "post", fail)
    async with http_serving() as http:
        caller = http.call()
        answer = await caller.ask(method, "/tweets", "x" if method == "POST" else "")
        assert (answer.status, answer.code, answer.headers["connection"]) == (500, code, "close")
        assert b"secret" not in answer.body
        await caller.stream.aclose()
        while http.here.places.taken:
            await trio.lowlevel.checkpoint()
        assert "the task of client" in caplog.text
        assert "a secret fault" in caplog.text
        monkeypatch.undo()
        assert (await http.ask("GET", "/tweets")).status == 200
        metrics = (await http.ask("GET", "/metrics")).body
        assert b'ttweet_http_requests_total{route="/tweets",status="500"} 1.0' in metrics
        assert b'ttweet_refusals_total{code="internal"} 1.0' in metrics
