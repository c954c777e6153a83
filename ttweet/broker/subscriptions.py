"""The subscription of one client: a cursor, `(tags, last id)`, and where its pushes go.

Knows no encoding and no sockets.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from ttweet.model.errors import Refused
from ttweet.model.query import TAGS, Query, effort, holds
from ttweet.model.tweets import MAX_TAGS, Deletion, Tweet, search_key

Keys = frozenset[str]


class Wanted(NamedTuple):
    """The tweets that a subscription is for: with any of these search keys, or all without; and found by the query."""

    keys: Keys = frozenset()
    query: Query | None = None

    def has(self, tweet: Tweet, keys: Collection[str]) -> bool:
        """Whether a tweet, whose search keys are given, is one of them."""
        return not (self.keys and self.keys.isdisjoint(keys)) and self.holds(tweet, keys)

    def holds(self, tweet: Tweet, keys: Collection[str] | None = None) -> bool:
        """Whether the query finds a tweet with one of the keys; `keys` are the tweet's, if known."""
        return self.query is None or holds(self.query, tweet, keys)

    def effort(self, tweet: Tweet, *, folded: bool) -> int:
        """Return how many tweets a look at this one counts for; `folded`: the search keys of its tags are known."""
        return 1 if self.query is None else effort(tweet, folded=folded)


def wanted(tags: Sequence[str], query: Query | None = None) -> Wanted:
    """Return the tweets that a client asks for. Raises Refused `bad_tag`.

    A query for a tag has the key of that tag: so only tweets with the tag are compared with the query.
    """
    if len(tags) > MAX_TAGS:  # looked at first: a frame has room for thousands, which take 15 ms to fold
        raise Refused("bad_tag", f"too many tags to follow: {len(tags)}; use at most {MAX_TAGS}")
    if tags or query is None:
        return Wanted(frozenset([search_key(tag) for tag in tags]), query)
    asked = (term.words[0] for term in query.terms if term.column == TAGS and term.wanted and not term.prefix)
    return Wanted(frozenset([*asked][:1]), query)


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

    def push(self, data: bytes) -> bool:
        """Send frames without waiting, if there is room; returns whether there was. Must not raise.

        The subscriber keeps the bytes that do not leave at once.
        """
        ...

    def close(self) -> None:
        """Disconnect the client, which can come back with the last id it has seen."""
        ...


class Subscription:
    """One cursor: all that is to be pushed up to `cursor` was pushed. While it is live, the newest tweet counts."""

    __slots__ = ("cursor", "deletions", "history", "kind", "pruned_up_to", "state", "subscriber", "wanted")

    def __init__(
        self,
        subscriber: Subscriber,
        wanted: Wanted,
        cursor: int,
        history: int,
        *,
        pruned_up_to: int = 0,
        deletions: bool = False,
    ) -> None:
        self.subscriber = subscriber
        self.wanted = wanted
        self.kind = subscriber.encoder, wanted
        """The key that subscriptions share which are pushed the same bytes."""
        self.deletions = deletions
        """Whether it is pushed deletions; those of all tweets, as a deleted one has no tags."""
        self.cursor = cursor
        self.history: int | None = history
        """The newest id when it began; None once the server has sent that it has all up to there."""
        self.pruned_up_to = pruned_up_to
        """The id up to which it knows that tweets are not kept any more."""
        self.state = WAITING
