"""Maintenance: what tweets and deletions leave to do, while the server runs.

The store indexes words, and erases those of deleted tweets, in short steps between the writer's batches. While clients
post, the store rests after each step, so that posts get nine tenths of the writer's time. Once no posts come, it does
one step after another.
"""

import logging

import trio

from ttweet.broker.journal import Journal
from ttweet.model.errors import Refused, StoreError

log = logging.getLogger(__name__)

MIN_REST = 9.0  # times a step's time until the next one, while clients post: posts get nine tenths of the writer's time
GATHERING_S = 1.0  # after a commit until its words are indexed: few transactions for many lone tweets
RETRY_INTERVAL_S = 10.0  # between checks for work, as when a full disk has room again


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
        is_more, posted = True, self._journal.acknowledged
        while is_more:
            began_s, posted_before = trio.current_time(), posted
            is_more = await self._journal.maintain()
            took_s, posted = trio.current_time() - began_s, self._journal.acknowledged
            await trio.sleep(took_s * MIN_REST if posted > posted_before else 0)

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
