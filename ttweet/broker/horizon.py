"""Waits for ids that another server of a cluster has given already, and that are on their way here."""

from collections.abc import Sequence

import trio

from ttweet.broker.head import Head
from ttweet.broker.receipts import Keyed
from ttweet.model.errors import Refused
from ttweet.model.tweets import Deletion

REACH_S = 2.0  # for an id of another server; entries take milliseconds, and a client may ask another server then


class Horizon:
    """The newest id that followers of this server got. A listener of the head."""

    def __init__(self, head: Head) -> None:
        self._newest = head.newest
        self._waiting = trio.lowlevel.ParkingLot()
        head.add_listener(self)

    def lacks(self, id_: int | None) -> bool:
        """Whether an id is beyond the newest."""
        return id_ is not None and id_ > self._newest

    async def reach(self, id_: int | None) -> None:
        """Wait until the newest is not below an id. Raises Refused `behind` after REACH_S."""
        with trio.move_on_after(REACH_S):
            while self.lacks(id_):
                await self._waiting.park()
        if self.lacks(id_):
            raise Refused("behind", f"this server is behind: it has no {id_} yet; retry, or ask another server")

    def committed(self, tweets: Sequence[Keyed]) -> None:
        """See Listener."""
        self._advance(tweets[-1][0].id)

    def deleted(self, deletion: Deletion) -> None:
        """See Listener."""
        self._advance(deletion.id)

    def pruned(self, up_to: int) -> None:
        """See Listener."""

    def _advance(self, id_: int) -> None:
        self._newest = id_
        self._waiting.unpark_all()
