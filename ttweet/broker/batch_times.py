"""How long batches take, and how long their tweets wait for an answer: measured once a batch, not once a tweet."""

import trio

from ttweet.model.histogram import Histogram


class BatchTimes:
    """The times of batches that are written one after another."""

    def __init__(self) -> None:
        self.commits = Histogram()
        """From the beginning of a batch to its commit."""
        self.acknowledgements = Histogram()
        """From the earliest time at which a draft of a batch may have come to its commit."""
        self._since_s = self._arrived_s = self._began_s = 0.0

    def wake(self) -> None:
        """Note that something has come, and that nothing had waited before."""
        self._since_s = trio.current_time()

    def begin(self, *, takes_all: bool) -> None:
        """Begin a batch, of all that waits or of a part of it."""
        self._arrived_s, self._began_s = self._since_s, trio.current_time()
        if takes_all:
            self._since_s = self._began_s

    def end(self, *, has_drafts: bool) -> float:
        """End a batch, and return how long it took to be stored."""
        now = trio.current_time()
        self.commits.observe(now - self._began_s)
        if has_drafts:
            self.acknowledgements.observe(now - self._arrived_s)
        return now - self._began_s
