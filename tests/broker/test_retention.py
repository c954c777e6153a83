"""Old tweets go while the server runs: no client waits, and a follower that is behind gets the gap."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.client.test_cursor import Diary, line
from tests.support.following import Log, following
from tests.support.guard import GUARD_S
from tests.support.memory_store import MemoryStore
from tests.support.processes import run, running_server, says
from tests.support.serving import Serving, serving
from tests.support.sqlite_files import opened, post
from ttweet.broker import retention as retention_module
from ttweet.broker.journal import Journal
from ttweet.broker.retention import Retention
from ttweet.broker.subscriptions import Encoder, Subscription, Wanted
from ttweet.broker.worker import Worker
from ttweet.cli import shell
from ttweet.client.cursor import Cursor
from ttweet.model.errors import StoreError
from ttweet.model.keep import Keep
from ttweet.model.reports import message_deleted
from ttweet.model.tweets import draft
from ttweet.storage.contract import Kept, Store

DAY_S = 86_400.0
DAY_MS = 86_400_000


@asynccontextmanager
async def retaining(here: Serving, keep: Keep, *, now_ms: int = 0) -> AsyncIterator[Retention]:
    """A retention of a server's journal that prunes when the test calls it."""
    with Worker("retention") as worker, closing(here.store.reader()) as reader:
        yield Retention(keep, here.journal, reader, worker, clock=lambda: now_ms)


async def test_all_but_the_last_go_and_one_line_says_so(any_store: Store) -> None:
    async with serving(any_store) as here, retaining(here, Keep(last=4)) as retention:
        caller = await here.call()
        for number in range(10):
            await caller.ask("u", f"{number} #old" if number < 6 else f"{number} #new")
        assert await retention.prune() == 6
        assert await retention.prune() == 0
        assert (here.journal.head.pruned_up_to, retention.removed) == (6, 6)
        assert await caller.ask("s", {"after": 2}) == ("ok", {"from": 2, "gone": 6})
        assert [data["id"] for _, data in await caller.answers(5)] == [7, 8, 9, 10, 10]
        assert (await caller.ask("t", {"tag": "old"}))[1]["tweets"] == []
        tags = (await caller.ask("l", {}))[1]["tags"]
        assert [(tag["tag"], tag["count"]) for tag in tags] == [("new", 4)]
        await caller.ask("u", "11")
        assert [line for line in here.lines if "Removed" in line] == [
            "SERVER ALERT [GENERAL] Messages Removed: 6 Up To: 6"
        ]


async def test_tombstones_go_with_the_tweets_and_are_not_counted(any_store: Store) -> None:
    async with serving(any_store) as here, retaining(here, Keep(last=4)) as retention:
        caller = await here.call()
        for number in range(20):
            await caller.ask("u", f"{number}")
        for tweet in range(1, 11):
            await here.journal.delete(tweet, message_deleted(tweet, "ann"))
        assert await retention.prune() == 6
        assert (here.journal.head.pruned_up_to, retention.removed) == (16, 6)
        await caller.ask("u", "21")
        assert [line for line in here.lines if "Removed" in line] == [
            "SERVER ALERT [GENERAL] Messages Removed: 6 Up To: 16"
        ]


async def test_a_client_that_does_not_read_learns_what_went_meanwhile(any_store: Store) -> None:
    async with serving(any_store) as here, retaining(here, Keep(last=2)) as retention:
        poster, follower = await here.call(), here.call_in_memory(lockstep=True)
        await follower.send(("s", {"after": 0}))
        assert await follower.answers(2) == [("ok", {"from": 0}), ("e", {"id": 0})]
        for text in "abcdef":
            await poster.ask("u", text)
        assert await retention.prune() == 4
        seen = [(kind, data["id"]) for kind, data in await follower.answers(4)]
        assert seen == [("m", 1), ("g", 4), ("m", 5), ("m", 6)]


async def test_when_all_are_too_old_there_is_no_last_message() -> None:
    store = MemoryStore()
    store.append([draft(text) for text in "abcd"], [], at=0)
    async with serving(store) as here, retaining(here, Keep(age_s=DAY_S), now_ms=2 * DAY_MS) as retention:
        caller = await here.call()
        assert (await caller.ask("d", ""))[1] is not None
        assert await retention.prune() == 4
        assert await caller.ask("d", "") == ("ok", None)
        assert (here.journal.head.last, here.journal.head.newest, here.journal.head.pruned_up_to) == (None, 4, 4)


async def test_a_tweet_that_arrives_while_the_oldest_kept_one_is_looked_up_stays() -> None:
    class Racing(MemoryStore):
        def oldest_kept(self, *, before: int | None = None, **wanted: Any) -> Kept:
            self.append([draft("comes now")], [], at=0)
            return super().oldest_kept(before=before, **wanted)

    store = Racing()
    store.append([draft("old")], [], at=0)
    async with serving(store) as here, retaining(here, Keep(age_s=1), now_ms=DAY_MS) as retention:
        assert await retention.prune() == 1
        assert [tweet.text for tweet in store.tweets] == ["comes now"]


async def test_a_full_disk_only_postpones_it(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    class Full(MemoryStore):
        failures = 2

        def prune(self, before: int) -> int | None:
            self.failures -= 1
            if self.failures >= 0:
                raise StoreError("full", "the disk is full")
            return super().prune(before)

    monkeypatch.setattr(retention_module, "PRUNE_INTERVAL_S", 0.01)
    store = Full()
    store.append([draft("a"), draft("b")], [], at=0)
    async with serving(store) as here, retaining(here, Keep(last=1)) as retention, trio.open_nursery() as nursery:
        nursery.start_soon(retention.run)
        while len(store.tweets) > 1:
            await here.journal.wait_commit(here.journal.commits)
        assert [tweet.text for tweet in store.tweets] == ["b"]
        assert caplog.text.count("cannot remove old tweets for now: the disk is full") == 1
        nursery.cancel_scope.cancel()


async def test_retention_ends_with_the_journal() -> None:
    store = MemoryStore()
    store.append([draft("a"), draft("b")], [], at=0)
    journal = Journal(store)
    journal.close()
    with trio.fail_after(GUARD_S), Worker("retention") as worker:
        await Retention(Keep(last=1), journal, store, worker).run()
    assert len(store.tweets) == 2


@pytest.mark.parametrize(
    ("keep", "words"),
    [
        (Keep(), "all are kept"),
        (Keep(last=1000), "the last 1,000 are kept"),
        (Keep(age_s=90 * DAY_S), "those younger than 90 d are kept"),
        (Keep(age_s=1.5), "those younger than 1.5 s are kept"),
    ],
)
def test_a_rule_of_retention_has_its_words(keep: Keep, words: str) -> None:
    assert str(keep) == words


# Followers


class TakingFollower:
    """A follower's end that takes pushes when the test calls it: ids of tweets, and of what is gone."""

    def __init__(self, log: Log) -> None:
        self.unsent = b""
        self.received: list[int] = []
        self.gone: list[int] = []
        self.encoder: Encoder = log.encoder
        self.follower: Subscription = log.fanout.follow(self, Wanted(), 0)
        self._log = log

    @property
    def has_room(self) -> bool:
        return not self.unsent

    def push(self, data: bytes) -> bool:
        if not self.has_room:
            return False
        self.unsent = data
        return True

    def close(self) -> None:
        raise AssertionError("it is let go")

    def take(self) -> None:
        for one in self.unsent.splitlines():
            kind, data = json.loads(one)
            {"m": self.received, "g": self.gone, "e": []}[kind].append(data["id"])
        self.unsent = b""
        self._log.fanout.resume(self.follower)


def prune(log: Log, before: int) -> None:
    while log.store.prune(before) is not None:
        pass
    log.fanout.pruned(log.store.position().pruned_up_to)


async def take_all(log: Log, reader: TakingFollower) -> None:
    reader.take()
    await following(log, lambda: None)
    while reader.unsent:
        await following(log, reader.take)


async def test_a_follower_that_is_behind_learns_of_the_gap_once_and_one_that_is_live_of_none() -> None:
    log = Log()
    slow, live = TakingFollower(log), TakingFollower(log)
    log.commit("a")
    await take_all(log, slow)
    await take_all(log, live)
    log.commit("a")  # slow does not take it
    for _ in range(3):
        log.commit("a")
        await take_all(log, live)
    prune(log, 5)
    await take_all(log, slow)
    await take_all(log, live)
    assert (slow.received, slow.gone) == ([1, 2, 5], [4])
    assert (live.received, live.gone) == ([1, 2, 3, 4, 5], [])


async def test_tweets_that_the_file_lost_before_the_audience_knew_are_reported_as_gone() -> None:
    log = Log()
    log.store.append([draft(text) for text in "abcdef"], [], at=0)
    log = Log(log.store)  # with nothing in memory
    reader = TakingFollower(log)
    log.store.prune(4)
    await take_all(log, reader)
    assert (reader.received, reader.gone) == ([4, 5, 6], [3])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.integers(1, 12), st.sampled_from(["commit", "take", "file", "turn"])), max_size=40))
def test_each_tweet_comes_or_is_reported_as_gone(steps: list[int | str]) -> None:
    async def check() -> None:
        log = Log()
        reader = TakingFollower(log)
        for step in [*steps, "commit"]:
            if step == "commit":
                log.commit("a", "b")
            elif step == "take":
                reader.take()
            elif step == "turn":
                await following(log, lambda: None)
            elif step == "file":
                log.store.prune(2)  # the fan-out learns of it with the next pruning
            else:
                prune(log, int(step))
        await take_all(log, reader)
        missing = {*range(1, log.store.newest + 1)} - {*reader.received}
        assert reader.received == sorted({*reader.received})
        assert missing <= {*range(1, max(reader.gone, default=0) + 1)}
        assert all(gone <= log.store.position().pruned_up_to for gone in reader.gone)

    trio.run(check)


def test_a_client_tells_what_is_gone_while_it_follows() -> None:
    class Listener(Diary):
        def on_pruned(self, up_to: int) -> None:
            self.entries.append(f"gone {up_to}")

    diary = Listener()
    cursor = Cursor([], 1, diary)
    cursor.receive(line("g", {"id": 9}))
    assert (diary.entries, cursor.after) == (["gone 9"], 1)


# The command


def removed(db: Path) -> list[str]:
    with closing(sqlite3.connect(db)) as connection:
        return [text for (text,) in connection.execute("SELECT text FROM log WHERE text LIKE 'Messages Removed%'")]


def test_a_server_removes_at_its_start_and_continues_where_it_was_stopped(tmp_path: Path) -> None:
    db = tmp_path / "tweets.db"
    with opened(db) as store:
        post(store, *[f"{number} #n" for number in range(600)])
    with running_server(tmp_path, "--no-report-file", "--keep-last", "5") as server:
        pass
    with running_server(tmp_path, "--no-report-file", "--keep-last", "5") as server:
        dry = ["prune", "--keep-last", "2", "--dry-run", "--json", "--db", str(db)]
        while json.loads((seen := run(*dry)).stdout)["kept"] + json.loads(seen.stdout)["removed"] > 5:
            assert server.process.poll() is None
        assert json.loads(run(*dry).stdout) == {"removed": 3, "kept": 2, "dry_run": True}
        stats = json.loads(run("stats", "--json", "--server", server.address).stdout)
        assert stats["retention"]["gone"] == 595
        assert stats["limits"]["keep_last"] == 5
        assert server.stop() == 0
    assert sum([int(text.split()[2]) for text in removed(db)]) == 595


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--keep", "1d", "--keep-last", "1"], "give one of them"),
        (["--keep", "90"], "invalid --keep '90'"),
        (["--keep", "soon"], "invalid --keep 'soon'"),
        (["--keep", "0"], "invalid --keep '0': it would keep no tweet"),
        (["--keep-last", "0"], "invalid --keep-last '0'"),
    ],
)
def test_an_invalid_command_line_is_reported(tmp_path: Path, arguments: list[str], words: str) -> None:
    code, told = says("serve", "0", *arguments, "--db", str(tmp_path / "none.db"))
    assert code == shell.USAGE
    assert words in told
    assert not (tmp_path / "none.db").exists()
