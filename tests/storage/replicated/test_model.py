"""Random servers with one log: batches, deletions, prunes, restarts and lost answers leave all files equal.

An answer that was given stays true: the tweet has the id that was acknowledged, and each key has one tweet.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.support.memory_log import Lost, SharedLog
from tests.support.replicas import joined, rows
from tests.support.sqlite_files import sql
from ttweet.model import reports
from ttweet.model.errors import Refused
from ttweet.model.tweets import Draft, Tweet, draft
from ttweet.storage.contract import KEY_LIFETIME_MS
from ttweet.storage.replicated.log import NoQuorum, Undecided
from ttweet.storage.replicated.store import ReplicatedStore

SERVERS = 3
IDS = "SELECT id FROM (SELECT id FROM tweets UNION ALL SELECT id FROM deletions) WHERE id >= {} ORDER BY id"
REPORT = reports.message_shown("deleted")
START = 1_700_000_000_000

servers = st.integers(0, SERVERS - 1)
times = st.integers(START, START + 3) | st.integers(START + KEY_LIFETIME_MS - 2, START + KEY_LIFETIME_MS + 3)
keys = st.none() | st.sampled_from("kl")
drafts = st.builds(draft, st.sampled_from(["", "a #tag", "b #Tag #other"]), key=keys, by=st.none() | st.just("ann"))
fates = st.sampled_from([None] * 6 + [*Lost])
quorums = st.sampled_from([True] * 6 + [False])


class Servers(RuleBasedStateMachine):
    """Three servers with one log. No rule looks at more than one file; the end compares them all."""

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.log = SharedLog()
        self.runs = 0
        self.acknowledged: dict[int, str] = {}
        self.pruned = 0
        self.deleted: set[int] = set()
        self.stores = [self.opened(number) for number in range(SERVERS)]

    def path(self, number: int) -> Path:
        return Path(self.folder.name) / f"{number}.db"

    def opened(self, number: int) -> ReplicatedStore:
        self.runs += 1
        return joined(self.path(number), self.log, f"{number}-{self.runs}")

    @contextmanager
    def fated(self, fate: Lost | None, *, quorum: bool = True) -> Iterator[None]:
        """Let the next append to the log have this fate."""
        self.log.lose, self.log.quorum = [fate], quorum
        with suppress(Undecided, NoQuorum):
            yield
        self.log.lose, self.log.quorum = [], True

    @rule(server=servers, batch=st.lists(drafts, min_size=1, max_size=4), at=times, fate=fates, quorum=quorums)
    def append(self, server: int, batch: list[Draft], at: int, fate: Lost | None, quorum: bool) -> None:
        with self.fated(fate, quorum=quorum):
            stored = self.stores[server].append(batch, batch, at=at)
            assert len(stored) == len(batch)
            for tweet in [one for one in stored if isinstance(one, Tweet)]:
                assert self.acknowledged.setdefault(tweet.id, tweet.text) == tweet.text

    @rule(server=servers, tweet=st.integers(1, 9), at=times, fate=fates)
    def delete(self, server: int, tweet: int, at: int, fate: Lost | None) -> None:
        self.deleted.add(tweet)  # even without an answer
        with self.fated(fate), suppress(Refused):
            self.stores[server].delete(tweet, REPORT, at=at)

    @rule(server=servers, before=st.integers(0, 6), fate=fates)
    def prune(self, server: int, before: int, fate: Lost | None) -> None:
        self.pruned = max(self.pruned, before)
        with self.fated(fate):
            self.stores[server].prune(before)

    @rule(server=servers)
    def refresh(self, server: int) -> None:
        self.stores[server].refresh()

    @rule(server=servers)
    def settle(self, server: int) -> None:
        self.stores[server].settle()

    @rule(server=servers)
    def restart(self, server: int) -> None:
        self.stores[server].close()
        self.stores[server] = self.opened(server)

    @rule()
    def deliver(self) -> None:
        self.log.deliver()

    def teardown(self) -> None:
        if not hasattr(self, "stores"):
            return
        self.log.deliver()
        for store in self.stores:
            while store.refresh():
                pass
        found = [rows(self.path(number)) for number in range(SERVERS)]
        ids = [id_ for (id_,) in sql(self.path(0), IDS.format(self.pruned))]
        assert ids == [*range(self.stores[0].newest_id() + 1 - len(ids), self.stores[0].newest_id() + 1)]
        kept = {one.id: one.text for one in self.stores[0].read_after(0, 999).entries if isinstance(one, Tweet)}
        for store in self.stores:
            store.close()
        self.folder.cleanup()
        assert found[0] == found[1] == found[2]
        for id_, text in self.acknowledged.items():
            assert id_ < self.pruned or id_ in self.deleted or kept[id_] == text


Servers.TestCase.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
TestServers = Servers.TestCase
