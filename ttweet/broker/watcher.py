"""The contract of a watcher, such as the server's terminal, to which the broker shows what happens."""

from collections.abc import Sequence
from typing import Protocol

from ttweet.broker.receipts import Receipt
from ttweet.model.events import Event


class Watcher(Protocol):
    """Gets every event when it happens, and tweets once they are committed. Must not raise or block."""

    def happened(self, event: Event) -> None:
        """Take an event."""
        ...

    def posted(self, receipts: Sequence[Receipt]) -> None:
        """Take the receipts of new tweets, ids rising."""
        ...


class Unwatched:
    """A watcher that ignores everything."""

    def happened(self, event: Event) -> None:
        """See Watcher."""

    def posted(self, receipts: Sequence[Receipt]) -> None:
        """See Watcher."""


UNWATCHED = Unwatched()
