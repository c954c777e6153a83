"""The head of the log: the committed tweets in memory, and the listeners to each commit."""

from collections.abc import Sequence
from itertools import groupby
from typing import Protocol

from ttweet.broker.receipts import Keyed, Receipt
from ttweet.model import hashtags
from ttweet.model.tweets import Deletion, Tombstone, Tweet
from ttweet.storage.contract import Arrived, Position


class Listener(Protocol):
    """Gets every commit, in order, after the clients that wait for it. Must not raise or block."""

    def committed(self, tweets: Sequence[Keyed]) -> None:
        """Take the new tweets of a commit, ids rising."""
        ...

    def deleted(self, deletion: Deletion) -> None:
        """Take a new deletion."""
        ...

    def pruned(self, up_to: int) -> None:
        """Note that tweets up to this id are not kept any more."""
        ...


class Head:
    """The newest commit. It advances at once, so that queries see it, and is published a little later."""

    def __init__(self, position: Position) -> None:
        self.last = position.last
        """The newest committed tweet that is not deleted."""
        self.newest = position.newest
        """The newest committed id: of a tweet, or of a deletion."""
        self.pruned_up_to = position.pruned_up_to
        """The id up to which tweets are not kept any more."""
        self.deletions = 0
        """How many tweets were deleted since the server started."""
        self.is_shared = False
        """Whether other servers write to the log as well."""
        self._published = self.newest
        self._listeners: list[Listener] = []

    def add_listener(self, listener: Listener) -> None:
        """Tell it of all commits from now on."""
        self._listeners.append(listener)

    def advance(self, tweets: Sequence[Tweet | Tombstone]) -> None:
        """Note that a batch is committed.

        Its last need not be the newest: a repeated key gives an old tweet, or a tombstone.
        """
        newest = max([tweet for tweet in tweets if isinstance(tweet, Tweet)], default=None)
        if newest is not None and newest.id > self.newest:
            self.last, self.newest = newest, newest.id

    def advance_to(self, arrived: Arrived) -> None:
        """Note that entries are committed, of this server and of others."""
        if arrived.position is not None:
            self.last, self.newest, _ = arrived.position
        elif arrived.entries:
            self.last = max([one for one in arrived.entries if isinstance(one, Tweet)])
            self.newest = self.last.id

    def set_to(self, position: Position) -> None:
        """Show what the open file holds, which may not be durable: listeners are not told of it."""
        self.last, self.newest, _ = position

    def publish(self, batch: Sequence[Receipt], arrived: Sequence[Arrived] | None = None) -> list[Receipt]:
        """Tell of the tweets that are new: a repeated key gives an old one again, or one of its batch twice.

        With `arrived`, tell of these entries, which include them. Returns the receipts of the new ones.
        """
        new: dict[int, Keyed] = {}
        receipts: list[Receipt] = []
        for receipt in batch:
            tweet = receipt.outcome
            if isinstance(tweet, Tweet) and tweet.id > self._published and tweet.id not in new:
                new[tweet.id] = tweet, receipt.keys_of(tweet)
                receipts.append(receipt)
        if arrived is not None:
            for one in arrived:
                self._publish_arrived(one)
        elif new:
            self._published = max(new)
            for listener in self._listeners:
                listener.committed([*new.values()])
        return receipts

    def _publish_arrived(self, arrived: Arrived) -> None:
        """Tell of entries in the order of their ids, and of tweets that are not kept any more."""
        for kind, entries in groupby(arrived.entries, type):
            if kind is Tweet:
                self._publish_tweets([one for one in entries if isinstance(one, Tweet)])
            else:
                self._publish_deletions([one for one in entries if isinstance(one, Deletion)])
        if arrived.position is not None and arrived.position.pruned_up_to > self.pruned_up_to:
            self._publish_pruned(arrived.position.pruned_up_to)

    def _publish_tweets(self, tweets: Sequence[Tweet]) -> None:
        self._published = tweets[-1].id
        keyed = [(tweet, [hashtags.key(tag) for tag in tweet.tags]) for tweet in tweets]
        for listener in self._listeners:
            listener.committed(keyed)

    def _publish_deletions(self, deletions: Sequence[Deletion]) -> None:
        self._published = deletions[-1].id
        self.deletions += len(deletions)
        for deletion in deletions:
            for listener in self._listeners:
                listener.deleted(deletion)

    def publish_deletion(self, made: tuple[Deletion, Position]) -> None:
        """Note a deletion: advance, and publish it unless the tweet was deleted before."""
        deletion, position = made
        self.last = position.last
        if deletion.id > self._published:
            self.newest = deletion.id
            self._publish_deletions([deletion])

    def publish_pruning(self, made: tuple[int | None, Position]) -> None:
        """So many of the oldest tweets are removed, beside tombstones: advance, and tell of it if there was any."""
        removed, position = made
        if removed is None:
            return
        self.last = position.last
        self._publish_pruned(position.pruned_up_to)

    def _publish_pruned(self, up_to: int) -> None:
        self.pruned_up_to = up_to
        for listener in self._listeners:
            listener.pruned(up_to)
