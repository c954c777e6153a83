"""An edge that is not TCP has all that a server does, and takes nothing of TCP's."""

import ast
import re
from pathlib import Path
from typing import get_args

import pytest
import trio
import trio.testing

from tests.support import memory_edge
from tests.support.memory_edge import MemoryEdge
from tests.support.memory_store import MemoryStore
from tests.support.serving import Serving, serving
from ttweet.model.errors import StoreError
from ttweet.model.requests import (
    CountFound,
    Delete,
    Find,
    Follow,
    Identify,
    Last,
    ListNames,
    ListTags,
    NewestDeletions,
    OrderedRequest,
    Ping,
    Post,
    ReadStats,
    SignIn,
    Timeline,
    TweetById,
    TweetsOfAuthor,
    TweetsOfTag,
    TweetsSinceLogin,
    Unfollow,
    WhenThere,
)
from ttweet.security.authenticator import Authenticator
from ttweet.security.rate_limit import Rate
from ttweet.security.rights import POST, READ
from ttweet.security.token_file import TokenFile
from ttweet.server.config import EdgeSettings, Rates


def edge_of(here: Serving) -> MemoryEdge:
    return MemoryEdge(here.backend, here.admission, EdgeSettings())


TWEET = rb"Tweet\(id=1, at=\d+, by='ann', text='one #a', tags=\('a',\)\)"

QUERIES: list[tuple[OrderedRequest, bytes]] = [
    (SignIn("ann"), rb"SignedIn name='ann' after=1"),
    (Last(), b"Tweet " + rb"id=1 at=\d+ by='ann' text='one #a' tags=\('a',\)"),
    (Timeline(), rb"Page tweets=\[" + TWEET + rb"\] more=False"),
    (Find("one -two"), rb"Found tweets=\[" + TWEET + rb"\] more=False searched_to=None"),
    (CountFound("one"), rb"Count number=1 searched_to=None"),
    (TweetById(1), rb"Tweet id=1 at=\d+ by='ann' text='one #a' tags=\('a',\)"),
    (NewestDeletions(), rb"Deletions deletions=\[\]"),
    (TweetsOfTag("A"), rb"Page tweets=\[" + TWEET + rb"\] more=False"),
    (TweetsOfAuthor("ann"), rb"Page tweets=\[" + TWEET + rb"\] more=False"),
    (TweetsSinceLogin("ann"), rb"Page tweets=\[\] more=False"),
    (ListTags(), rb"TagPage tags=\[TagSummary\(tag='a', .*\)\] more=False"),
    (ListNames(), rb"Names names=\['ann'\]"),
    (WhenThere(1, Last()), b"Tweet " + rb"id=1 at=\d+ by='ann' text='one #a' tags=\('a',\)"),
    (Follow(), rb"Following cursor=1 pruned_up_to=None"),
    (Unfollow(), rb"Done"),
    (ReadStats(), rb"Stats parts=\{.*'connections': \{'now': 1, 'accepted': 2, .*\}"),
    (Delete(1), rb"Deletion id=2 at=\d+ tweet=1"),
]


def test_every_query_is_asked_once() -> None:
    assert [type(query) for query, _ in QUERIES] == sorted(
        get_args(OrderedRequest), key=[type(q) for q, _ in QUERIES].index
    )


async def test_every_query_is_answered_in_its_own_encoding() -> None:
    async with serving() as here:
        edge = edge_of(here)
        first = edge.connect()
        assert await first.ask(SignIn("ann")) == b"SignedIn name='ann' after=0\n"
        assert re.match(rb"Tweet id=1 ", await first.ask(Post("one #a")))
        first.close()
        client = edge.connect()
        for query, wanted in QUERIES:
            answer = await client.ask(query)
            assert re.fullmatch(wanted + b"\n", answer), (query, answer)
        assert await client.ask(Ping()) == b"Done\n"


async def test_errors_are_answered_and_counted() -> None:
    store = MemoryStore()
    async with serving(store) as here:
        client = edge_of(here).connect()
        assert await client.ask(Post("a" * 151)) == b"error code='too_long'\n"
        assert await client.ask(TweetsOfTag("a b")) == b"error code='bad_tag'\n"
        assert (await client.ask(Post("good"))).startswith(b"Tweet ")
        store.fail_next = [StoreError("full", "the disk is full")]
        assert await client.ask(Post("full")) == b"error code='full'\n"
        assert here.stats.collect()["refusals"] == {"bad_tag": 1, "full": 1, "too_long": 1}


async def test_the_token_of_a_client_decides_its_rights(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tweets.db")
    _, secret = file.add("ci", frozenset({READ, POST}))
    async with serving(authenticator=Authenticator(frozenset({READ}), file)) as here:
        client = edge_of(here).connect()
        assert await client.ask(Post("no")) == b"error code='forbidden'\n"
        assert await client.ask(Identify(secret)) == b"Identity name='ci' rights=('read', 'post')\n"
        assert b"by='ci'" in await client.ask(Post("yes"))
        await client.ask(Follow())
        file.revoke("ci")
        await here.backend.authenticator.refresh()
        await here.places.recheck()
        assert client.pushed[-1:] == [b"error code='token'\n"]
        assert (client.is_open, client.session.follows) == (False, None)


async def test_a_client_is_held_to_the_rate(mock_clock: trio.testing.MockClock) -> None:
    async with serving(rates=Rates(Rate(1, "h", burst=1))) as here:
        client = edge_of(here).connect()
        assert [await client.ask(Ping()) for _ in range(2)] == [b"Done\n", b"error code='slow_down'\n"]
        assert here.stats.collect()["rate"] == {"limit": "1/h", "burst": 1, "clients": 1, "refused": 1}
        mock_clock.jump(3600)
        assert await client.ask(Ping()) == b"Done\n"


async def test_pushes_of_every_kind_come_in_its_own_encoding_beside_a_follower_of_tcp() -> None:
    async with serving() as here:
        edge, caller = edge_of(here), await here.call()
        client = edge.connect()
        for text in ("old", "new"):
            await client.ask(Post(text))
        client.has_room = False
        assert await client.ask(Follow(after=0, deletions=True)) == b"Following cursor=0 pruned_up_to=None\n"
        await here.journal.prune(before=2)
        client.has_room = True
        client.session.resume()
        await caller.send(("s", {"after": 0, "deletions": True}))
        pushes = [await caller.answer() for _ in range(3)]
        while here.followers != (2, 0):
            await trio.lowlevel.checkpoint()
        await client.ask(Post("live"))
        await client.ask(Delete(3))
        edge.keep_alive()
        pushes += await caller.answers(2)
    assert [(kind, data.get("id")) for kind, data in pushes] == [("ok", None), ("m", 2), ("e", 2), ("m", 3), ("x", 4)]
    assert client.pushed == [
        b"pruned up_to=1\n",
        b"push id=2 by=None text='new'\n",
        b"caught-up cursor=2\n",
        b"push id=3 by=None text='live'\n",
        b"deleted tweet=3\n",
        b"keep-alive\n",
    ]


async def test_a_client_without_room_misses_nothing() -> None:
    async with serving() as here:
        edge = edge_of(here)
        client, poster = edge.connect(), edge.connect()
        await client.ask(Follow())
        await trio.testing.wait_all_tasks_blocked()
        client.has_room = False
        for number in range(3):
            await poster.ask(Post(f"{number}"))
        assert (client.pushed, here.followers) == ([b"caught-up cursor=0\n"], (0, 1))
        client.has_room = True
        client.session.resume()
        while here.followers != (1, 0):
            await trio.lowlevel.checkpoint()
    assert [line.split()[1] for line in client.pushed] == [b"cursor=0", b"id=1", b"id=2", b"id=3"]


@pytest.mark.parametrize("forbidden", ["ttweet.server.tcp", "ttweet.protocol"])
def test_the_edge_in_memory_imports_nothing_of_tcp(forbidden: str) -> None:
    tree = ast.parse(Path(memory_edge.__file__).read_text())
    imported = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    assert "ttweet.broker" in imported
    assert not [module for module in imported if module.startswith(forbidden)]
