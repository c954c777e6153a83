"""The server counts what has happened, and shows it to a client with the right `admin`."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import trio

import ttweet
from tests.support.held_store import HeldStore
from tests.support.in_process import complains, run
from tests.support.memory_edge import MemoryEdge
from tests.support.memory_store import MemoryStore
from tests.support.posters import MOVED
from tests.support.processes import plain, run_on_terminal, running_server
from tests.support.serving import Caller, serving
from ttweet.broker import pages
from ttweet.cli import shell
from ttweet.cli.commands.stats import readable
from ttweet.model.errors import StoreError
from ttweet.model.requests import Follow
from ttweet.model.tweets import Page
from ttweet.security.authenticator import Authenticator
from ttweet.security.rate_limit import Rate
from ttweet.security.rights import POST, READ
from ttweet.server.config import EdgeSettings, Rates
from ttweet.server.net.places import Standing
from ttweet.storage.contract import Slice, Store

NONE_FOLLOW = {"live": 0, "behind": 0, "frames": 0, "sse": 0, "lines": 0}


async def stats_of(caller: Caller) -> Any:
    kind, data = await caller.ask("i", "")
    assert kind == "ok"
    return data


async def test_it_counts_uploads_commits_and_refusals(any_store: Store) -> None:
    async with serving(any_store) as here:
        caller = await here.call()
        await caller.send(("u", "one"), ("u", "a" * 151), ("u", ""), ("?", ""), ("t", "?"), ("u", "two"))
        await caller.answers(6)
        stats = await stats_of(caller)
        assert 1 <= stats["tweets"].pop("commits") == here.journal.commits
        assert stats["tweets"] == {"newest": 3, "acknowledged": 3, "deleted": 0, "waiting": 0, "lines_waiting": 0}
        assert stats["refusals"] == {"bad_operation": 1, "bad_tag": 1, "too_long": 1}
        assert stats["connections"] == {"now": 1, "accepted": 1, "rejected": 0}
        assert stats["server"]["version"] == ttweet.__version__
        assert stats["limits"] == {"max_clients": 1000}


async def test_the_state_counts_each_deleted_tweet_once(any_store: Store) -> None:
    async with serving(any_store) as here:
        caller = await here.call()
        await caller.send(("u", "one"), ("u", "two"), ("x", 1), ("x", 1), ("x", 7))
        await caller.answers(5)
        tweets = (await stats_of(caller))["tweets"]
        assert (tweets["deleted"], tweets["newest"]) == (1, 3)


async def test_it_counts_accepted_and_rejected_clients() -> None:
    async with serving(max_clients=2) as here:
        callers = [await here.call() for _ in range(2)]
        for caller in callers:
            await caller.ask("p", "")
        assert (await (await here.call()).answer())[1]["code"] == "busy"
        stats = await stats_of(callers[0])
    assert stats["connections"] == {"now": 2, "accepted": 2, "rejected": 1}


async def test_followers_are_live_or_behind() -> None:
    async with serving() as here:
        follower, caller = await here.call(), await here.call()
        assert (await stats_of(caller))["followers"] == NONE_FOLLOW
        await follower.send(("s", ""))
        assert [kind for kind, _ in await follower.answers(2)] == ["ok", "e"]
        assert (await stats_of(caller))["followers"] == {**NONE_FOLLOW, "live": 1, "frames": 1}
        await follower.ask("c", "")
        assert (await stats_of(caller))["followers"] == NONE_FOLLOW


async def test_posts_that_wait_for_the_disk_are_reported_while_they_wait() -> None:
    store = HeldStore()
    async with serving(store) as here:
        poster, asker = await here.call(), await here.call()
        await asker.ask("p", "")
        await poster.ask("p", "")
        store.hold()
        await poster.send(("u", "one"))
        await store.wait_held()
        await poster.send(*[("u", str(number)) for number in range(5)], ("p", ""))
        while (await stats_of(asker))["tweets"]["waiting"] < 5:
            pass
        store.release()
        await poster.answers(7)
        assert (await stats_of(asker))["tweets"]["waiting"] == 0


async def test_uploads_that_the_store_refuses_count_as_refused() -> None:
    store = MemoryStore()
    async with serving(store) as here:
        caller = await here.call()
        await caller.ask("p", "")
        while (await caller.ask("u", "full"))[0] == "ok":
            store.fail_next = [StoreError("full", "the disk is full")]
        stats = await stats_of(caller)
    assert stats["refusals"] == {"full": 1}


async def test_why_uploads_are_refused_is_reported_in_full_to_admins_alone() -> None:
    store = MemoryStore()
    async with serving(store) as here:
        caller = await here.call()
        assert (await stats_of(caller))["server"]["trouble"] is None
        while (answer := await caller.ask("u", "x"))[0] == "ok":
            store.fail_next = [MOVED] * 9
        stats = await stats_of(caller)
    assert answer[1] == {"code": "moved", "text": MOVED.public_text}
    assert stats["server"]["trouble"] == MOVED.text != MOVED.public_text


class DamagedStore(MemoryStore):
    """No tag can be looked up in it, nor what came before."""

    def tweets_of_tag(self, key: str, *, limit: int, before: int | None = None) -> Page:
        raise StoreError("internal", "the database is damaged")

    def read_after(self, cursor: int, limit: int, **wanted: Any) -> Slice:
        raise StoreError("internal", "the database is damaged")


async def test_queries_and_followers_that_the_store_fails_are_reported_to_the_operator(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "RECENT_TWEETS", 1)
    async with serving(DamagedStore()) as here:
        caller = await here.call()
        await caller.send(("u", "one"), ("u", "two"), ("t", "a"), ("t", "a"))
        await caller.answers(4)
        for _ in range(3):
            follower = await here.call()
            await follower.send(("s", {"after": 0}))
            assert (await follower.rest()).count(b"\n") == 1
        stats = await stats_of(caller)
    assert stats["refusals"] == {"internal": 2}
    assert stats["server"]["trouble"] == "cannot read: the database is damaged"
    assert len(caplog.messages) == 1


async def test_a_client_whose_every_query_the_store_fails_counts_as_refused() -> None:
    async with serving(DamagedStore()) as here:
        caller = await here.call()
        await caller.ask("t", "a")
        (connection,) = here.connections
        assert connection.standing is Standing.REFUSED


async def test_deletions_that_the_store_fails_count_as_refused() -> None:
    store = MemoryStore()
    async with serving(store) as here:
        caller = await here.call()
        await caller.ask("u", "one")
        while (await caller.ask("x", 1))[0] == "ok":
            store.fail_next = [StoreError("full", "the disk is full")]
        assert (await stats_of(caller))["refusals"] == {"full": 1}


async def test_the_rate_and_the_clients_that_it_limits() -> None:
    async with serving(rates=Rates(Rate(1, "h", burst=5), loopback=True)) as here:
        caller = await here.call()
        await caller.send(("p", ""), ("i", ""), ("p", ""))
        _, (_, stats), _ = await caller.answers(3)
        assert stats["rate"] == {"limit": "1/h", "burst": 5, "clients": 1, "refused": 1}
    async with serving() as here:
        assert (await stats_of(await here.call()))["rate"]["limit"] is None


async def test_only_administrators_of_the_server_get_an_answer() -> None:
    async with serving(authenticator=Authenticator(frozenset({READ, POST}))) as here:
        kind, error = await (await here.call()).ask("i", "")
    assert (kind, error["code"]) == ("err", "forbidden")


async def test_the_client_for_trio_reads_the_state_too() -> None:
    async with serving() as here, ttweet.AsyncClient(*here.address) as client:
        assert (await client.stats())["connections"]["now"] == 1


async def test_the_state_counts_the_clients_of_all_edges() -> None:
    async with serving(rates=Rates(Rate(1, "h", burst=4), loopback=True)) as here:  # a follow counts as two
        edge = MemoryEdge(here.backend, here.admission, EdgeSettings())
        clients = [edge.connect() for _ in range(3)]
        for client in clients[:2]:
            await client.ask(Follow())
        clients[2].close()
        while here.followers != (2, 0):
            await trio.lowlevel.checkpoint()
        stats = await stats_of(await here.call())
    assert stats["connections"] == {"now": 3, "accepted": 4, "rejected": 0}
    assert stats["followers"] == {**NONE_FOLLOW, "live": 2, "frames": 2}
    assert stats["rate"] == {"limit": "1/h", "burst": 4, "clients": 2, "refused": 0}


# The command


def test_the_command_shows_all_of_it_in_a_pipe_as_json_and_on_a_terminal(tmp_path: Path) -> None:
    with running_server(tmp_path, "--max-clients", "17") as server:
        run("post", "hello", "--server", server.address)
        parts = json.loads(run("stats", "--json", "--server", server.address).stdout)
        assert list(parts)[:4] == ["tweets", "connections", "followers", "refusals"]  # what changes most often
        assert parts["limits"]["max_clients"] == 17
        assert parts["tweets"]["acknowledged"] == 1
        assert parts["file"]["bytes"] == server.db.stat().st_size
        assert 0 < parts["file"]["wal_bytes"] <= server.db.with_name("tweets.db-wal").stat().st_size  # it may grow
        rows = dict(row.split("\t") for row in run("stats", "--all", "--server", server.address).stdout.splitlines())
        assert rows["limits.keep_s"] == "-"
        assert rows["tweets.newest"] == "1"
        assert {name.partition(".")[0] for name in rows} == {part for part in parts if parts[part]}
        what_changes = dict(row.split("\t") for row in run("stats", "--server", server.address).stdout.splitlines())
        assert what_changes.keys() == {name for name in rows if not name.startswith("limits.")}
        code, seen = run_on_terminal("stats", "--all", "--server", server.address, columns=60)
        assert code == shell.DONE
        lines = plain(seen).splitlines()
        assert max(map(len, lines)) <= 60
        assert any(line.split() == ["tweets", "newest", "1"] for line in lines)
        assert any(line.split() == ["idle", "15", "min"] for line in lines)


def test_a_server_whose_administrators_have_tokens_refuses_others(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        token = run("token", "add", "root", "--can", "admin", "--db", str(server.db)).stdout.strip()
        done = run("stats", "--json", "--server", server.address, variables={"TTWEET_TOKEN": token})
        assert done.returncode == shell.DONE
        code, text = complains("stats", "--server", server.address)
        assert code == shell.REFUSED
        assert text.startswith("ttweet: this needs the right 'admin'")


@pytest.mark.parametrize(
    ("name", "value", "label", "shown"),
    [
        ("uptime_s", 0, "uptime", "0 s"),
        ("uptime_s", 7500, "uptime", "2 h 5 min"),
        ("uptime_s", 90061, "uptime", "1 d 1 h"),
        ("grace_s", 2.5, "grace", "2.5 s"),
        ("idle_s", 900.0, "idle", "15 min"),
        ("bytes", 512, "size", "512 bytes"),
        ("wal_bytes", 64 * 1024 * 1024, "wal", "64.0 MiB"),
        ("accepted", 1234567, "accepted", "1,234,567"),
        ("rejected", 0, "rejected", "0"),
        ("limit", None, "limit", "none"),
        ("started", 0, "started", f"{datetime.fromtimestamp(0):%Y-%m-%d %H:%M:%S}"),
        ("version", "0.1\x1b", "version", "0.1\\x1b"),
    ],
)
def test_people_see_units(name: str, value: object, label: str, shown: str) -> None:
    assert readable(name, value) == (label, shown)
