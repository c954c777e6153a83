"""Sign-in of a browser: the cookie is the token, and ends with it."""

from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest

from tests.support.http_calls import Answer, http_serving
from ttweet.security.authenticator import Authenticator
from ttweet.security.rights import READ
from ttweet.security.token_file import TokenFile
from ttweet.server.http.request import Request

FORM = "application/x-www-form-urlencoded"


def made(tmp_path: Path) -> tuple[TokenFile, str]:
    file = TokenFile(tmp_path / "tweets.db")
    return file, file.add("ann", frozenset({READ}))[1]


def cookie_of(answer: Answer) -> Any:
    return SimpleCookie(answer.headers["set-cookie"])["ttweet"]


@pytest.mark.parametrize(("proxy", "is_secure"), [({}, False), ({"x_forwarded_proto": "https"}, True)])
async def test_a_good_token_becomes_a_cookie_that_no_script_reads(
    tmp_path: Path, proxy: dict[str, str], is_secure: bool
) -> None:
    file, secret = made(tmp_path)
    authenticator = Authenticator(frozenset(), file)
    async with http_serving(authenticator=authenticator, proxies=("192.0.2.1",)) as http:
        answer = await http.ask("POST", "/login", f"token=+{secret}+", content_type=FORM, **proxy)
        assert (answer.status, answer.headers["location"], answer.headers["cache-control"]) == (303, "/", "no-store")
        cookie = cookie_of(answer)
        assert (cookie.value, cookie["httponly"], cookie["samesite"], cookie["path"]) == (secret, True, "Lax", "/")
        assert bool(cookie["secure"]) == is_secure
        assert (await http.ask("GET", "/tweets", cookie=f"ttweet={secret}")).status == 200
        assert (await http.ask("GET", "/tweets")).status == 401


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ("token=ttw_wrong", {"content_type": FORM}, 401),
        ("token=", {"content_type": FORM}, 400),
        ("name=ann", {"content_type": FORM}, 400),
        ("", {"content_type": FORM}, 400),
        ('{"token":"x"}', {"content_type": "application/json"}, 415),
        ("token=ttw_wrong", {"content_type": FORM, "sec_fetch_site": "cross-site"}, 403),
    ],
)
async def test_nothing_else_becomes_one(tmp_path: Path, body: str, headers: dict[str, str], status: int) -> None:
    file, _ = made(tmp_path)
    async with http_serving(authenticator=Authenticator(frozenset(), file)) as http:
        answer = await http.ask("POST", "/login", body, **headers)
        assert answer.status == status
        assert "set-cookie" not in answer.headers


async def test_a_cookie_ends_with_its_token_and_is_taken_back(tmp_path: Path) -> None:
    file, secret = made(tmp_path)
    async with http_serving(authenticator=Authenticator(frozenset({READ}), file)) as http:
        cookie = f"ttweet={secret}"
        assert (await http.ask("GET", "/tweets", cookie=cookie)).status == 200
        file.revoke("ann")
        await http.here.backend.authenticator.refresh()
        answer = await http.ask("GET", "/tweets", cookie=cookie)
        assert (answer.status, cookie_of(answer).value, cookie_of(answer)["max-age"]) == (401, "", "0")
        assert (await http.ask("POST", "/login", "token=x", content_type=FORM, cookie=cookie)).status == 401
        assert (await http.ask("GET", "/tweets")).status == 200


async def test_signing_out_takes_the_cookie_back() -> None:
    async with http_serving() as http:
        answer = await http.ask("POST", "/logout", cookie="ttweet=ttw_x")
        assert (answer.status, cookie_of(answer).value, cookie_of(answer)["max-age"]) == (303, "", "0")


BACKSLASHES = "\\" * 15_000


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("ttweet=ttw_a", "ttw_a"),
        ("a=b; ttweet=ttw_a; c=d", "ttw_a"),
        ("a=b;ttweet=ttw_a", "ttw_a"),
        ("a=1,2; [b]=3; ttweet=ttw_a", "ttw_a"),
        ("ttweet=", None),
        ("my-ttweet=ttw_a", None),
        ("a=ttweet=ttw_a", None),
        ("ttweet", None),
        ("", None),
        (f'ttweet="{BACKSLASHES}"', f'"{BACKSLASHES}"'),
        (" " * 15_000 + "ttweet", None),
        (";" * 15_000 + "ttweet=ttw_a", "ttw_a"),
    ],
    ids=range(12),
)
def test_the_token_in_a_cookie_is_read_as_sent_without_quotes_to_resolve(header: str, token: str | None) -> None:
    assert Request("GET", "/", "", {"cookie": header}).cookie == token
