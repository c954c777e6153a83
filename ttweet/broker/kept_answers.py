"""Answers that are the same for all clients, kept for a moment: many that ask at once cost one look at the file.

A kept answer is gone as soon as a tweet was deleted or removed, and it is never given to a client that must see a newer
tweet than it knows of.
"""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, NamedTuple, TypeVar

import trio

from ttweet.broker.receipts import Keyed
from ttweet.model.tweets import Deletion

KEPT_S = 0.5  # age of a list of tags that is shown again: too short for a person to notice

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class _Kept(NamedTuple, Generic[T]):
    answer: T
    known: int
    until: float


class KeptAnswers(Generic[K, T]):
    """One answer for each of a few keys; a listener of the journal.

    `find` makes an answer, and tells an id up to which it knows of all tweets.
    """

    def __init__(self, find: Callable[[K], Awaitable[tuple[T, int]]]) -> None:
        self._find = find
        self._kept: dict[K, _Kept[T]] = {}
        self._finding: dict[K, trio.Event] = {}  # set when the answer has been found, or could not be

    async def get(self, key: K, *, least: int) -> T:
        """The answer for a key, which knows of the tweet with the id `least`. Raises what `find` raises.

        All that ask while an answer is being found wait for that one.
        """
        while True:
            kept = self._kept.get(key)
            if kept is not None and kept.known >= least and trio.current_time() < kept.until:
                return kept.answer
            finding = self._finding.get(key)
            if finding is None:
                return await self._find_and_keep(key)
            await finding.wait()

    async def _find_and_keep(self, key: K) -> T:
        finding = self._finding[key] = trio.Event()
        try:
            answer, known = await self._find(key)
            if self._finding.get(key) is finding:
                self._kept[key] = _Kept(answer, known, trio.current_time() + KEPT_S)
        finally:
            if self._finding.get(key) is finding:
                del self._finding[key]
            finding.set()
        return answer

    def committed(self, tweets: Sequence[Keyed]) -> None:
        """See Listener: new tweets are shown when the answer is found the next time."""

    def deleted(self, deletion: Deletion) -> None:  # noqa: ARG002
        """See Listener."""
        self._forget()

    def pruned(self, up_to: int) -> None:  # noqa: ARG002
        """See Listener."""
        self._forget()

    def _forget(self) -> None:
        """Give no answer any more that was found, or begun to be found, until now."""
        self._kept.clear()
        self._finding.clear()
