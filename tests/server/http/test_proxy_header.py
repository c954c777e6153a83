"""The PROXY header: which client it names, what is no header, and that only a trusted proxy may send one."""

import ssl
from pathlib import Path

import pytest
import trio
import trio.testing

from tests.support.authority import Authority
from tests.support.http_calls import HttpServing, http_serving
from tests.support.serving import jump
from ttweet.security.rate_limit import Rate
from ttweet.server.config import Limits, Rates
from ttweet.server.http.problems import Malformed
from ttweet.server.http.proxy_header import MAX_BINARY_BYTES, MAX_LINE_BYTES, ProxyHeader, read_header

HERE = "127.0.0.1"
PROXIES = (HERE,)
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
V4 = bytes([192, 0, 2, 9, 192, 0, 2, 1]) + b"\xdc\x04\x01\xbb"
V6 = bytes.fromhex("20010db8000000000000000000000009" * 2) + b"\xdc\x04\x01\xbb"
MAPPED = (b"\0" * 10 + b"\xff\xff" + bytes([192, 0, 2, 9])) * 2 + b"\xdc\x04\x01\xbb"
GET = b"GET /tweets HTTP/1.1\r\nHost: localhost\r\n\r\n"


def binary(block: bytes, *, command: int = 0x21, family: int = 0x11) -> bytes:
    """A header of version 2."""
    return SIGNATURE + bytes([command, family]) + len(block).to_bytes(2, "big") + block


TEXT = b"PROXY TCP4 192.0.2.9 192.0.2.1 56324 443\r\n"
CLIENT = ("192.0.2.9", 56324)
HEADERS = [
    (TEXT, CLIENT),
    (b"PROXY TCP6 2001:db8:0::9 2001:db8::1 56324 443\r\n", ("2001:db8::9", 56324)),
    (b"PROXY TCP6 ::ffff:192.0.2.9 ::ffff:192.0.2.1 56324 443\r\n", CLIENT),
    (b"PROXY UNKNOWN\r\n", None),
    (b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", None),
    (binary(V4), CLIENT),
    (binary(V4 + b"\x04\x00\x04more"), CLIENT),
    (binary(V6, family=0x21), ("2001:db8::9", 56324)),
    (binary(MAPPED, family=0x21), CLIENT),
    (binary(b"", command=0x20, family=0), None),
    (binary(V4, command=0x20), None),
    (binary(V4, family=0x12), None),
    (binary(b"x" * 216, family=0x31), None),
    (binary(b"", family=0), None),
]


@pytest.mark.parametrize(("header", "client"), HEADERS)
def test_a_header_names_the_client_once_it_is_whole(header: bytes, client: tuple[str, int] | None) -> None:
    assert read_header(header + GET) == ProxyHeader(len(header), client)
    assert [read_header(header[:end]) for end in range(len(header))] == [None] * len(header)


@pytest.mark.parametrize("data", [GET, b"P", b"POST ", b"\r\n\r\nGET", b"\x16\x03\x01", b"PROXIES"])
def test_other_bytes_have_no_header(data: bytes) -> None:
    assert read_header(data) == (None if data == b"P" else ProxyHeader(0, None))


@pytest.mark.parametrize(
    "header",
    [
        TEXT.replace(b"TCP4", b"TCP6"),
        TEXT.replace(b"TCP4", b"UDP4"),
        TEXT.replace(b"192.0.2.9", b"192.0.2.256"),
        TEXT.replace(b"56324", b"65536"),
        TEXT.replace(b"56324", b"-1"),
        TEXT.replace(b"56324", "\N{SUPERSCRIPT TWO}".encode()),
        TEXT.replace(b" 443", b""),
        TEXT.replace(b" 443", b" 443 more"),
        TEXT.replace(b" 443", b"  443"),
        TEXT.replace(b"192.0.2.9", b"\xff"),
        b"PROXY \r\n",
        b"PROXY " + b"a" * MAX_LINE_BYTES,
        binary(V4, command=0x11),
        binary(V4, command=0x22),
        binary(V4[:-1]),
        binary(V4, family=0x21),
        binary(b"a" * MAX_BINARY_BYTES),
    ],
)
def test_a_header_that_breaks_the_rules_is_refused(header: bytes) -> None:
    with pytest.raises(Malformed, match="invalid PROXY header"):
        read_header(header)


async def first_answer(http: HttpServing, *parts: bytes, address: str = HERE) -> bytes:
    """The answer to the first bytes of a connection from an address."""
    caller = http.call(address)
    for part in parts:
        await caller.stream.send_all(part)
    return bytes(await caller.stream.receive_some())


@pytest.mark.parametrize("header", [TEXT, binary(V4)])
async def test_rates_and_report_lines_go_by_the_client_of_the_header(header: bytes) -> None:
    rates = Rates(Rate(1, "h", burst=1))
    async with http_serving(proxies=PROXIES, anonymous="read", rates=rates) as http:
        statuses = [(await first_answer(http, header, GET))[9:12] for _ in range(2)]
        assert statuses == [b"200", b"429"]
        assert (await first_answer(http, GET))[9:12] == b"200", "the proxy itself is another client"
        assert (await first_answer(http, header, b"nonsense\r\n\r\n"))[9:12] == b"400"
        assert (await first_answer(http, header[:20], header[20:] + b"nonsense\r\n\r\n"))[9:12] == b"400"
        caller = await http.here.call()
        await caller.ask("u", "afterwards")
        assert len([line for line in http.here.lines if "('192.0.2.9', 56324)" in line]) == 2


async def test_a_client_behind_a_header_is_never_local_and_names_no_other_client() -> None:
    local = b"PROXY TCP4 127.0.0.1 127.0.0.1 56324 443\r\n"
    async with http_serving(proxies=PROXIES, anonymous="read", rates=Rates(Rate(1, "h", burst=1))) as http:
        metrics = GET.replace(b"/tweets", b"/metrics")
        assert (await first_answer(http, local + metrics))[9:12] == b"401"
        forged = GET.replace(b"\r\n\r\n", b"\r\nX-Forwarded-For: 192.0.2.%d\r\n\r\n")
        assert [(await first_answer(http, TEXT + forged % number))[9:12] for number in (1, 2)] == [b"200", b"429"]


@pytest.mark.parametrize("header", [TEXT, binary(V4)])
async def test_a_header_from_any_other_address_is_no_request(header: bytes) -> None:
    for proxies, address in (((), HERE), (PROXIES, "192.0.2.1")):
        async with http_serving(proxies=proxies, anonymous="read") as http:
            assert (await first_answer(http, header + GET, address=address))[9:12] == b"400"


async def test_a_wrong_header_is_answered_once_and_ends_the_connection() -> None:
    async with http_serving(proxies=PROXIES) as http:
        caller = http.call(HERE)
        await caller.stream.send_all(TEXT.replace(b"443", b"x") + GET)
        answer = b""
        async for part in caller.stream:
            answer += part
        assert answer.count(b"HTTP/1.1 ") == answer.count(b"HTTP/1.1 400 ") == 1
        assert b"invalid PROXY header" in answer


async def test_half_a_header_is_closed_after_a_while(mock_clock: trio.testing.MockClock) -> None:
    async with http_serving(proxies=PROXIES, limits=Limits(first_byte_s=10)) as http:
        caller = http.call(HERE)
        await caller.stream.send_all(TEXT[:9])
        await jump(mock_clock, 11)
        assert await caller.is_closed


async def test_a_connection_that_ends_in_a_header_is_no_request() -> None:
    async with http_serving(proxies=PROXIES) as http:
        caller = http.call(HERE)
        await caller.stream.send_all(TEXT[:9])
        await caller.stream.send_eof()
        assert bytes(await caller.stream.receive_some()).startswith(b"HTTP/1.1 400 ")


async def test_a_header_comes_before_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    rates = Rates(Rate(1, "h", burst=1))
    async with http_serving(
        proxies=PROXIES, anonymous="read", rates=rates, certificates=authority.certificates()
    ) as http:
        for header, status in ((TEXT, b"200"), (binary(V4), b"429"), (b"", b"200")):
            caller = await http.dial()
            await caller.stream.send_all(header)
            context = ssl.create_default_context(cafile=authority.ca)
            secured = trio.SSLStream(http.dialled[-1], context, server_hostname=HERE)
            await secured.send_all(GET)
            assert (await secured.receive_some())[9:12] == status
