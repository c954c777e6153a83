"""Kept answers about tags against the file: each is one that the file gave between the query and its answer."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from random import Random
from typing import Any, TypeVar, cast

import pytest
import trio
import trio.testing

from tests.support.guard import GUARD_S
from tests.support.memory_store import MemoryStore
from tests.support.posters import Poster, line_of
from tests.support.serving import counted
from ttweet.broker import kept_answers, service
from ttweet.broker.head import Head
from ttweet.broker.inbox import Inbox
from ttweet.broker.journal import Journal
from ttweet.broker.kept_answers import KeptAnswers
from ttweet.broker.read_scheduler import ReadScheduler
from ttweet.broker.receipts import Receipt
from ttweet.broker.search import Search
from ttweet.broker.service import Service
from ttweet.model import tweets
from ttweet.model.tweets import Deletion, Draft, Tweet

T = TypeVar("T")

SPELLINGS = {
    "go": ("go", "GO", "#Go", "\uff27\uff4f"),
    "1": ("1", "\uff11"),
    "strasse": ("straße", "STRASSE"),
    "x": ("x",),
}
SEEDS = 40
KEYS = [*SPELLINGS]
STEPS = {
    "ask": 6,
    "list_tags": 1,
    "commit": 4,
    "publish": 2,
    "unknown": 0.3,
    "delete": 1,
    "prune": 1,
    "tell": 2,
    "hold": 1,
    "read": 2,
    "let_go": 1,
}
"""How often each step is taken, relative to the others."""


class HeldReads:
    """Reads the file in two steps, each of which waits while it is held: the look, and the hop back with the result."""

    def __init__(self) -> None:
        self.held = False
        self.waiting = trio.lowlevel.ParkingLot()

    async def run(self, find: Callable[[], T]) -> T:
        await self._turn()
        found = find()
        await self._turn()
        return found

    async def _turn(self) -> None:
        await trio.lowlevel.checkpoint()
        if self.held:
            await self.waiting.park()


class DrivenJournal:
    """The part of a journal that a service needs; the model decides when memory learns of a change of the file."""

    def __init__(self, head: Head) -> None:
        self.head = head
        self.inbox = Inbox()
        self.commits = 0
        self._committed = trio.lowlevel.ParkingLot()

    async def wait_known(self, newest: int) -> None:
        seen = self.commits
        while self.commits == seen and self.head.newest < newest:
            await self._committed.park()

    def note_commit(self) -> None:
        self.commits += 1
        self._committed.unpark_all()


class Model:
    """Carries out steps in the order of a journal: a commit is published, or a change told, before the next one."""

    def __init__(self, seed: int, nursery: trio.Nursery) -> None:
        self.random = Random(seed)
        self.nursery = nursery
        self.store = MemoryStore()
        self.journal = DrivenJournal(Head(self.store.position()))
        self.reads = HeldReads()
        stats = counted(Journal(self.store))
        journal, reads = cast(Journal, self.journal), cast(ReadScheduler, self.reads)
        search = Search(journal, self.store, reads)
        self.service = Service(journal, self.store, reads, stats, search)
        self.poster = Poster(Journal(self.store))
        self.files: list[list[Tweet]] = [[]]  # what the file held after each change
        self.told = 0  # the file as clients know it
        self.unpublished: list[Receipt] = []
        self.untold: Callable[[], None] | None = None
        self.checked = 0

    async def carry_out(self, step: str) -> None:
        getattr(self, step)()
        for _ in range(3):
            await trio.lowlevel.checkpoint()

    async def settle(self) -> None:
        self.tell()
        self.let_go()
        await trio.testing.wait_all_tasks_blocked()

    def ask(self) -> None:
        limit, before = self.random.randint(1, 6), self.random.choice([None, None, None, len(self.files)])
        self.nursery.start_soon(self.check_page, self.random.choice(KEYS), limit, before)

    def list_tags(self) -> None:
        self.nursery.start_soon(self.check_list, self.random.choice([False, True]))

    async def check_page(self, key: str, limit: int, before: int | None) -> None:
        since = self.told
        asked = self.random.choice(SPELLINGS[key]), limit, before
        page = (self.service.kept_tweets(*asked) or await self.service.tweets_of_tag(*asked)).value
        expected = [_page(file, key, limit, before) for file in self.files[since:]]
        assert page in expected, f"{key} {limit}: {page} is none of {expected}"
        self.checked += 1

    async def check_list(self, numbers: bool) -> None:
        since = self.told
        page = (await self.service.list_tags(20, numbers)).value
        found = {one.tag: one.count for one in page.tags}
        expected = [_counts(file, numbers) for file in self.files[since:]]
        assert sorted(found.values()) in expected, f"{found} is none of {expected}"
        self.checked += 1

    def commit(self) -> None:
        """A batch goes to the file. The head knows it when clients do, and it is published later."""
        self.publish()
        drafts = [self._draft() for _ in range(self.random.randint(1, 3))]
        self.unpublished = [Receipt(draft, self.poster) for draft in drafts]
        stored = self.store.append(drafts, [], at=1)
        self._note_file()
        for receipt, outcome in zip(self.unpublished, stored, strict=True):
            receipt.outcome = outcome
        self.untold = lambda: self.journal.head.advance(stored)

    def unknown(self) -> None:
        """Add a tweet to the file, which only queries see."""
        self.publish()
        self.store.append([self._draft()], [], at=1)
        self._note_file()
        self.untold = lambda: self.journal.head.set_to(self.store.position())

    def delete(self) -> None:
        if self.store.tweets:
            tweet = self.random.choice(self.store.tweets).id
            self._change(lambda: self.store.delete(tweet, line_of("gone"), at=1), self.journal.head.publish_deletion)

    def prune(self) -> None:
        before = self.random.randint(1, self.store.newest + 1)
        self._change(lambda: self.store.prune(before), self.journal.head.publish_pruning)

    def hold(self) -> None:
        self.reads.held = True

    def read(self) -> None:
        self.reads.waiting.unpark()

    def let_go(self) -> None:
        self.reads.held = False
        self.reads.waiting.unpark_all()

    def publish(self) -> None:
        self.tell()
        self.journal.head.publish(self.unpublished)
        self.unpublished = []

    def tell(self) -> None:
        """Let memory know of the last change of the file."""
        if self.untold is not None:
            self.untold()
            self.untold = None
            self.told = len(self.files) - 1
            self.journal.note_commit()

    def _draft(self) -> Draft:
        keys = self.random.sample(KEYS, self.random.randint(0, 2))
        return tweets.draft("t", tags=[self.random.choice(SPELLINGS[key]) for key in keys])

    def _change(self, change: Callable[[], T], publish: Callable[[Any], None]) -> None:
        self.publish()
        made = change(), self.store.position()
        self._note_file()
        self.untold = lambda: publish(made)

    def _note_file(self) -> None:
        self.files.append([*self.store.tweets])


def _page(file: list[Tweet], key: str, limit: int, before: int | None) -> tuple[list[Tweet], bool]:
    store = MemoryStore()
    store.tweets = file
    return store.tweets_of_tag(key, limit=limit, before=before)


def _counts(file: list[Tweet], numbers: bool) -> list[int]:
    uses = Counter(tweets.search_key(tag) for tweet in file for tag in tweet.tags)
    return sorted(count for key, count in uses.items() if numbers or key != "1")


@contextmanager
def narrow() -> Iterator[None]:
    """Bounds that few steps reach."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service, "QUERY_LIMIT", 2)
        patch.setattr(service, "MAX_QUERY_LIMIT", 20)
        patch.setattr(service, "KEPT_TWEETS", 4)
        patch.setattr(kept_answers, "KEPT_TWEETS", 4)
        patch.setattr(kept_answers, "MAX_KEPT", 3)
        patch.setattr(kept_answers, "LISTS", tuple(product((2, 20), (False, True))))
        yield


async def carried_out(seed: int) -> None:
    """Carry out random steps, then check every tag and every limit against the file."""
    with narrow(), trio.fail_after(GUARD_S):
        async with trio.open_nursery() as nursery:
            model = Model(seed, nursery)
            steps = model.random.choices([*STEPS], [*STEPS.values()], k=150)
            for step in steps:
                await model.carry_out(step)
            await model.settle()
            for key, limit in product(SPELLINGS, (1, 2, 3, 6)):
                await model.check_page(key, limit, None)
            await model.check_list(True)
    assert model.checked == steps.count("ask") + steps.count("list_tags") + 4 * len(SPELLINGS) + 1


async def carried_out_all() -> None:
    for seed in range(SEEDS):
        await carried_out(seed)


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_every_answer_is_one_that_the_file_gave_since_the_query(seed: int) -> None:
    await carried_out(seed)


def _only_advance(kept: KeptAnswers, deletion: Deletion) -> None:
    kept._advance(deletion.id, deletion.id)


@pytest.mark.parametrize(
    ("name", "bug"),
    [
        ("deleted", _only_advance),
        ("pruned", lambda *_: None),
        ("_add", lambda *_: None),
        ("_advance", lambda kept, _, last: setattr(kept, "_published", last)),
    ],
)
async def test_the_model_finds_a_change_that_reaches_no_answer(
    monkeypatch: pytest.MonkeyPatch, name: str, bug: Callable[..., None]
) -> None:
    monkeypatch.setattr(KeptAnswers, name, bug)
    with pytest.raises(BaseExceptionGroup) as found:
        await carried_out_all()
    assert found.group_contains(AssertionError, match="is none of")
