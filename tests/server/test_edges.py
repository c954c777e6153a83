"""Several edges in one server: all that is counted, shared or ended is so for the clients of all of them."""

import re
import signal
import socket
from pathlib import Path

import pytest
import trio
import trio.testing

from tests.support.held_store import HeldStore
from tests.support.listening import listen
from tests.support.memory_edge import Asked, MemoryClient, MemoryEdge
from tests.support.memory_store import in_place_of_sqlite
from tests.support.serving import Caller, Serving, serving
from ttweet.broker.session import Backend
from ttweet.model.errors import ProtocolError
from ttweet.model.requests import Follow, Identify, ListNames, ListTags, Ping, Post, ReadStats, SignIn, TweetsOfTag
from ttweet.security.authenticator import Authenticator
from ttweet.security.rate_limit import Rate
from ttweet.security.rights import POST, READ
from ttweet.security.token_file import TokenFile
from ttweet.server import app, entrances
from ttweet.server.config import Config, EdgeSettings, Rates
from ttweet.server.entrances import EdgeKind, Entrance
from ttweet.server.net import listeners
from ttweet.server.net.admission import Admission
from ttweet.server.net.listeners import Address, ListenError, resolve
from ttweet.server.tcp.protocol import tcp_edge

HERE = "127.0.0.1"


def at(port: int | None) -> EdgeKind:
    return EdgeKind(tcp_edge, lambda _: port)


def edge_of(here: Serving) -> MemoryEdge:
    return MemoryEdge(here.backend, here.admission, EdgeSettings())


def test_each_edge_that_is_wanted_listens_at_its_own_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrances, "EDGES", [at(port) for port in (0, None, 0)])
    found = entrances.listen(Config(port=0), resolve((HERE,), 0))
    opened = [listener for entrance in found for listener in entrance.listeners]
    ports = {listener.getsockname()[1] for listener in opened}
    for listener in opened:
        listener.close()
    assert (len(found), len(ports)) == (2, 2)


def test_no_edge_is_left_listening_when_another_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[socket.socket] = []

    def listen_at(addresses: list[Address], port: int) -> list[socket.socket]:
        opened.extend(listeners.listen_at(addresses, port))
        return opened[-1:]

    with listen((HERE,), 0)[0] as taken:
        monkeypatch.setattr(entrances, "listen_at", listen_at)
        ports = [0, taken.getsockname()[1]]
        monkeypatch.setattr(entrances, "EDGES", [at(port) for port in ports])
        with pytest.raises(ListenError, match="is in use"):
            entrances.listen(Config(port=0), resolve((HERE,), 0))
    assert [listener.fileno() for listener in opened] == [-1]


async def test_a_rate_that_is_spent_on_one_edge_is_spent_on_the_other() -> None:
    async with serving(rates=Rates(Rate(1, "h", burst=2), loopback=True)) as here:
        edge, caller = edge_of(here), await here.call()
        assert (await caller.ask("p", ""))[0] == "ok"
        assert await edge.connect(HERE).ask(Ping()) == b"Done\n"
        assert (await caller.ask("p", ""))[1]["code"] == "slow_down"
        assert await edge.connect(HERE).ask(Ping()) == b"error code='slow_down'\n"
        assert await edge.connect("192.0.2.1").ask(Ping()) == b"Done\n"


async def test_a_request_counts_as_many_in_the_rate_on_all_edges() -> None:
    async with serving(rates=Rates(Rate(1, "h", burst=9), loopback=True)) as here:
        client, caller = edge_of(here).connect(HERE), await here.call()
        assert await client.ask(ListTags()) == b"TagPage tags=[] more=False\n"
        assert (await caller.ask("l", ""))[0] == "ok"
        assert await client.ask(ListTags()) == b"error code='slow_down'\n"
        assert await client.ask(Ping()) == b"error code='slow_down'\n", "it is to wait"


async def test_a_client_without_any_right_has_one_request_on_all_edges() -> None:
    async with serving(authenticator=Authenticator(frozenset())) as here:
        client, caller = edge_of(here).connect(), await here.call()
        assert await client.ask(Ping()) == b"error code='forbidden'\n"
        assert (await caller.ask("p", ""))[1]["code"] == "forbidden"
        assert await caller.rest() == b""
        assert client.session.ended


async def test_the_rate_of_a_token_is_one_for_all_edges(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tweets.db")
    _, secret = file.add("ci", frozenset({READ, POST}))
    authenticator = Authenticator(frozenset({READ}), file)
    async with serving(rates=Rates(Rate(1, "h", burst=1), loopback=True), authenticator=authenticator) as here:
        client, caller = edge_of(here).connect("192.0.2.1"), await here.call()
        await client.ask(Identify(secret))
        assert await client.ask(Ping()) == b"Done\n"
        assert (await caller.ask("a", secret))[0] == "ok"
        assert (await caller.ask("p", ""))[1]["code"] == "slow_down"


async def test_a_token_that_is_revoked_ends_the_clients_of_all_edges(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "tweets.db")
    _, secret = file.add("ci", frozenset({READ, POST}))
    async with serving(authenticator=Authenticator(frozenset({READ}), file)) as here:
        client, caller = edge_of(here).connect(), await here.call()
        await client.ask(Identify(secret))
        await client.ask(Follow())
        assert (await caller.ask("a", secret))[0] == "ok"
        file.revoke("ci")
        assert (await caller.answer())[1]["code"] == "token"
        assert await caller.rest() == b""
        while client.is_open:
            await trio.lowlevel.checkpoint()
        assert client.pushed[-1] == b"error code='token'\n"


async def test_a_name_belongs_to_one_client_of_all_edges_and_is_freed_with_it() -> None:
    async with serving() as here:
        client, caller = edge_of(here).connect(), await here.call()
        await client.ask(SignIn("ann"))
        assert (await caller.ask("n", "ann"))[1]["code"] == "name_taken"
        client.close()
        assert (await caller.ask("n", "ann"))[0] == "ok"
        assert await client.ask(ListNames()) == b"Names names=['ann']\n"


async def test_places_are_those_of_the_clients_of_all_edges() -> None:
    async with serving(max_clients=2) as here:
        edge = edge_of(here)
        silent, served = edge.connect(), edge.connect()
        await served.ask(Ping())
        caller = await here.call()
        assert (await caller.ask("p", ""))[0] == "ok"
        assert (silent.is_open, served.is_open) == (False, True), "the silent one has made room for that of TCP"
        with pytest.raises(ProtocolError, match="the server is full with 2 clients"):
            edge.connect()
        assert (here.places.taken, here.places.accepted) == (2, 3)


async def test_the_clients_of_all_edges_come_and_go_in_the_report_log() -> None:
    async with serving() as here:
        client, caller = edge_of(here).connect(), await here.call()
        assert (await caller.ask("p", ""))[0] == "ok"
        client.close()
        await caller.ask("u", "afterwards")
        lines = [line for line in here.lines if "[CONNECTION]" in line]
    assert [re.sub(r".*\] ", "", line) for line in lines[:3]] == [
        "NEW CONNECTION OF CLIENT: ('192.0.2.1', 1) Total: 1",
        f"NEW CONNECTION OF CLIENT: {caller.peer} Total: 2",
        "DISCONNECTION OF CLIENT: ('192.0.2.1', 1)",
    ]


@pytest.mark.usefixtures("signals_put_back")
async def test_a_server_that_stops_answers_the_clients_of_all_its_edges() -> None:
    store, sockets = HeldStore(), listen((HERE,), 0)
    made: list[MemoryEdge] = []
    config = Config(port=0, report_file=None, quiet=True)
    answers: list[bytes] = []

    def memory_edge(backend: Backend, admission: Admission, settings: EdgeSettings) -> MemoryEdge:
        made.append(MemoryEdge(backend, admission, settings))
        return made[-1]

    async def post(client: MemoryClient) -> None:
        answers.append(await client.ask(Post("held too")))

    async with trio.open_nursery() as nursery:
        both = [Entrance(tcp_edge, sockets), Entrance(memory_edge, [])]
        nursery.start_soon(app.serve, config, in_place_of_sqlite(store), both)
        async with await trio.open_tcp_stream(*sockets[0].getsockname()) as stream:
            caller = Caller(stream)
            assert (await caller.ask("u", "let through"))[0] == "ok"
            await trio.testing.wait_all_tasks_blocked()
            store.hold()
            await caller.send(("u", "held"))
            await store.wait_held()
            working, idle = made[0].connect(), made[0].connect()
            nursery.start_soon(post, working)
            await trio.testing.wait_all_tasks_blocked()
            signal.raise_signal(signal.SIGTERM)
            await trio.testing.wait_all_tasks_blocked()
            assert (working.is_open, idle.is_open, answers) == (True, False, [])
            store.release()
            assert (await caller.answer())[0] == "ok"
            assert await caller.rest() == b""
    assert [tweet.text for tweet in store.tweets] == ["let through", "held", "held too"]
    assert re.match(rb"Tweet id=3 ", answers[0])
    assert not working.is_open


@pytest.mark.parametrize(
    ("request_", "frame", "code"),
    [
        (Post("a" * 151), ("u", "a" * 151), "too_long"),
        (TweetsOfTag("a b"), ("t", "a b"), "bad_tag"),
        (ReadStats(), ("i", ""), "forbidden"),
        (Identify("wrong"), ("a", "wrong"), "token"),
    ],
)
async def test_refusals_are_counted_and_logged_alike_on_all_edges(
    request_: Asked, frame: tuple[str, str], code: str
) -> None:
    async with serving(authenticator=Authenticator(frozenset({READ, POST}))) as here:
        client, caller, another = edge_of(here).connect(), await here.call(), await here.call()
        assert await client.ask(request_) == f"error code={code!r}\n".encode()
        assert (await caller.ask(*frame))[1]["code"] == code
        await another.ask("u", "afterwards")
        refused = [line for line in here.lines if "[ERROR]" in line]
        assert here.stats.collect()["refusals"] == {code: 2}
    assert [line.replace(str(caller.peer), str(client.place.peer)) for line in refused] == [refused[0]] * 2
