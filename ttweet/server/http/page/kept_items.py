"""Tweets as list items that are kept in memory, since many pages and followers show the same ones."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from sys import getsizeof

from markupsafe import Markup

from ttweet.broker.receipts import Keyed
from ttweet.model.tweets import Deletion, Tweet

MAX_BYTES = 2 * 1024 * 1024  # of kept items, about a thousand: those of the first pages that people look at
ITEM_BYTES = 1024  # that an item counts for in addition to its HTML: its tweet and their places


class KeptItems:
    """Items by the id of their tweet, the least recently used first. A listener of the journal; see Listener."""

    def __init__(self, make: Callable[[Tweet], Markup]) -> None:
        self._make = make
        self._kept: OrderedDict[int, tuple[Tweet, Markup]] = OrderedDict()
        self.weight = 0
        """How many bytes the kept items count for."""

    def item(self, tweet: Tweet) -> Markup:
        """Return a tweet as the list item that a page shows, and that a stream sends."""
        kept = self._kept.get(tweet.id)
        if kept is None or kept[0] != tweet:
            self._drop(tweet.id)
            kept = self._kept[tweet.id] = tweet, self._make(tweet)
            self.weight += _weight(kept[1])
            self._evict()
        else:
            self._kept.move_to_end(tweet.id)
        return kept[1]

    def committed(self, tweets: Sequence[Keyed]) -> None:
        """See Listener."""

    def deleted(self, deletion: Deletion) -> None:
        """See Listener."""
        self._drop(deletion.tweet)

    def pruned(self, up_to: int) -> None:
        """See Listener."""
        for id_ in [id_ for id_ in self._kept if id_ <= up_to]:
            self._drop(id_)

    def _evict(self) -> None:
        while self.weight > MAX_BYTES:
            self._drop(next(iter(self._kept)))

    def _drop(self, id_: int) -> None:
        kept = self._kept.pop(id_, None)
        if kept is not None:
            self.weight -= _weight(kept[1])


def _weight(item: Markup) -> int:
    return ITEM_BYTES + getsizeof(item)
