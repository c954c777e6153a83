"""Failures of the store, reported to the operator in the log and in `stats`."""

import logging

import trio

from ttweet.model.errors import StoreError

log = logging.getLogger(__name__)

UNREAD_INTERVAL_S = 60.0  # between warnings of failed reads, which any client can cause; `stats` shows one for as long


class Trouble:
    """The reason of the last failure that may pass, until the store stores again, and of the last failed read."""

    def __init__(self) -> None:
        self._storing = ""
        self._reading = ""
        self._failed_at = float("-inf")  # the last read that did
        self._warned_at = float("-inf")  # of one
        self._failed = 0

    @property
    def text(self) -> str:
        """The reason; empty when there is none."""
        is_recent = trio.current_time() - self._failed_at < UNREAD_INTERVAL_S
        return self._storing or (self._reading if is_recent else "")

    def note(self, error: StoreError) -> None:
        """Log a new reason why the store does not store."""
        if str(error) != self._storing:
            log.warning("cannot store for now: %s; posts are refused, queries still work", error)
            self._storing = str(error)

    def end(self) -> None:
        """Log that the store stores again."""
        if self._storing:
            log.warning("posts are stored again")
            self._storing = ""

    def note_unread(self, error: StoreError) -> None:
        """Count a read that failed: a query is refused for it, or a follower disconnected. Log it once in a while."""
        self._failed += 1
        self._reading = f"cannot read: {error}"
        self._failed_at = now = trio.current_time()
        if now - self._warned_at >= UNREAD_INTERVAL_S:
            log.warning("cannot read: %s; failed queries and followers so far: %d", error, self._failed)
            self._warned_at = now
