"""Maintenance: what tweets and deletions leave to do, while the server runs.

The store indexes words, and erases those of deleted tweets, in short steps between the writer's batches. After each
step the store rests for as long as the step took, so that clients get half of the writer's time at least: under load a
step waits for a batch, and the rest is longer too.
"""

import logging

import trio

from ttweet.broker.journal import Journal
from ttweet.model.errors import Refused, StoreError

log = logging.getLogger(__name__)

GATHERING_S = 1.0  # after a commit until its words are indexed: few transactions for many lone tweets
RETRY_INTERVAL_S = 10.0  # between looks whether there is something to do, as when a full disk has room again


class Maintenance:
    """Has a store maintained through a journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._is_held_up = False

    async def run(self) -> None:
        """Maintain the store until cancelled or the journal is closed."""
        while True:
            seen = self._seen
            try:
                await self._catch_up()
                self._is_held_up = False
            except Refused:
                return
            except StoreError as error:
                self._note(error)
            with trio.move_on_after(RETRY_INTERVAL_S):
                await self._news(seen)
            await trio.sleep(GATHERING_S)

    async def _catch_up(self) -> None:
        """Do all that there is to do now. Raises Refused `stopping`, StoreError."""
        is_more = True
        while is_more:
            began = trio.current_time()
            is_more = await self._journal.maintain()
            await trio.sleep(trio.current_time() - began)

    @property
    def _seen(self) -> tuple[int, int]:
        return self._journal.head.newest, self._journal.head.pruned_up_to

    async def _news(self, seen: tuple[int, int]) -> None:
        """Wait until there are tweets or deletions beyond those, or fewer tweets."""
        while self._seen == seen:
            await self._journal.wait_commit(self._journal.commits)

    def _note(self, error: StoreError) -> None:
        if not self._is_held_up:
            log.warning("words are not indexed for now: %s", error)
        self._is_held_up = True
