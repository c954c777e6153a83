"""Other sites, other names and proxies: what a browser may be made to send is refused before it is looked at."""

import pytest

from tests.support.http_calls import http_serving

HOSTS = [
    ("127.0.0.1:8080", 200),
    ("192.0.2.7", 200),
    ("[::1]:8080", 200),
    ("localhost:8080", 200),
    ("LOCALHOST", 200),
    ("tweets.example:8080", 200),
    ("Tweets.Example", 200),
    ("evil.example", 421),
    ("localhost.evil.example", 421),
    ("127.0.0.1.evil.example:8080", 421),
    ("tweets.example.", 421),
    ("1", 421),
    ("[evil]:8080", 421),
    ("", 400),
    (":8080", 400),
]
ORIGINS: list[tuple[dict[str, str], int]] = [
    ({}, 201),
    ({"sec_fetch_site": "same-origin", "origin": "https://elsewhere.example"}, 201),
    ({"sec_fetch_site": "none"}, 201),
    ({"sec_fetch_site": "same-site"}, 403),
    ({"sec_fetch_site": "cross-site"}, 403),
    ({"sec_fetch_site": "cross-site", "origin": "http://127.0.0.1:8080"}, 403),
    ({"origin": "http://127.0.0.1:8080"}, 201),
    ({"origin": "http://127.0.0.1:8081"}, 403),
    ({"origin": "http://evil.example"}, 403),
    ({"origin": "null"}, 403),
]


@pytest.mark.parametrize(("host", "status"), HOSTS)
@pytest.mark.parametrize("path", ["/tweets", "/nothing"])
async def test_a_server_answers_under_its_addresses_and_names_alone(host: str, status: int, path: str) -> None:
    async with http_serving(names=("tweets.example",)) as http:
        answer = await http.ask("GET", path, host=host)
        assert answer.status == (404 if (status, path) == (200, "/nothing") else status)
        if status == 421:
            assert answer.code == "forbidden"
            assert "--http-name" in answer.json["detail"]
        if status == 400:
            assert answer.json["detail"] == "empty Host: name the server, such as Host: localhost"


@pytest.mark.parametrize(("headers", "status"), ORIGINS)
async def test_a_page_of_another_site_cannot_post(headers: dict[str, str], status: int) -> None:
    async with http_serving() as http:
        assert (await http.ask("POST", "/tweets", "x", **headers)).status == status
        assert len(http.here.store.tweets) == (status == 201)


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "ANY"])
async def test_nor_can_it_change_anything_else(method: str) -> None:
    async with http_serving() as http:
        await http.post("one")
        assert (await http.ask(method, "/tweets/1", sec_fetch_site="cross-site")).code == "forbidden"
        assert len(http.here.store.tweets) == 1


async def test_a_link_on_another_site_leads_here() -> None:
    async with http_serving() as http:
        assert (await http.ask("GET", "/tweets", sec_fetch_site="cross-site")).status == 200
