"""How long a batch waits for more drafts, so that the clients of the last batch share one commit.

Without a wait, the first clients that get their results start the next commit, and the others need one more: each
commit takes half of the clients. Knows no store.
"""

import trio

from ttweet.broker.inbox import Inbox

MIN_CLIENTS = 2  # in the last batch: a lone client would wait for itself alone
MAX_DRAFTS = 256  # to wait for: a larger batch shares its commit among enough, and overlaps with the loop's work
COMMIT_SHARE = 0.5  # of the time of the last commit that a batch waits
MAX_GATHERING_S = 0.005  # that a batch waits, however slow the disk is
BATCHES_WITHOUT = 32  # that do not wait after a wait in vain, such as for clients that post at a fixed rate


class Gathering:
    """Counts the clients of the last batch, and waits until as many drafts have come. A lone client never waits."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._expected = 0  # drafts in the inbox, which end the wait
        self._until_s = 0.0
        self._without = 0  # batches that do not wait
        self.commit_s = 0.0
        """The time that the last commit took."""

    def is_worthwhile(self, clients: int) -> bool:
        """Whether the next batch should wait for so many clients, which get their results now."""
        if self._without or self._inbox.exceeds_batch:
            return False
        return clients >= MIN_CLIENTS and clients + self._inbox.drafts <= MAX_DRAFTS

    def begin(self, clients: int) -> None:
        """So many clients get their results now: the time to wait for their next drafts begins."""
        self._expected = clients + self._inbox.drafts if self.is_worthwhile(clients) else 0
        self._until_s = trio.current_time() + min(COMMIT_SHARE * self.commit_s, MAX_GATHERING_S)
        self._without = max(0, self._without - 1)

    async def wait(self) -> None:
        """Wait until each client has a draft in the inbox again, or the time is over."""
        missing = self._missing
        if missing > 0 and trio.current_time() < self._until_s:
            with trio.move_on_at(self._until_s):
                await self._inbox.filled(self._expected)
            if 4 * self._missing > missing:
                self._without = BATCHES_WITHOUT

    @property
    def _missing(self) -> int:
        return self._expected - self._inbox.drafts
