"""Every route, by every kind of client: what it may do, and what it is answered."""

from itertools import product
from pathlib import Path

import pytest

from tests.support.http_calls import http_serving
from ttweet.security.authenticator import Authenticator
from ttweet.security.rights import ADMIN, POST, READ, RIGHTS
from ttweet.security.token_file import TokenFile
from ttweet.server.http.api import OPERATING, routes
from ttweet.server.http.call import Decision

CALLS: dict[tuple[str, str], tuple[str | None, str, int]] = {  # what is needed, a request, and its status then
    ("GET", "/"): (READ, "/", 200),
    ("GET", "/tweets"): (READ, "/tweets", 200),
    ("GET", "/tweets/{id}"): (READ, "/tweets/1", 200),
    ("GET", "/tags"): (READ, "/tags", 200),
    ("GET", "/tags/{tag}"): (READ, "/tags/a", 200),
    ("GET", "/by/{name}"): (READ, "/by/ann", 200),
    ("GET", "/find"): (READ, "/find?q=one", 200),
    ("GET", "/online"): (READ, "/online", 200),
    ("GET", "/stats"): (ADMIN, "/stats", 200),
    ("GET", "/metrics"): (ADMIN, "/metrics", 200),
    ("GET", "/health/live"): (None, "/health/live", 200),
    ("GET", "/health/ready"): (None, "/health/ready", 200),
    ("POST", "/login"): (None, "/login", 415),
    ("POST", "/logout"): (None, "/logout", 303),
    ("POST", "/tweets"): (POST, "/tweets", 201),
    ("DELETE", "/tweets/{id}"): (ADMIN, "/tweets/1", 204),
}
CLIENTS = ["nobody", "anonymous reader", "wrong", "revoked", READ, POST, ADMIN]
STREAMS = ["/tweets.sse", "/tweets.ndjson", "/tags/a.sse", "/tags/a.ndjson", "/find.sse?q=a"]


def test_the_table_has_every_route() -> None:
    assert {(route.method, route.path): route.right for route in [*routes({}), *OPERATING]} == {
        place: right for place, (right, _, _) in CALLS.items()
    }


def expected(client: str, right: str | None, status: int) -> int:
    if right is None:
        return status
    if client in ("wrong", "revoked"):
        return 401
    has = {"nobody": set(), "anonymous reader": {READ}}.get(client, {client})
    if right in has:
        return status
    return 403 if client in RIGHTS else 401


def made(tmp_path: Path, client: str) -> tuple[Authenticator, str | None]:
    """The authenticator, and the token that the client shows."""
    file = TokenFile(tmp_path / "tweets.db")
    secrets = {right: file.add(f"one{right}", frozenset({right}))[1] for right in RIGHTS}
    _, secrets["revoked"] = file.add("gone", frozenset(RIGHTS))
    file.revoke("gone")
    secrets["wrong"] = "ttw_wrong"
    anonymous = frozenset({READ}) if client == "anonymous reader" else frozenset[str]()
    return Authenticator(anonymous, file), secrets.get(client)


@pytest.mark.parametrize(("client", "place"), [*product(CLIENTS, CALLS)], ids=str)
async def test_a_request_is_carried_out_for_clients_with_the_right_alone(
    tmp_path: Path, client: str, place: tuple[str, str]
) -> None:
    right, path, status = CALLS[place]
    authenticator, token = made(tmp_path, client)
    async with http_serving(authenticator=authenticator) as http:
        store, seed = http.here.store, Decision()
        http.here.backend.service.post("one #a", seed)
        await seed.made.wait()
        answer = await http.ask(place[0], path, "hello" if place == ("POST", "/tweets") else "", token=token)
        assert answer.status == expected(client, right, status)
        assert ("www-authenticate" in answer.headers) == (answer.status == 401)
        if answer.status in (401, 403):
            assert answer.code == ("token" if client in ("wrong", "revoked") else "forbidden")
            assert [tweet.text for tweet in store.tweets] == ["one #a"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/tweets?unknown=1", 400),
        ("GET", "/tweets/none", 400),
        ("GET", "/big?unknown=1", 400),
        ("GET", "/tweets.sse?unknown=1", 400),
        ("POST", "/tweets?unknown=1", 400),
        ("POST", "/tweets", 415),
        ("DELETE", "/tweets/none", 400),
        ("POST", "/tweets/none/delete", 400),
    ],
)
async def test_a_client_without_the_right_gets_no_other_error(method: str, path: str, status: int) -> None:
    for rights, expected_status in ((frozenset(RIGHTS), status), (frozenset[str](), 401)):
        async with http_serving(authenticator=Authenticator(rights)) as http:
            answer = await http.ask(method, path, "hello", content_type="image/png")
            assert answer.status == expected_status


@pytest.mark.parametrize(("client", "path"), [*product(CLIENTS, STREAMS)], ids=str)
async def test_a_stream_is_for_readers_alone(tmp_path: Path, client: str, path: str) -> None:
    authenticator, token = made(tmp_path, client)
    async with http_serving(authenticator=authenticator) as http:
        caller = http.call()
        await caller.send("GET", path, token=token)
        assert (await caller.head()).status == expected(client, READ, 200)


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_known_answer_is_no_way_around_the_rights(tmp_path: Path, client: str) -> None:
    authenticator, token = made(tmp_path, client)
    async with http_serving(authenticator=authenticator) as http:
        _, reader = TokenFile(tmp_path / "tweets.db").add("reader", frozenset({READ}))
        version = (await http.ask("GET", "/tweets.json", token=reader)).headers["etag"]
        status = (await http.ask("GET", "/tweets.json", token=token, if_none_match=version)).status
        assert status == expected(client, READ, 200), "and no version of one is that of another"


async def test_two_clients_have_no_version_in_common(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tweets.db")
    secrets: list[str | None] = [file.add(name, frozenset({READ}))[1] for name in ("ann", "bob")]
    async with http_serving(authenticator=Authenticator(frozenset({READ}), file)) as http:
        answers = [await http.ask("GET", "/tweets.json", token=token) for token in (*secrets, None)]
        versions = [answer.headers["etag"] for answer in answers]
        assert len({*versions}) == 3
        file.revoke("ann")
        await http.here.backend.authenticator.refresh()
        assert (await http.ask("GET", "/tweets.json", token=secrets[0], if_none_match=versions[0])).status == 401


async def test_a_tweet_is_posted_under_the_name_of_the_token_in_the_header_or_the_cookie(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tweets.db")
    _, secret = file.add("ann", frozenset({POST}))
    async with http_serving(authenticator=Authenticator(frozenset({POST}), file)) as http:
        caller = http.call()
        assert (await caller.ask("POST", "/tweets", "1", token=secret)).json["by"] == "ann"
        assert (await caller.ask("POST", "/tweets", "2")).json["by"] is None, "a request is whose it says it is"
        assert (await caller.ask("POST", "/tweets", "3", cookie=f"a=b; ttweet={secret}")).json["by"] == "ann"
        assert (await caller.ask("POST", "/tweets", "4", cookie="ttweet=; other=1")).json["by"] is None


async def test_a_scheme_that_is_no_bearer_shows_no_token() -> None:
    async with http_serving() as http:
        assert (await http.ask("GET", "/tweets", authorization="Basic YTpi")).code == "token"
