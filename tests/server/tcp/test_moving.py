"""Names of a cluster, and followers that move from one server of a cluster to another."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest
import trio

from tests.support.memory_log import SharedLog
from tests.support.memory_names import MemoryNames, Registry
from tests.support.replicas import joined
from tests.support.serving import Serving, serving
from ttweet.broker import horizon
from ttweet.broker.online import Login, Online


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[list[Serving]]:
    """Two servers of a cluster; each sees the other's tweets when its journal refreshes."""
    log = SharedLog()
    async with AsyncExitStack() as stack:
        registry = Registry()
        stores = [stack.enter_context(closing(joined(tmp_path / f"{name}.db", log, name))) for name in "ab"]
        yield [
            await stack.enter_async_context(serving(store, replica=store, online=Online(registry.at("ab"[number]))))
            for number, store in enumerate(stores)
        ]


async def test_a_follower_that_moves_to_a_server_that_is_behind_misses_nothing_and_sees_nothing_twice(
    servers: list[Serving],
) -> None:
    ours, theirs = servers
    poster, follower = await ours.call(), await theirs.call()
    for text in ("one", "two", "three"):
        await poster.ask("u", text)
    await follower.send(("s", {"after": 2}))
    theirs.journal.refresh()
    answers = await follower.answers(3)
    assert answers[0] == ("ok", {"from": 2})
    assert [data["id"] for _, data in answers[1:]] == [3, 3]
    await poster.ask("u", "four")
    theirs.journal.refresh()
    assert (await follower.answer())[1]["text"] == "four"


async def test_a_server_that_stays_behind_says_so(servers: list[Serving], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(horizon, "REACH_S", 0.0)
    follower = await servers[0].call()
    kind, error = await follower.ask("s", {"after": 9})
    assert (kind, error["code"]) == ("err", "behind")
    assert (await follower.ask("s", {"after": 0}))[0] == "ok"


async def test_a_query_with_an_id_that_was_seen_elsewhere_waits_for_it(servers: list[Serving]) -> None:
    ours, theirs = servers
    poster, reader = await ours.call(), await theirs.call()
    for operation, data in (("d", {}), ("t", {"tag": "tag"}), ("f", {})):
        _, posted = await poster.ask("u", f"{operation} #tag")
        await reader.send((operation, {**data, "seen": posted["id"]}))
        theirs.journal.refresh()
        assert f"'id': {posted['id']}" in str(await reader.answer())


async def test_a_query_gets_an_error_where_the_id_does_not_come(
    servers: list[Serving], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(horizon, "REACH_S", 0.0)
    reader = await servers[0].call()
    kind, error = await reader.ask("d", {"seen": 1})
    assert (kind, error["code"]) == ("err", "behind")
    assert servers[0].stats.refusals == {"behind": 1}


async def test_a_server_without_a_cluster_answers_at_once_whatever_was_seen() -> None:
    async with serving() as here:
        caller = await here.call()
        assert await caller.ask("d", {"seen": 9}) == await caller.ask("d", "")
        kind, error = await caller.ask("t", {"tag": "not a tag!", "seen": 9})
        assert (kind, error["code"]) == ("err", "bad_tag")
        assert here.stats.refusals == {"bad_tag": 1}


async def test_a_name_is_online_at_one_server_until_its_connection_ends(servers: list[Serving]) -> None:
    ours, theirs = servers
    ann, other = await ours.call(), await theirs.call()
    assert await ann.ask("n", "ann") == ("ok", {"name": "ann", "after": 0})
    kind, error = await other.ask("n", "Ann")
    assert (kind, error["code"]) == ("err", "name_taken")
    assert await other.ask("w", "") == ("ok", {"names": ["ann"]})
    assert (await other.ask("g", {"by": "ann", "login": True}))[0] == "ok"
    await ann.stream.aclose()
    while (await other.ask("n", "Ann"))[0] == "err":
        pass
    assert await other.ask("w", "") == ("ok", {"names": ["Ann"]})


async def test_a_client_that_leaves_while_it_signs_in_leaves_no_name_behind(
    servers: list[Serving], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = servers
    waits, may_continue = trio.Event(), trio.Event()
    take = MemoryNames.take

    async def slowly(names: MemoryNames, login: Login, instead_of: str | None) -> str | None:
        waits.set()
        await may_continue.wait()
        return await take(names, login, instead_of)

    monkeypatch.setattr(MemoryNames, "take", slowly)
    ann = await ours.call()
    await ann.send(("n", "ann"))
    await waits.wait()
    for connection in ours.connections:
        connection.close()
    may_continue.set()
    await ours.others_gone()
    assert theirs.backend.service.online.names == []


async def test_a_client_whose_name_another_server_has_given_away_is_disconnected(servers: list[Serving]) -> None:
    ours, _ = servers
    ann, ben = await ours.call(), await ours.call()
    await ann.ask("n", "ann")
    await ben.ask("n", "ben")
    shared = ours.backend.service.online._shared
    assert isinstance(shared, MemoryNames)
    shared.lost = frozenset({"ann"})
    await ours.places.recheck()
    kind, error = await ann.answer()
    assert (kind, error["code"]) == ("err", "name_taken")
    assert await ann.rest() == b""
    assert (await ben.ask("p", ""))[0] == "ok"
