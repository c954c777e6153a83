"""The entries that other servers have written to a log which they share with this one.

They come with the batches and changes of the journal, and between them by `refresh`. Readers see them at once, and
followers get them in the order of ids, with the tweets of this server among them.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from ttweet.broker.head import Head
from ttweet.broker.receipts import Receipt
from ttweet.storage.contract import Arrived, Replica

T = TypeVar("T")


class Arrivals:
    """Takes what has arrived from a replica. Without one, only the batches of this server are published."""

    def __init__(self, replica: Replica | None, head: Head) -> None:
        self._replica = replica
        self._head = head
        head.is_shared = replica is not None
        self._noted: list[Arrived] = []
        self._is_due = False

    def begin_refresh(self) -> bool:
        """Whether a refresh is to be queued: none waits already."""
        if self._replica is None or self._is_due:
            return False
        self._is_due = True
        return True

    def refresh(self) -> bool:
        """Store what has arrived: the journal's thread does. Returns whether there is more. Raises StoreError."""
        assert self._replica is not None
        self._is_due = False
        return self._replica.refresh()

    def note(self) -> None:
        """Have readers see what a call of the store has brought with it. No other call may be under way."""
        if self._replica is not None:
            arrived = self._replica.take_arrived()
            self._head.advance_to(arrived)
            self._noted.append(arrived)

    def publish(self, batch: Sequence[Receipt]) -> list[Receipt]:
        """Tell of a batch, and of all that was noted, which includes it. Returns the receipts of its new tweets."""
        if self._replica is None:
            return self._head.publish(batch)
        noted, self._noted = self._noted, []
        return self._head.publish(batch, noted)

    def publish_now(self) -> None:
        """Note what has arrived and tell of it, when no batch waits to be published."""
        if self._replica is not None:
            self._is_due = False  # a refresh that a lock has failed is queued again
            self.note()
            self.publish([])

    def in_order(self, publish: Callable[[T], None]) -> Callable[[T], None]:
        """Return a function that publishes a change, and before it all that the store has got up to it."""

        def publish_both(made: T) -> None:
            self.publish_now()
            publish(made)

        return publish_both
