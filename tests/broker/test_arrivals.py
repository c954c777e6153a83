"""A journal on a log that other servers write to as well: readers and followers get all entries, in one order."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path

import pytest
import trio
import trio.testing

from tests.support.guard import GUARD_S
from tests.support.memory_log import Lost, SharedLog
from tests.support.posters import Poster
from tests.support.replicas import joined
from ttweet.broker import journal
from ttweet.broker.journal import Journal
from ttweet.broker.receipts import Keyed
from ttweet.model import reports
from ttweet.model.errors import StoreError
from ttweet.model.tweets import Deletion, Tweet, draft

REPORT = reports.message_deleted(1, "ann")


class Follower:
    """Notes what a follower would get."""

    def __init__(self, journal: Journal) -> None:
        self.ids: list[int] = []
        self.pruned_up_to = 0
        self.keys: list[list[str]] = []
        journal.head.add_listener(self)

    def committed(self, tweets: Sequence[Keyed]) -> None:
        self.ids += [tweet.id for tweet, _ in tweets]
        self.keys += [[*keys] for _, keys in tweets]

    def deleted(self, deletion: Deletion) -> None:
        self.ids.append(deletion.id)

    def pruned(self, up_to: int) -> None:
        self.pruned_up_to = up_to


class Server:
    """A journal with a replicated store, a follower and a client."""

    def __init__(self, path: Path, log: SharedLog, origin: str) -> None:
        self.store = joined(path, log, origin)
        self.journal = Journal(self.store, replica=self.store)
        self.follower = Follower(self.journal)

    async def post(self, *texts: str) -> list[object]:
        poster = Poster(self.journal)
        for text in texts:
            poster.post(text, tags=draft(text).tags)
        return [*await poster.all_answered()]


@asynccontextmanager
async def running(path: Path, log: SharedLog, origin: str) -> AsyncIterator[Server]:
    """A server that runs until the block is left."""
    server = Server(path, log, origin)
    with closing(server.store), trio.fail_after(GUARD_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.journal.run)
            yield server
            server.journal.close()


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[list[Server]]:
    """Two servers with one log."""
    log = SharedLog()
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(running(tmp_path / f"{name}.db", log, name)) for name in "ab"]


async def refreshed(server: Server, newest: int) -> None:
    """Refresh until readers see an id."""
    while server.journal.head.newest < newest:
        seen = server.journal.commits
        server.journal.refresh()
        server.journal.refresh()
        await server.journal.wait_commit(seen)


async def test_a_refresh_shows_the_tweets_of_another_server_to_readers_and_followers(servers: list[Server]) -> None:
    ours, theirs = servers
    await ours.post("one #Tag", "two")
    await refreshed(theirs, 2)
    assert theirs.journal.head.last == ours.journal.head.last
    assert theirs.follower.ids == ours.follower.ids == [1, 2]
    assert theirs.follower.keys == ours.follower.keys == [["tag"], []]


async def test_followers_get_their_own_servers_tweets_among_those_of_others_in_order(servers: list[Server]) -> None:
    ours, theirs = servers
    await ours.post("one")
    await theirs.post("two")
    await ours.journal.delete(2, REPORT)
    [tweet] = await theirs.post("four")
    await refreshed(ours, 4)
    assert ours.follower.ids == theirs.follower.ids == [1, 2, 3, 4]
    assert ours.journal.head.last == theirs.journal.head.last == tweet


async def test_a_deletion_elsewhere_gives_readers_the_last_tweet_that_is_left(servers: list[Server]) -> None:
    ours, theirs = servers
    await ours.post("one", "two")
    await theirs.journal.delete(2, REPORT)
    await refreshed(ours, 3)
    assert ours.journal.head.last == ours.store.position().last
    assert isinstance(ours.journal.head.last, Tweet)
    assert ours.journal.head.last.id == 1
    assert ours.journal.head.deletions == theirs.journal.head.deletions == 1


async def test_old_tweets_that_another_server_prunes_go_here_too(servers: list[Server]) -> None:
    ours, theirs = servers
    await ours.post("one", "two", "three")
    await refreshed(theirs, 3)
    assert await ours.journal.prune(3) == 2
    while theirs.follower.pruned_up_to < 2:
        seen = theirs.journal.commits
        theirs.journal.refresh()
        await theirs.journal.wait_commit(seen)
    assert ours.follower.pruned_up_to == theirs.follower.pruned_up_to == 2
    assert theirs.journal.head.pruned_up_to == 2


async def test_readers_have_no_last_tweet_when_another_server_has_pruned_all(servers: list[Server]) -> None:
    ours, theirs = servers
    await ours.post("one", "two")
    await refreshed(theirs, 2)
    await ours.journal.prune(3)
    while theirs.journal.head.pruned_up_to < 2:
        seen = theirs.journal.commits
        theirs.journal.refresh()
        await theirs.journal.wait_commit(seen)
    assert theirs.journal.head.last is ours.journal.head.last is None


async def test_posts_without_a_quorum_are_refused_and_those_after_it_are_stored(tmp_path: Path) -> None:
    log = SharedLog()
    async with running(tmp_path / "a.db", log, "a") as server:
        log.quorum = False
        [error] = await server.post("one")
        assert isinstance(error, StoreError)
        assert error.code == "no_quorum"
        log.quorum = True
        [tweet] = await server.post("two")
        assert isinstance(tweet, Tweet)
        assert tweet.id == 1
    assert server.follower.ids == [1]


async def test_a_post_without_an_answer_reaches_followers_when_it_arrives(tmp_path: Path) -> None:
    log = SharedLog()
    async with running(tmp_path / "a.db", log, "a") as server:
        log.lose = [Lost.DELAYED]
        [error] = await server.post("one")
        assert isinstance(error, StoreError)
        assert error.code == "unknown"
        log.deliver()
        await refreshed(server, 1)
        await server.post("two")
    assert server.follower.ids == [1, 2]


async def test_a_server_is_in_trouble_until_the_cluster_stores_again_though_report_lines_are_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "FILE_CHECK_INTERVAL_S", 0.001)
    log = SharedLog()
    async with running(tmp_path / "a.db", log, "a") as server:
        log.quorum = False
        await server.post("one")
        seen = server.journal.commits
        server.journal.report(reports.message_shown("two"))
        await server.journal.wait_commit(seen)
        assert "no majority of the cluster answers" in server.journal.trouble.text
        log.quorum = True
        while server.journal.trouble.text:
            await trio.testing.wait_all_tasks_blocked()
