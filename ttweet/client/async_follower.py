"""Tweets as they come, over one connection after the other: the follower of the client that programs on trio use."""

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import trio

from ttweet.client.async_link import AsyncLink, pause
from ttweet.client.cursor import KEEP_ALIVE_TIMEOUT_S, Cursor
from ttweet.client.waiting import FOREVER
from ttweet.model.errors import ConnectError, Refused
from ttweet.model.tweets import Tweet


class AsyncFollower:
    """Iterate it for tweets in the order of their ids: none is missed, none comes twice. See Follower.

    Cancelled in the middle, it can be iterated again and resumes where it was. For one task at a time.
    """

    def __init__(
        self, connect: Callable[[float], Awaitable[AsyncLink]], cursor: Cursor, deadline: float = FOREVER
    ) -> None:
        self._connect = connect
        self._cursor = cursor
        self._link: AsyncLink | None = None
        self._deadline = deadline
        self._waiting = trio.CancelScope()  # of the task that waits for the next tweet

    @property
    def after(self) -> int | None:
        """Return the id to resume from, in this program or in another; None before the server has answered."""
        return self._cursor.after

    @property
    def ended(self) -> bool:
        """Return whether all tweets that were there have come, and no more are wanted: `live=False`."""
        return self._cursor.ended

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Tweet:
        with trio.CancelScope() as self._waiting:
            while trio.current_time() < self._deadline and not self._cursor.ended:
                try:
                    tweet = await self._receive()
                except (ConnectError, Refused) as error:
                    await self._recover(error)
                else:
                    if tweet is not None:
                        return tweet
        self._hang_up()
        raise StopAsyncIteration

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self._hang_up()  # of a loop that was left

    def close(self) -> None:
        """End the connection, and the loop of another task. To iterate again makes another, which resumes from here."""
        self._waiting.cancel()
        self._hang_up()

    def _hang_up(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    async def _recover(self, error: ConnectError | Refused) -> None:
        """Wait before the next attempt. Raises the error when there is to be none."""
        self._hang_up()
        await trio.lowlevel.checkpoint_if_cancelled()  # else what `close` has ended would be reported as lost
        if trio.current_time() < self._deadline:
            await pause(self._cursor.pause_s(error), self._deadline)
        elif not self._cursor.started:
            raise error

    async def _receive(self) -> Tweet | None:
        if self._link is None:
            link = await self._connect(self._deadline)
            try:
                link.wait_at_most(KEEP_ALIVE_TIMEOUT_S)
                await link.send(self._cursor.request())
            except BaseException:
                link.close()
                raise
            self._link = link
        return self._cursor.receive(await self._link.receive())
