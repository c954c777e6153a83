"""A request through a proxy is never local: its client is the one that a trusted proxy names."""

from pathlib import Path

import pytest

from tests.support.http_calls import HttpServing, http_serving
from ttweet.security.authenticator import Authenticator
from ttweet.security.rate_limit import Rate
from ttweet.security.rights import ADMIN, POST, READ, RIGHTS
from ttweet.security.token_file import TokenFile
from ttweet.server.config import Rates
from ttweet.server.http.forwarded import Requester, requester_of
from ttweet.server.http.request import HttpRequest

HEADERS = [
    "cdn_loop",
    "cf_connecting_ip",
    "fastly_client_ip",
    "forwarded",
    "true_client_ip",
    "via",
    "x_client_ip",
    "x_cluster_client_ip",
    "x_forwarded",
    "x_forwarded_anything",
    "x_forwarded_for",
    "x_forwarded_proto",
    "x_original_forwarded_for",
    "x_real_ip",
]
PROXIES = ("127.0.0.1", "2001:db8::7")
HERE = "127.0.0.1"


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("address", [HERE, "192.0.2.1"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_a_request_by_a_proxy_that_is_not_trusted_is_refused_with_the_way_out(
    header: str, address: str, method: str
) -> None:
    async with http_serving() as http:
        answer = await http.call(address).ask(method, "/tweets", **{header: "192.0.2.9"})
        assert (answer.status, answer.code) == (403, "forbidden")
        assert "--http-proxy" in answer.json["detail"]
    async with http_serving(proxies=("192.0.2.77",), anonymous="read") as http:
        assert (await http.call(address).ask(method, "/tweets", **{header: "192.0.2.9"})).code == "forbidden"


@pytest.mark.parametrize(
    ("peer", "headers", "address", "is_secure"),
    [
        (HERE, {"x-forwarded-for": "192.0.2.9"}, "192.0.2.9", False),
        (HERE, {"x-forwarded-for": "192.0.2.9", "x-forwarded-proto": "https"}, "192.0.2.9", True),
        (HERE, {"x-forwarded-for": "127.0.0.1, 192.0.2.9"}, "192.0.2.9", False),
        (HERE, {"x-forwarded-for": "10.0.0.1, 192.0.2.9, 2001:db8:0::7"}, "192.0.2.9", False),
        (HERE, {"x-forwarded-for": "[2001:db8::9]:443"}, "2001:db8::9", False),
        (HERE, {"x-forwarded-for": "192.0.2.9:443"}, "192.0.2.9", False),
        (HERE, {"x-forwarded-for": "::ffff:192.0.2.9"}, "192.0.2.9", False),
        (HERE, {"x-forwarded-for": "192.0.2.9, unknown"}, HERE, False),
        (HERE, {"forwarded": "for=192.0.2.9"}, HERE, False),
        (HERE, {}, HERE, False),
        ("192.0.2.1", {"x-forwarded-for": "192.0.2.9", "x-forwarded-proto": "https"}, "192.0.2.1", True),
    ],
)
def test_the_client_is_the_last_address_that_is_no_proxy(
    peer: str, headers: dict[str, str], address: str, is_secure: bool
) -> None:
    request = HttpRequest("GET", "/", "", headers)
    assert requester_of(request, Requester((peer, 5), False), PROXIES) == Requester((address, 5), is_secure)
    assert requester_of(request, Requester((peer, 5), True), PROXIES).is_secure, "TLS to this server"


async def status(http: HttpServing, path: str, *, method: str = "GET", token: str | None = None, **headers: str) -> int:
    return (await http.call(HERE).ask(method, path, "x" if method == "POST" else "", token=token, **headers)).status


@pytest.mark.parametrize("forwarded", [{}, {"x_forwarded_for": "192.0.2.9"}, {"x_forwarded_for": "127.0.0.1"}])
@pytest.mark.parametrize(("anonymous", "read", "post"), [(None, 401, 401), ("read", 200, 401), ("write", 200, 201)])
async def test_a_stranger_behind_a_proxy_has_no_more_rights_than_on_a_public_address(
    forwarded: dict[str, str], anonymous: str | None, read: int, post: int
) -> None:
    async with http_serving(proxies=PROXIES, anonymous=anonymous) as http:
        assert await status(http, "/tweets", **forwarded) == read
        assert await status(http, "/tweets", method="POST", **forwarded) == post
        assert await status(http, "/tweets/1", method="DELETE", **forwarded) == 401
        assert await status(http, "/metrics", **forwarded) == 401
        assert await status(http, "/stats", **forwarded) == 401
        caller = await http.here.call()
        assert (await caller.ask("i", ""))[0] == "ok", "the framed port is as local as before"


async def test_a_token_has_its_rights_behind_a_proxy_too(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tweets.db")
    _, secret = file.add("root", frozenset({READ, POST, ADMIN}))
    async with http_serving(proxies=PROXIES, authenticator=Authenticator(file=file)) as http:
        assert await status(http, "/metrics", token=secret, x_forwarded_for="192.0.2.9") == 200


@pytest.mark.parametrize(
    ("request_line", "anonymous", "with_token"),
    [
        ("GET /tweets", 200, 200),
        ("GET /health/live", 200, 200),
        ("POST /tweets", 401, 201),
        ("DELETE /tweets/1", 401, 204),
        ("POST /tweets/1/delete", 401, 303),
        ("GET /stats", 401, 200),
        ("GET /metrics", 401, 200),
    ],
)
async def test_a_request_by_http_1_0_may_only_read_without_a_token_as_a_proxy_may_have_sent_it(
    tmp_path: Path, request_line: str, anonymous: int, with_token: int
) -> None:
    file = TokenFile(tmp_path / "tweets.db")
    _, secret = file.add("root", frozenset(RIGHTS))
    by_token = f"Authorization: Bearer {secret}\r\n"
    for header, tokens, status in (("", None, anonymous), (by_token, file, with_token)):
        async with http_serving(authenticator=Authenticator(file=tokens)) as http:
            await http.post("one")
            caller = http.call(HERE)
            await caller.stream.send_all(
                f"{request_line} HTTP/1.0\r\nHost: 127.0.0.1:8080\r\n{header}Content-Length: 1\r\n\r\nx".encode()
            )
            assert bytes(await caller.stream.receive_some()).startswith(b"HTTP/1.1 %d " % status)


async def test_rates_wrong_tokens_and_report_lines_go_by_the_forwarded_client() -> None:
    rates = Rates(Rate(1, "h", burst=2))
    async with http_serving(proxies=PROXIES, anonymous="read", rates=rates) as http:
        first = [await status(http, "/tweets", x_forwarded_for="192.0.2.9") for _ in range(2)]
        assert first == [200, 429]
        assert await status(http, "/tweets", x_forwarded_for="192.0.2.10") == 200
        assert [await status(http, "/tweets") for _ in range(2)] == [200, 429], "nor is the proxy itself local"
    async with http_serving(proxies=PROXIES, anonymous="read") as http:
        wrong = [await status(http, "/tweets", token="ttw_x", x_forwarded_for="192.0.2.9") for _ in range(6)]
        assert wrong == [401] * 5 + [429]
        assert await status(http, "/tweets", token="ttw_x", x_forwarded_for="192.0.2.10") == 401
        caller = await http.here.call()
        await caller.ask("u", "afterwards")
        assert [line for line in http.here.lines if "('192.0.2.9', " in line]
