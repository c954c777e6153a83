"""Deletions leave others their turn, however often the report log repeats a text."""

from collections.abc import Sequence
from functools import partial

import trio

from tests.broker.test_service import post, serving
from tests.support.memory_store import MemoryStore
from ttweet.broker.service import Service
from ttweet.model import reports, tweets
from ttweet.model.tweets import Draft, Tombstone, Tweet
from ttweet.storage.contract import Line

NOW = 1_795_446_500_123
EQUAL = 2_000


class NotedStore(MemoryStore):
    """Notes which tweets' report lines are redacted, and the batches between (0)."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[int] = []
        for at, number in ((NOW - 1, 1), (NOW, EQUAL)):
            drafts = [tweets.draft("secret")] * number
            super().append(drafts, [reports.message_received("secret")] * number, at=at)

    def append(self, drafts: Sequence[Draft], lines: Sequence[Line], *, at: int) -> list[Tweet | Tombstone]:
        self.steps.append(0)
        return super().append(drafts, lines, at=at)

    def redact(self, tweet: int, lines: Sequence[int]) -> None:
        self.steps.append(tweet)
        super().redact(tweet, lines)


async def keep_posting(service: Service) -> None:
    while True:
        await post(service, "other")


async def test_uploads_go_between_the_steps_of_a_deletion() -> None:
    store = NotedStore()
    async with serving(store) as service, trio.open_nursery() as nursery:
        nursery.start_soon(keep_posting, service)
        await service.delete(1, "ann")
        nursery.cancel_scope.cancel()
    first, last = store.steps.index(1), len(store.steps) - store.steps[::-1].index(1)
    assert store.steps[first:last].count(0) >= store.steps.count(1) / 2


async def test_one_deletion_waits_for_the_other() -> None:
    store = NotedStore()
    async with serving(store) as service, trio.open_nursery() as nursery:
        nursery.start_soon(partial(service.delete, 1, "ann"))
        nursery.start_soon(partial(service.delete, 3, "ann"))
    steps = [tweet for tweet in store.steps if tweet]
    assert steps == sorted(steps) or steps == sorted(steps, reverse=True)
    assert {deletion.tweet for deletion in store.deletions} == {1, 3}
    assert "Message Received: secret" not in {line.text for line in store.log}


async def test_a_deletion_that_is_cut_short_leaves_the_tweet_and_is_completed_by_the_next() -> None:
    store = NotedStore()
    async with serving(store) as service:
        with trio.CancelScope() as cut:
            redact = store.redact

            def redact_and_cut(tweet: int, lines: Sequence[int]) -> None:
                redact(tweet, lines)
                trio.from_thread.run_sync(cut.cancel, trio_token=token)

            token = trio.lowlevel.current_trio_token()
            store.redact = redact_and_cut  # type: ignore[method-assign]
            await service.delete(2, "ann")
        assert cut.cancelled_caught
        assert store.deletions == []
        store.redact = redact  # type: ignore[method-assign]
        await service.delete(2, "ann")
    told = [line.text for line in store.log]
    assert told[0] == "Message Received: secret"
    assert told.count("Message Received: (deleted)") == EQUAL
