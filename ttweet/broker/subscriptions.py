"""The subscription of one client: a cursor, `(tags, last id)`, and where its pushes go.

Knows no encoding and no sockets.
"""

from typing import Protocol

from ttweet.model.tweets import Deletion, Tweet

Keys = frozenset[str]

WAITING, READING, LIVE, ENDED = "waiting for room", "to be read for", "live", "ended"


class Encoder(Protocol):
    """Makes bytes of pushes. Subscribers of one edge share one object, and so each push is encoded once for them."""

    @property
    def keep_alive(self) -> bytes:
        """The push that shows that the connection works, while there is nothing else."""
        ...

    def tweet(self, tweet: Tweet) -> bytes:
        """Encode a tweet."""
        ...

    def deletion(self, deletion: Deletion) -> bytes:
        """Encode a deletion."""
        ...

    def caught_up(self, cursor: int) -> bytes:
        """Encode that all up to this id was sent, and what follows is new."""
        ...

    def pruned(self, up_to: int) -> bytes:
        """Encode that tweets up to this id are not kept any more."""
        ...


class Subscriber(Protocol):
    """The client's end of a subscription."""

    @property
    def encoder(self) -> Encoder:
        """The encoder of its pushes."""
        ...

    @property
    def has_room(self) -> bool:
        """Whether all that was pushed so far has left. One without room calls `FanOut.resume` when it has."""
        ...

    def push(self, data: bytes) -> None:
        """Send frames without waiting; what does not leave at once is the subscriber's to keep. Must not raise."""
        ...

    def close(self) -> None:
        """Disconnect the client, which can come back with the last id it has seen."""
        ...


class Subscription:
    """One cursor: all that is to be pushed up to `cursor` was pushed. While it is live, the newest tweet counts."""

    __slots__ = ("cursor", "deletions", "history", "keys", "kind", "pruned_up_to", "state", "subscriber")

    def __init__(
        self,
        subscriber: Subscriber,
        keys: Keys,
        cursor: int,
        history: int,
        *,
        pruned_up_to: int = 0,
        deletions: bool = False,
    ) -> None:
        self.subscriber = subscriber
        self.keys = keys
        """Search keys, any of which a tweet must have; none: all tweets are wanted."""
        self.kind = subscriber.encoder, keys
        """What subscriptions that are pushed the same bytes have in common."""
        self.deletions = deletions
        """Whether it wants to hear of deletions; those of all tweets, as a deleted one has no tags."""
        self.cursor = cursor
        self.history: int | None = history
        """The newest id when it began; None once it was told that it has all up to there."""
        self.pruned_up_to = pruned_up_to
        """The id up to which it knows that tweets are not kept any more."""
        self.state = WAITING
