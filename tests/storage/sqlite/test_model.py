"""The store on a real file against a plain model of it, by random steps: posts, retries, queries, ends of a life."""

import shutil
from collections import Counter
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from proofs import simple_tags

from tests.support.stored import deletions_after, tweets_after
from ttweet.model import reports, tweets
from ttweet.model.errors import Refused
from ttweet.model.tweets import Deletion, Draft, Page, Tombstone, Tweet
from ttweet.server.log_copies import LogCopy
from ttweet.server.sample_file import SampleFile
from ttweet.storage.sqlite.writer import SqliteStore

pytestmark = pytest.mark.no_cover  # each step is that of a test of its own elsewhere

DAY_MS = 86_400_000
WORDS = ("a", "A", "straße", "STRASSE", "寿司", "3251", "a_b", "é", "e\u0301")
TEXTS = st.one_of(
    st.just(""),
    st.lists(st.sampled_from([f"#{word}" for word in WORDS] + ["x", "#", "\n", "\x1b[2J"]), max_size=5).map(" ".join),
)
AUTHORS = st.sampled_from([None, "ann", "bob"])
KEYS = st.sampled_from([None, None, "k1", "k2", "k3"])
SPELLINGS = st.sampled_from(WORDS)
BESIDE = st.lists(SPELLINGS, max_size=2)
LATER = st.integers(-DAY_MS, DAY_MS)


def keys_of(tweet: Tweet) -> set[str]:
    """The search keys of a tweet's tags, those beside its text too."""
    return {simple_tags.fold(tag) for tag in tweet.tags}


class StoreModel(RuleBasedStateMachine):
    """All answers must be the model's, after every step."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(mkdtemp(prefix="ttweet-model-"))
        self.lives = 0
        self.at = 0
        self.newest = 0
        self.tweets: list[Tweet] = []
        self.places: dict[int, Deletion] = {}  # of the tweets that were deleted
        self.deletions: list[Deletion] = []
        self.posted: dict[tuple[str | None, str], int] = {}
        self.lines: list[str] = []
        self.store = self.opened(self.folder / "tweets.db")

    def opened(self, path: Path) -> SqliteStore:
        self.path = path
        self.lives += 1
        self.lines = []  # Sample.txt has those of the newest session
        self.copied = True
        store = SqliteStore.open(path, log_limit=10_000_000, at=self.at)
        self.sample = SampleFile(self.folder / f"Sample-{self.lives}.txt", max_bytes=20_000_000)
        self.reader = store.reader()
        self.copy = LogCopy(self.sample, self.reader, session=store.session)
        return store

    def close(self) -> None:
        self.sample.close()
        self.reader.close()
        self.store.close()

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.close()
            shutil.rmtree(self.folder)

    # Steps that change the file

    @rule(batch=st.lists(st.tuples(TEXTS, AUTHORS, KEYS, BESIDE), min_size=1, max_size=6), later=LATER)
    def append(self, batch: list[tuple[str, str | None, str | None, list[str]]], later: int) -> None:
        self.at = max(0, self.at + later)  # the clock may go back
        drafts = [tweets.draft(text, by=by, key=key, tags=beside if text else ()) for text, by, key, beside in batch]
        told = self.store.append(drafts, drafts, at=self.at)
        for (*_, beside), draft, tweet in zip(batch, drafts, told, strict=True):
            self.expect(draft, tuple(beside) if draft.text else (), tweet)
        late = {draft.text for draft, one in zip(drafts, told, strict=True) if isinstance(one, Tombstone)} - {""}
        texts = ["(deleted)" if draft.text in late else draft.text for draft in drafts]
        self.lines += [reports.message_received(text).line for text in texts]

    def expect(self, draft: Draft, beside: tuple[str, ...], told: Tweet | Tombstone) -> None:
        """The tweet that a draft has become, by the model: the first with its key, or the next."""
        if draft.key is not None and (first := self.posted.get((draft.by, draft.key))) is not None:
            assert told.id == first
            assert isinstance(told, Tombstone) == all(one.id != first for one in self.tweets)
            return
        self.newest += 1
        tags = tuple(simple_tags.tags(draft.text, beside).values())
        self.tweets.append(Tweet(self.newest, self.at, draft.by, draft.text, tags))
        assert told == self.tweets[-1]
        if draft.key is not None:
            self.posted[draft.by, draft.key] = self.newest

    @rule(which=st.integers(1, 30))
    def delete(self, which: int) -> None:
        report = reports.message_deleted(which, "ann")
        tweet = next((one for one in self.tweets if one.id == which), None)
        if which in self.places:
            assert self.store.delete(which, report, at=self.at) == self.places[which]
        elif tweet is None:
            with pytest.raises(Refused, match="no tweet has the id"):
                self.store.delete(which, report, at=self.at)
        else:
            self.newest += 1
            self.places[which] = Deletion(self.newest, self.at, which)
            self.deletions.append(self.places[which])
            assert self.store.delete(which, report, at=self.at) == self.places[which]
            self.tweets.remove(tweet)
            self.copied = False  # the log is blanked where it tells of the text, the copy is not

    @rule(before=st.integers(1, 30))
    def prune(self, before: int) -> None:
        before = min(before, self.newest + 1)
        while self.store.prune(before) is not None:
            pass
        last = max([id_ for id_ in (*self.places, *[one.id for one in self.tweets]) if id_ < before], default=0)
        self.deletions = [one for one in self.deletions if one.id > last]
        self.tweets = [one for one in self.tweets if one.id >= before]
        self.places = {tweet: one for tweet, one in self.places.items() if tweet >= before}
        self.copied = False  # lines of the log go with their tweets

    @rule()
    def settle(self) -> None:
        self.store.settle()

    @rule()
    def stop_and_start(self) -> None:
        self.reader.close()  # which would keep the write-ahead log
        self.store.end_session("stopped", at=self.at)
        self.close()
        self.store = self.opened(self.path)

    @rule()
    def die_and_start(self) -> None:
        """The files as they are at this moment are all that the next life finds."""
        folder = self.folder / f"life-{self.lives}"
        folder.mkdir()
        for ending in ("", "-wal"):
            if (file := self.path.with_name(self.path.name + ending)).exists():
                shutil.copy(file, folder / f"tweets.db{ending}")
        self.close()
        self.store = self.opened(folder / "tweets.db")

    # Queries

    @rule(spelling=SPELLINGS, limit=st.integers(1, 5), before=st.none() | st.integers(1, 30))
    def tweets_of_tag(self, spelling: str, limit: int, before: int | None) -> None:
        key = tweets.search_key(spelling)
        found = self.store.tweets_of_tag(key, limit=limit, before=before)
        self.same_page(found, [one for one in self.tweets if key in keys_of(one)], limit, before)

    @rule(by=st.sampled_from(["ann", "bob", "eve"]), limit=st.integers(1, 5), before=st.none() | st.integers(1, 30))
    def tweets_of_author(self, by: str, limit: int, before: int | None) -> None:
        found = self.store.tweets_of_author(by, limit=limit, before=before)
        self.same_page(found, [one for one in self.tweets if one.by == by and one.text], limit, before)

    def same_page(self, found: Page, expected: list[Tweet], limit: int, before: int | None) -> None:
        below = [one for one in expected if before is None or one.id < before]
        assert found.tweets == below[::-1][:limit]
        assert found.more == (len(below) > limit)

    @rule(spellings=st.lists(SPELLINGS, min_size=1, max_size=3), cursor=st.integers(0, 30), limit=st.integers(1, 5))
    def tagged_after(self, spellings: list[str], cursor: int, limit: int) -> None:
        keys = {tweets.search_key(spelling) for spelling in spellings}
        found = tweets_after(self.store, cursor, limit, keys=sorted(keys))
        assert found == [one for one in self.tweets if one.id > cursor and keys_of(one) & keys][:limit]

    @rule()
    def list_tags(self) -> None:
        listed = self.store.list_tags(limit=100, now=self.at, numbers=True)
        counts = {tweets.search_key(summary.tag): summary.count for summary in listed.tags}
        assert counts == Counter(key for one in self.tweets for key in keys_of(one))

    @rule()
    def export_log(self) -> None:
        assert self.copy.catch_up()
        copied = (self.folder / f"Sample-{self.lives}.txt").read_text().split("\n")[:-1]
        assert copied == self.lines or not self.copied

    @invariant()
    def the_log_of_tweets_is_the_models(self) -> None:
        if hasattr(self, "store"):
            assert tweets_after(self.store, 0, 1000) == self.tweets
            assert deletions_after(self.store, 0) == self.deletions
            assert self.store.last() == (self.tweets[-1] if self.tweets else None)
            assert self.store.count() == len(self.tweets)
            assert self.store.newest_id() == self.reader.newest_id() == self.newest


StoreModel.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
test_the_store_does_what_the_model_does: Any = StoreModel.TestCase
