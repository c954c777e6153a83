"""Clients of several servers of a cluster: which one gets a request, and what they have seen at another."""

import json
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trio
import trio.lowlevel

import ttweet
from tests.support.guard import GUARD_S
from tests.support.memory_log import SharedLog
from tests.support.peers import peer, says
from tests.support.replicas import joined
from tests.support.serving import Serving, serving
from ttweet.broker import horizon
from ttweet.client import rotation
from ttweet.client.rotation import ELSEWHERE, Rotation
from ttweet.client.servers import parse
from ttweet.model.errors import ConnectError, Refused
from ttweet.protocol.replies import Stored

STORED = b'["ok",{"id":7,"at":1,"tags":[]}]\n'
NOTHING = b'["ok",null]\n'


def error(code: str) -> bytes:
    return b'["err",{"code":"%s","text":"%s; try again"}]\n' % (code.encode(), code.encode())


class Server(NamedTuple):
    """A server of a cluster, until `ending` is set; then it ends and sets `ended`."""

    serving: Serving
    ending: trio.Event
    ended: trio.Event


class Cluster:
    """Servers that follow one log. Each sees the tweets of the others when it is refreshed."""

    def __init__(self) -> None:
        self._log = SharedLog()
        self._lives: list[Server] = []

    @property
    def servers(self) -> list[Serving]:
        return [server.serving for server in self._lives]

    @property
    def names(self) -> str:
        """The servers as a client names them."""
        return ",".join([f"127.0.0.1:{server.address[1]}" for server in self.servers])

    async def add(self, path: Path, nursery: trio.Nursery) -> None:
        """Start another server."""
        self._lives.append(await nursery.start(self._serve, path))

    async def _serve(self, path: Path, task_status: trio.TaskStatus[Server]) -> None:
        ending, ended = trio.Event(), trio.Event()
        with closing(joined(path, self._log, path.name)) as store:
            async with serving(store, replica=store) as server:
                task_status.started(Server(server, ending, ended))
                await ending.wait()
        ended.set()

    async def end(self, number: int) -> None:
        """End a server and its connections."""
        self._lives[number].ending.set()
        await self._lives[number].ended.wait()


@pytest.fixture
async def cluster(tmp_path: Path, nursery: trio.Nursery) -> Cluster:
    """Three servers, named a, b and c."""
    cluster = Cluster()
    for name in "abc":
        await cluster.add(tmp_path / f"{name}.db", nursery)
    return cluster


class Threaded:
    """A client for threads, whose verbs are awaited."""

    def __init__(self, servers: str) -> None:
        self._client = ttweet.Client(servers)

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        return lambda *given: trio.to_thread.run_sync(partial(getattr(self._client, verb), *given))

    def close(self) -> None:
        self._client.close()


kinds = pytest.mark.parametrize("kind", [Threaded, ttweet.AsyncClient])


@kinds
async def test_a_reader_whose_server_ends_sees_at_the_next_one_what_it_has_posted(
    cluster: Cluster, kind: Callable[[str], Any]
) -> None:
    with closing(kind(cluster.names)) as client, trio.fail_after(GUARD_S):
        await client.post("one #tag")
        await cluster.end(0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_refresh_when_asked, cluster.servers[1])
            assert (await client.last()).text == "one #tag"
        assert (await client.tweet(1)).text == "one #tag"
        assert [tweet.id for tweet in (await client.tweets_of_tag("tag")).tweets] == [1]


async def refreshed(server: Serving, newest: int) -> None:
    """Refresh a server until it has an id."""
    while server.journal.head.newest < newest:
        seen = server.journal.commits
        server.journal.refresh()
        await server.journal.wait_commit(seen)


async def _refresh_when_asked(server: Serving) -> None:
    """Refresh a server once a query waits for what it does not have."""
    assert server.backend.service.horizon is not None
    while not server.backend.service.horizon._waiting:
        await trio.lowlevel.checkpoint()
    server.journal.refresh()


@kinds
async def test_a_query_that_one_server_is_behind_for_goes_to_the_next(
    cluster: Cluster, kind: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(horizon, "REACH_S", 0.0)
    with closing(kind(cluster.names)) as client, trio.fail_after(GUARD_S):
        await client.post("one")
        await cluster.end(0)
        await refreshed(cluster.servers[2], 1)
        assert (await client.last()).text == "one"
        assert cluster.servers[1].stats.refusals == {"behind": 1}


@kinds
async def test_a_query_that_all_servers_are_behind_for_is_refused(
    cluster: Cluster, kind: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(horizon, "REACH_S", 0.0)
    with closing(kind(cluster.names)) as client, trio.fail_after(GUARD_S):
        await client.post("one")
        await cluster.end(0)
        with pytest.raises(Refused) as refused:
            await client.last()
        assert refused.value.code == "behind"
        assert all(server.stats.refusals["behind"] for server in cluster.servers[1:])


async def test_a_follower_that_moves_from_server_to_server_misses_nothing_and_sees_nothing_twice(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(horizon, "REACH_S", 0.0)
    monkeypatch.setattr("ttweet.client.cursor.FIRST_PAUSE_S", 0.001)
    a, b, c = cluster.servers
    client, poster = ttweet.AsyncClient(cluster.names), ttweet.AsyncClient(f"127.0.0.1:{c.address[1]}")
    with closing(client), closing(poster), closing(client.follow(after=0)) as follower, trio.fail_after(GUARD_S):
        for text in ("one", "two"):
            await poster.post(text)
        a.journal.refresh()
        seen = [(await anext(follower)).text for _ in range(2)]
        await cluster.end(0)  # the next server, b, is behind
        await poster.post("three")
        seen.append((await anext(follower)).text)
        assert b.stats.refusals == {"behind": 1}
        await refreshed(b, 3)
        await cluster.end(2)  # again the next one, which is there
        async with ttweet.AsyncClient(f"127.0.0.1:{b.address[1]}") as other:
            await other.post("four")
        seen.append((await anext(follower)).text)
    assert seen == ["one", "two", "three", "four"]


@pytest.mark.parametrize("code", sorted(ELSEWHERE))
def test_a_post_that_one_server_does_not_take_goes_to_the_next(code: str) -> None:
    with (
        peer(says(error(code))) as first,
        peer(says(STORED, NOTHING)) as second,
        ttweet.Client(f"{first.address},{second.address}") as client,
    ):
        assert client.post("one").id == 7
        client.ping()  # on the same connection


async def test_the_client_for_trio_goes_there_too() -> None:
    with peer(says(error("no_quorum"))) as first, peer(says(STORED, NOTHING)) as second:
        async with ttweet.AsyncClient(f"{first.address},{second.address}") as client:
            assert (await client.post("one")).id == 7
            await client.ping()


def test_a_refusal_that_all_servers_would_give_is_raised_by_the_first() -> None:
    with (
        peer(says(error("bad_tag"))) as first,
        ttweet.Client(f"{first.address},127.0.0.1:1") as client,
        pytest.raises(Refused, match="bad_tag"),
    ):
        client.post("one")


def test_a_post_whose_outcome_is_unknown_is_repeated_elsewhere_only_with_a_key() -> None:
    def post(key: str | None) -> Stored:
        with (
            peer(says(error("unknown"))) as first,
            peer(says(STORED)) as second,
            ttweet.Client(f"{first.address},{second.address}") as client,
        ):
            try:
                return client.post("one", key=key)
            except Refused:
                assert client.post("two", key=key).id == 7, "the next request goes to the next server"
                raise

    assert post("key").id == 7
    with pytest.raises(Refused, match="unknown"):
        post(None)


def test_a_query_without_an_answer_goes_to_the_next_server() -> None:
    with (
        peer(says()) as first,
        peer(says(NOTHING)) as second,
        ttweet.Client(f"{first.address},{second.address}") as client,
    ):
        assert client.last() is None


def test_without_another_server_a_failure_is_raised_at_once() -> None:
    for answer, kind in ((error("no_quorum"), Refused), (b"", ConnectError)):
        with peer(says(answer)) as client, pytest.raises(kind):
            client.last()


def test_a_client_that_moves_waits_until_its_name_is_free_at_the_next_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rotation, "NAME_PAUSE_S", 0.0)
    signed_in, taken = b'["ok",{"name":"ann","after":0}]\n', error("name_taken")
    with (
        peer(says(signed_in, error("no_quorum"))) as first,
        peer(says(taken), says(taken), says(signed_in, STORED)) as second,
        ttweet.Client(f"{first.address},{second.address}", name="ann") as client,
    ):
        assert client.post("one").id == 7


def test_a_name_that_is_taken_at_first_is_an_error_at_once() -> None:
    with (
        peer(says(error("name_taken"))) as first,
        ttweet.Client(f"{first.address},127.0.0.1:1", name="ann") as client,
        pytest.raises(Refused, match="name_taken"),
    ):
        client.post("one")


def test_the_newest_id_seen_is_sent_only_where_several_servers_are_named() -> None:
    frames: list[Any] = []

    def script(connection: Any) -> None:
        lines = connection.makefile("rb")
        for answer in (STORED, NOTHING, NOTHING):
            frames.append(json.loads(lines.readline()))
            connection.sendall(answer)

    with peer(script) as client:
        client.post("one")
        client.last()
        client.tweet(3)
    with peer(script) as one, ttweet.Client(f"{one.address},127.0.0.1:1") as client:
        client.post("one")
        client.last()
        client.tweet(3)
    assert frames[1:3] == [["d", ""], ["o", 3]]
    assert frames[4:] == [["d", {"seen": 7}], ["o", {"id": 3, "seen": 7}]]


def test_the_newest_id_of_all_that_came_is_kept() -> None:
    several = Rotation(parse("a,b"))
    several.note_all(Stored(4, 1, []))
    several.note(2)
    several.note(None)
    several.note_all(None)
    assert several.seen == 4
    alone = Rotation(parse("a"))
    alone.note(4)
    assert alone.seen == 0
