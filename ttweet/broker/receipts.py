"""Receipts: the outcomes of drafts, and of changes of the file outside a batch, once they are known.

Knows no store and no wire.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Generic, Protocol, TypeVar

import outcome
import trio

from ttweet.broker.lone_worker import LoneWorker
from ttweet.model import hashtags
from ttweet.model.errors import Refused, TtweetError
from ttweet.model.events import Peer
from ttweet.model.tweets import Draft, Tombstone, Tweet, weight_of

T = TypeVar("T")

Keyed = tuple[Tweet, Collection[str]]
"""A tweet that was committed, and the search keys of its tags."""


class Waiter(Protocol):
    """A client that waits for receipts."""

    def answered(self) -> None:
        """At least one receipt of this waiter has its outcome. Called once a batch; must not raise or block."""
        ...


class Receipt:
    """A draft on its way to the disk; `outcome` is None until it is decided.

    `peer` is the client that posted it, None where no session says so.
    """

    __slots__ = ("draft", "outcome", "peer", "tags_weight", "waiter")

    def __init__(self, draft: Draft, waiter: Waiter) -> None:
        self.draft = draft
        self.waiter = waiter
        self.peer: Peer | None = None
        self.tags_weight = weight_of(draft.tags)
        self.outcome: Tweet | Tombstone | TtweetError | None = None

    def keys_of(self, tweet: Tweet) -> Collection[str]:
        """Return the search keys of the outcome. They are the draft's, or made again for the tweet of another draft.

        A repeated idempotency key may give the tweet of an earlier draft.
        """
        tags = self.draft.tags
        return tags if tuple(tags.values()) == tweet.tags else [hashtags.key(tag) for tag in tweet.tags]


def waiters_of(batch: Sequence[Receipt]) -> Collection[Waiter]:
    """Return the clients that wait for these receipts, each once."""
    return dict.fromkeys([receipt.waiter for receipt in batch])


def stopping() -> Refused:
    """Return the error of a draft or a change that is not tried any more."""
    return Refused("stopping", "the server is stopping; nothing was stored")


class Change(Generic[T]):
    """A change of the file on its way to be made, and its outcome for the one task that waits for it."""

    def __init__(self, make: Callable[[], T], made: Callable[[T], None], *, is_commit: bool = True) -> None:
        """`is_commit`: readers may find something new when it is made."""
        self.is_commit = is_commit
        self._make = make
        self._made = made
        self._outcome: outcome.Outcome[T] | None = None
        self._decided = trio.Event()

    async def run(self, worker: LoneWorker) -> None:
        """Make it in the worker's thread. Raises what it is not made for, which `done` raises too."""
        try:
            result = await worker.run(self._make)
        except TtweetError as error:
            self.fail(error)
            raise
        self._made(result)
        self._decide(outcome.Value(result))

    def fail(self, error: TtweetError) -> None:
        """Fail the change with an error."""
        self._decide(outcome.Error(error))

    async def done(self) -> T:
        """Return its result, or raise its exception. Cancelling does not take it back."""
        await self._decided.wait()
        assert self._outcome is not None
        return self._outcome.unwrap()

    def _decide(self, result: outcome.Outcome[T]) -> None:
        self._outcome = result
        self._decided.set()
