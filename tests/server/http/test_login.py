"""Sign-in of a browser: the cookie is the token, and ends with it."""

from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.http_calls import Answer, http_serving
from ttweet.security.authenticator import Authenticator
from ttweet.security.rights import READ, RIGHTS
from ttweet.security.token_file import TokenFile
from ttweet.server.http.request import HttpRequest

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
    ("target", "location"),
    [
        ("/tags/ci", "/tags/ci"),
        ("/find?q=%22a%20b%22&before=7", "/find?q=%22a%20b%22&before=7"),
        ("", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("https://evil.example", "/"),
        ("evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/\r\nSet-Cookie: a=b", "/"),
        ("/\N{FULLWIDTH SOLIDUS}evil.example", "/"),
        (" /tags", "/"),
    ],
)
async def test_a_browser_returns_to_the_page_that_it_came_from_and_to_no_other_site(
    tmp_path: Path, target: str, location: str
) -> None:
    file, secret = made(tmp_path)
    async with http_serving(authenticator=Authenticator(frozenset(), file)) as http:
        body = urlencode({"token": secret, "next": target})
        answer = await http.ask("POST", "/login", body, content_type=FORM)
        assert (answer.status, answer.headers["location"]) == (303, location)


async def test_a_page_that_needs_a_token_leads_to_the_form_and_back(tmp_path: Path) -> None:
    file, _ = made(tmp_path)
    async with http_serving(authenticator=Authenticator(frozenset(), file)) as http:
        asked = await http.ask("GET", "/find?q=%22a+b%22&limit=5", accept="text/html")
        assert (asked.status, asked.headers["location"]) == (303, "/login?next=/find%3Fq%3D%2522a%2Bb%2522%26limit%3D5")
        form = await http.ask("GET", asked.headers["location"], accept="text/html")
        field = b'<input type="hidden" name="next" value="/find?q=%22a+b%22&amp;limit=5">'
        assert field in form.body
        wrong = urlencode({"token": "ttw_wrong", "next": "/find?q=%22a+b%22&limit=5"})
        again = await http.ask("POST", "/login", wrong, content_type=FORM, accept="text/html")
        assert again.status == 401
        assert field in again.body
        first = await http.ask("GET", "/", accept="text/html")
        assert (first.status, first.headers["location"]) == (303, "/login")


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


async def test_a_stream_that_is_refused_leaves_the_cookie_to_the_page_which_posts_for_no_one_else(
    tmp_path: Path,
) -> None:
    file, _ = made(tmp_path)
    async with http_serving(authenticator=Authenticator(frozenset(RIGHTS), file)) as http:
        cookie = "ttweet=ttw_revoked"
        answer = await http.ask("GET", "/tweets.sse", cookie=cookie, accept="text/event-stream")
        assert (answer.status, answer.headers.get("set-cookie")) == (401, None)
        answer = await http.ask("POST", "/tweets", "text=a", content_type=FORM, cookie=cookie, accept="text/html")
        assert (answer.status, cookie_of(answer).value, http.here.store.tweets) == (401, "", [])


async def test_signing_out_takes_the_cookie_back() -> None:
    async with http_serving() as http:
        answer = await http.ask("POST", "/logout", cookie="ttweet=ttw_x")
        assert (answer.status, cookie_of(answer).value, cookie_of(answer)["max-age"]) == (303, "", "0")


async def test_the_cookie_is_taken_back_as_it_was_given_over_tls(tmp_path: Path) -> None:
    file, secret = made(tmp_path)
    async with http_serving(authenticator=Authenticator(frozenset(), file), proxies=("192.0.2.1",)) as http:
        secure = {"x_forwarded_proto": "https"}
        given = await http.ask("POST", "/login", f"token={secret}", content_type=FORM, **secure)
        for answer in (
            await http.ask("POST", "/logout", **secure),
            await http.ask("GET", "/tweets", cookie="ttweet=ttw_wrong", **secure),
        ):
            names = [name for name in ("httponly", "samesite", "path", "secure") if cookie_of(answer)[name]]
            assert (cookie_of(answer)["max-age"], names) == ("0", ["httponly", "samesite", "path", "secure"])
            assert all(cookie_of(answer)[name] == cookie_of(given)[name] for name in names)


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
    assert HttpRequest("GET", "/", "", {"cookie": header}).cookie == token
