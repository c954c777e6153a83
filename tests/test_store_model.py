"""The store on a real file against a plain model of it, by random steps: posts, retries, questions, ends of a life."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ttweet import reports, tweets
from ttweet.export import LogCopy, SampleFile
from ttweet.sqlite_store import SqliteStore
from ttweet.tweets import Draft, Page, Tweet

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from proofs import simple_tags

DAY_MS = 86_400_000
WORDS = ("a", "A", "straße", "STRASSE", "寿司", "3251", "a_b", "é", "e\u0301")
TEXTS = st.one_of(
    st.just(""),
    st.lists(st.sampled_from([f"#{word}" for word in WORDS] + ["x", "#", "\n", "\x1b[2J"]), max_size=5).map(" ".join),
)
AUTHORS = st.sampled_from([None, "ann", "bob"])
KEYS = st.sampled_from([None, None, "k1", "k2", "k3"])
SPELLINGS = st.sampled_from(WORDS)


@dataclass
class Stored:
    """What the model knows of a tweet."""

    id: int
    by: str | None
    text: str

    @property
    def keys(self) -> set[str]:
        return set(simple_tags.tags(self.text))


class StoreModel(RuleBasedStateMachine):
    """All answers must be the model's, after every step."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(mkdtemp(prefix="ttweet-model-"))
        self.lives = 0
        self.at = 0
        self.tweets: list[Stored] = []
        self.posted: dict[tuple[str | None, str], int] = {}
        self.lines: list[str] = []
        self.store = self.opened(self.folder / "tweets.db")

    def opened(self, path: Path) -> SqliteStore:
        self.path = path
        self.lives += 1
        self.lines = []  # Sample.txt has those of the newest session
        store = SqliteStore.open(path, log_limit=10_000, at=self.at)
        self.sample = SampleFile(self.folder / f"Sample-{self.lives}.txt", max_lines=20_000)
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

    # What changes the file

    @rule(batch=st.lists(st.tuples(TEXTS, AUTHORS, KEYS), min_size=1, max_size=6), later=st.integers(-DAY_MS, DAY_MS))
    def append(self, batch: list[tuple[str, str | None, str | None]], later: int) -> None:
        self.at = max(0, self.at + later)  # the clock may go back
        drafts = [tweets.draft(text, by=by, key=key) for text, by, key in batch]
        told = self.store.append(drafts, [reports.message_received(draft.text) for draft in drafts], at=self.at)
        assert [tweet.id for tweet in told] == [self.expect(draft) for draft in drafts]
        self.lines += [reports.message_received(draft.text).line for draft in drafts]

    def expect(self, draft: Draft) -> int:
        """The id of a draft, by the model: that of the first with its key, or the next."""
        if draft.key is not None and (draft.by, draft.key) in self.posted:
            return self.posted[draft.by, draft.key]
        self.tweets.append(Stored(len(self.tweets) + 1, draft.by, draft.text))
        if draft.key is not None:
            self.posted[draft.by, draft.key] = len(self.tweets)
        return len(self.tweets)

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

    # What is asked

    @rule(spelling=SPELLINGS, limit=st.integers(1, 5), before=st.none() | st.integers(1, 30))
    def tweets_of_tag(self, spelling: str, limit: int, before: int | None) -> None:
        key = tweets.search_key(spelling)
        found = self.store.tweets_of_tag(key, limit=limit, before=before)
        self.same_page(found, [one for one in self.tweets if key in one.keys], limit, before)

    @rule(by=st.sampled_from(["ann", "bob", "eve"]), limit=st.integers(1, 5), before=st.none() | st.integers(1, 30))
    def tweets_of_author(self, by: str, limit: int, before: int | None) -> None:
        found = self.store.tweets_of_author(by, limit=limit, before=before)
        self.same_page(found, [one for one in self.tweets if one.by == by and one.text], limit, before)

    def same_page(self, found: Page, expected: list[Stored], limit: int, before: int | None) -> None:
        below = [one for one in expected if before is None or one.id < before]
        assert [tweet.id for tweet in found.tweets] == [one.id for one in below[::-1][:limit]]
        assert found.more == (len(below) > limit)

    @rule(spellings=st.lists(SPELLINGS, min_size=1, max_size=3), cursor=st.integers(0, 30), limit=st.integers(1, 5))
    def tagged_after(self, spellings: list[str], cursor: int, limit: int) -> None:
        keys = {tweets.search_key(spelling) for spelling in spellings}
        found = self.store.tagged_after(sorted(keys), cursor, limit)
        expected = [one.id for one in self.tweets if one.id > cursor and one.keys & keys]
        assert [tweet.id for tweet in found] == expected[:limit]

    @rule()
    def list_tags(self) -> None:
        listed = self.store.list_tags(limit=100, now=self.at, numbers=True)
        counts = {tweets.search_key(summary.tag): summary.count for summary in listed.tags}
        every = {key for one in self.tweets for key in one.keys}
        assert counts == {key: sum(key in one.keys for one in self.tweets) for key in every}

    @rule()
    def export_log(self) -> None:
        assert self.copy.catch_up()
        assert (self.folder / f"Sample-{self.lives}.txt").read_text().split("\n")[:-1] == self.lines

    @invariant()
    def the_log_of_tweets_is_the_models(self) -> None:
        if hasattr(self, "store"):
            assert list(map(as_stored, self.store.read_after(0, 1000))) == self.tweets
            last = self.store.last()
            assert (as_stored(last) if last else None) == (self.tweets[-1] if self.tweets else None)
            assert self.store.count() == len(self.tweets)


def as_stored(tweet: Tweet) -> Stored:
    return Stored(tweet.id, tweet.by, tweet.text)


StoreModel.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
test_the_store_does_what_the_model_does: Any = StoreModel.TestCase
