"""Followers that move from one server of a cluster to another."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest

from tests.support.memory_log import SharedLog
from tests.support.replicas import joined
from tests.support.serving import Serving, serving
from ttweet.broker import horizon


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[list[Serving]]:
    """Two servers of a cluster; each sees the other's tweets when its journal refreshes."""
    log = SharedLog()
    async with AsyncExitStack() as stack:
        stores = [stack.enter_context(closing(joined(tmp_path / f"{name}.db", log, name))) for name in "ab"]
        yield [await stack.enter_async_context(serving(store, replica=store)) for store in stores]


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
