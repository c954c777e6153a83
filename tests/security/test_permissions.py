"""One table has the right of each request, and a connection keeps to it."""

from itertools import combinations
from typing import get_args

import pytest

from tests.support.memory_store import MemoryStore
from tests.support.serving import serving
from ttweet.model.errors import ProtocolError, Refused
from ttweet.model.requests import (
    ClientReport,
    CountFound,
    Delete,
    Find,
    Follow,
    Last,
    ListNames,
    ListTags,
    NewestDeletions,
    Ping,
    Post,
    ReadStats,
    Request,
    SignIn,
    Timeline,
    TweetById,
    TweetsOfAuthor,
    TweetsOfTag,
    TweetsSinceLogin,
    Unfollow,
    WhenThere,
)
from ttweet.security import permissions
from ttweet.security.authenticator import Authenticator
from ttweet.security.rights import ADMIN, POST, READ, RIGHTS, Principal

MAY: dict[str, set[type]] = {  # what may be asked with one right alone
    READ: {
        Last,
        Timeline,
        TweetById,
        NewestDeletions,
        Find,
        CountFound,
        TweetsOfTag,
        TweetsOfAuthor,
        TweetsSinceLogin,
        ListTags,
        ListNames,
        Follow,
        WhenThere,
    },
    POST: {Post, SignIn, ClientReport},
    ADMIN: {ReadStats, Delete},
}
WITH_ANY = {Ping, Unfollow}
REQUESTS = sorted(get_args(Request), key=lambda kind: kind.__name__)
SUBSETS = [frozenset(some) for amount in range(4) for some in combinations(RIGHTS, amount)]


@pytest.mark.parametrize("rights", SUBSETS, ids=lambda rights: "+".join(sorted(rights)) or "none")
@pytest.mark.parametrize("kind", REQUESTS, ids=lambda kind: kind.__name__)
def test_a_request_may_be_made_by_whom_the_table_says(kind: type, rights: frozenset[str]) -> None:
    may = any(kind in MAY[right] for right in rights) or (bool(rights) and kind in WITH_ANY)
    assert (kind not in permissions.forbidden(rights)) == may


def test_the_refusal_says_which_right_is_missing_and_which_there_are() -> None:
    assert str(permissions.refusal(Post, Principal(None, frozenset({READ})))) == (
        "this needs the right 'post': clients without a token have only read; use a token"
    )
    assert str(permissions.refusal(Post, Principal("ci", frozenset({READ, ADMIN})))) == (
        "this needs the right 'post': the token of ci has only read,admin; use another token"
    )
    assert "set TTWEET_TOKEN" in str(permissions.refusal(Post, Principal(None, frozenset())))


def test_the_refusal_ends_the_connection_where_nothing_is_allowed() -> None:
    reader, stranger = Principal(None, frozenset({READ})), Principal(None, frozenset())
    assert isinstance(permissions.refusal(Post, reader), Refused)
    for kind in (Ping, ClientReport):
        assert isinstance(permissions.refusal(kind, stranger), ProtocolError)


@pytest.mark.parametrize("rights", [{READ}, {ADMIN}, {READ, ADMIN}], ids=lambda some: "+".join(sorted(some)))
async def test_a_report_line_without_the_right_to_post_is_dropped_and_the_connection_continues(
    rights: set[str],
) -> None:
    async with serving(authenticator=Authenticator(frozenset(rights))) as here:
        caller = await here.call()
        await caller.send(("r", "a line of a reader"), ("p", ""), ("r", "and another"))
        assert await caller.answers(1) == [("ok", None)]
        assert await caller.ask("p", "") == ("ok", None)
    assert not [line for line in here.lines if line.startswith("CLIENT") or "INPUT COULD NOT BE" in line]


async def test_a_report_line_with_the_right_to_post_is_stored() -> None:
    async with serving(authenticator=Authenticator(frozenset({POST}))) as here:
        caller = await here.call()
        await caller.send(("r", "a line of a poster"))
        assert await caller.ask("p", "") == ("ok", None)
    assert "CLIENT ALERT [GENERAL] a line of a poster" in here.lines


async def test_a_client_that_may_only_read_is_refused_each_upload_and_may_continue() -> None:
    store = MemoryStore()
    async with serving(store, authenticator=Authenticator(frozenset({READ}))) as here:
        caller = await here.call()
        await caller.send(("u", "no"), ("n", "matt"), ("d", ""), ("u", {"text": "no"}), ("p", ""))
        answers = await caller.answers(5)
    assert [data["code"] if kind == "err" else kind for kind, data in answers] == [
        "forbidden",
        "forbidden",
        "ok",
        "forbidden",
        "ok",
    ]
    assert not store.tweets


async def test_a_client_that_may_only_post_learns_nothing() -> None:
    async with serving(authenticator=Authenticator(frozenset({POST}))) as here:
        caller = await here.call()
        await caller.send(("u", "yes"), ("d", ""), ("s", ""), ("w", ""), ("g", "matt"))
        assert [kind for kind, _ in await caller.answers(5)] == ["ok", "err", "err", "err", "err"]


async def test_a_stranger_gets_one_error_with_the_remedy_and_the_connection_ends() -> None:
    store = MemoryStore()
    async with serving(store, authenticator=Authenticator(frozenset())) as here:
        caller = await here.call()
        await caller.send(("p", ""), ("u", "no"), ("d", ""))
        said = await caller.rest()
    assert said.count(b"\n") == 1
    assert b'"forbidden"' in said
    assert not store.tweets


@pytest.mark.parametrize(("sent", "right"), [(b"u\nno", READ), (b"d\n", POST)])
async def test_a_classic_client_without_the_right_is_disconnected_in_silence(sent: bytes, right: str) -> None:
    store = MemoryStore()
    async with serving(store, authenticator=Authenticator(frozenset({right}))) as here:
        caller = await here.call()
        await caller.stream.send_all(sent)
        await caller.stream.send_eof()
        assert await caller.rest() == b""
    assert not store.tweets
    assert any(line.startswith("SERVER ALERT [ERROR] INPUT COULD NOT BE PROCESSED") for line in here.lines)
