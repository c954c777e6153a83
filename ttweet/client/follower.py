"""Tweets as they come, over one connection after the other: the follower of the client that threads use.

The caller gives the function that connects. Knows no sockets.
"""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from ttweet.client.cursor import KEEP_ALIVE_TIMEOUT_S, Cursor
from ttweet.client.waiting import FOREVER, pause
from ttweet.model.errors import ConnectError, Refused
from ttweet.model.tweets import Tweet


class Link(Protocol):
    """An open connection. Raises ConnectError."""

    def wait_at_most(self, timeout_s: float) -> None:
        """Give up a line that has not come within so many seconds."""
        ...

    def send(self, data: bytes) -> None:
        """Send it all."""
        ...

    def receive(self) -> bytes:
        """Return the next line."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


class Follower:
    """Iterate it for tweets in the order of their ids: none is missed, none comes twice.

    A broken connection is made again and resumes from the cursor, until it is closed, `deadline` has come, a time of
    time.monotonic(), or the cursor has ended. Errors before the first answer are raised: ConnectError, Refused. For one
    thread.
    """

    def __init__(self, connect: Callable[[float], Link], cursor: Cursor, deadline: float = FOREVER) -> None:
        self._connect = connect
        self._cursor = cursor
        self._link: Link | None = None
        self._deadline = deadline

    @property
    def after(self) -> int | None:
        """Return the id to resume from, in this program or in another; None before the server has answered."""
        return self._cursor.after

    @property
    def ended(self) -> bool:
        """Return whether all tweets that were there have come, and no more are wanted: `live=False`."""
        return self._cursor.ended

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Tweet:
        while time.monotonic() < self._deadline and not self._cursor.ended:
            try:
                tweet = self._receive()
            except (ConnectError, Refused) as error:
                self.close()
                if time.monotonic() < self._deadline:
                    pause(self._cursor.pause_s(error), self._deadline)
                elif not self._cursor.started:
                    raise
            else:
                if tweet is not None:
                    return tweet
        self.close()
        raise StopIteration

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()  # as a generator does when a loop is left

    def close(self) -> None:
        """End the connection. To iterate again makes another, which resumes where this one was."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def _receive(self) -> Tweet | None:
        if self._link is None:
            link = self._connect(self._deadline)
            try:
                link.send(self._cursor.request())
                link.wait_at_most(KEEP_ALIVE_TIMEOUT_S)
            except BaseException:
                link.close()
                raise
            self._link = link
        return self._cursor.receive(self._link.receive())
