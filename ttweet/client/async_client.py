"""The client for programs that run on trio: the verbs of `Client`, to be awaited.

One connection for requests, which many tasks may share, and one for each follower. Knows no server and no storage.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import trio

from ttweet.client import exchanges, link_errors
from ttweet.client.any_client import AnyClient
from ttweet.client.async_follower import AsyncFollower
from ttweet.client.async_link import AsyncLink, open_link, pause
from ttweet.client.cursor import Cursor, FollowListener
from ttweet.client.exchanges import RECEIVE
from ttweet.client.pipeline import Pipeline
from ttweet.client.servers import ServerAddress
from ttweet.client.waiting import FOREVER
from ttweet.model.errors import ConnectError, Refused

if TYPE_CHECKING:
    from ttweet.client.exchanges import Begin, Exchange, Step, Steps
    from ttweet.client.pipeline import PostBatch, PostOutcome
    from ttweet.client.rotation import Patience
    from ttweet.protocol.calls import Call

T = TypeVar("T")


class AsyncClient(AnyClient):
    """A client for trio. It connects at the first request, and again when a connection has ended.

    Each verb of Client is awaited here and raises ConnectError and Refused as there. A cancelled request ends the
    connection, since no task would take its answer. Its tweet may be stored or not. A `name` is as in Client.

    `deadline`, a time of trio.current_time(), may be set: no method waits beyond it, whatever it waits for.
    """

    def _start(self) -> None:
        self._asking = trio.Lock()
        self._link: AsyncLink | None = None
        self.deadline = FOREVER

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection that requests go over; one that another task waits for fails, its outcome unknown."""
        if self._link is not None:
            self._link.close()
            self._link = None

    async def reach(self) -> None:
        """Connect now instead of with the first request. Raises ConnectError, Refused."""
        await self._put_back(await self._take())

    def follow(
        self,
        *tags: str,
        query: str = "",
        after: int | None = None,
        live: bool = True,
        timeout_s: float | None = None,
        listener: FollowListener | None = None,
    ) -> AsyncFollower:
        """Iterate over tweets with any of the tags, or over all: first those after the id, then live.

        With a `query`, only those that it finds; see `find`. Without `after` only new ones, and with `live=False`
        only those that are there. It reconnects and resumes by itself, without end or for `timeout_s`, and calls the
        listener. It has a connection of its own; see AsyncFollower for what is promised and raised.
        """
        deadline = self.deadline if timeout_s is None else min(self.deadline, trio.current_time() + timeout_s)
        return AsyncFollower(
            self._connect, Cursor(tags, after, listener, query, live=live, rotation=self.rotation), deadline
        )

    async def call(self, frame: bytes, shape: Callable[[Any], T]) -> T:
        """Make one of the calls of `protocol.calls` and return what its shape makes of the answer."""
        return await self.carry_out(exchanges.ask((frame, shape)))

    async def carry_out(self, exchange: Exchange[T]) -> T:
        """Carry out an exchange and return its result. One refused with `slow_down` is begun again."""
        what, explained, may_repeat = exchange
        try:
            result = await self._obeying(lambda: self._carry_out_once(what), may_repeat=may_repeat)
        except ConnectError as error:
            raise explained(error) from error.__cause__
        self.rotation.note_all(result)
        return result

    async def carry_out_batch(self, batch: PostBatch) -> AsyncIterator[PostOutcome]:
        """Carry out the uploads of a batch and yield their outcomes in order. It has a connection to itself."""
        uploads, in_flight = batch
        pipeline = Pipeline(in_flight, self._retry_budget())
        link = await self._obeying(self._take)
        try:
            while (data := pipeline.fill(uploads)) or pipeline:
                await link.send(data)
                for _ in range((len(pipeline) + 1) // 2):
                    yield await self._converse(link, pipeline.next_outcome())
            await self._put_back(link)
        except BaseException:
            link.close()
            raise

    async def _obeying(self, ask: Callable[[], Awaitable[T]], *, may_repeat: bool = True) -> T:
        """Return the answer, of a busy server when it says, or of the next one if this one cannot help."""
        patience: Patience | None = None
        while True:
            try:
                return await ask()
            except (Refused, ConnectError) as error:
                patience = patience or self._patience(may_repeat=may_repeat)
                await pause(patience.pause_s(error), self.deadline)

    async def _carry_out_once(self, what: Call[T] | Begin[T]) -> T:
        async with self._asking:
            link = await self._usable_link()
            try:
                return await self._carry_out_on(link, what)
            except Refused:
                raise
            except BaseException:
                self.close()  # an answer that is still to come would be taken for that of the next request
                raise

    async def _carry_out_on(self, link: AsyncLink, what: Call[T] | Begin[T]) -> T:
        if callable(what):
            return await self._converse(link, what())
        frame, read = what
        await link.send(frame)
        return self._read(read, await link.receive())

    async def _converse(self, link: AsyncLink, steps: Steps[T]) -> T:
        steps = self._checked(steps)
        try:
            step = next(steps)
            while True:
                step = steps.send(await self._carry_out_step(link, step))
        except StopIteration as end:
            result: T = end.value
            return result

    async def _carry_out_step(self, link: AsyncLink, step: Step) -> bytes | None:
        if step is RECEIVE:
            return await link.receive()
        if isinstance(step, bytes):
            await link.send(step)
        else:
            await pause(step, self.deadline)
        return None

    async def _take(self) -> AsyncLink:
        """Return the shared connection, or a new one. No other task uses it until it is put back."""
        async with self._asking:
            link = await self._usable_link()
            self._link = None
            return link

    async def _put_back(self, link: AsyncLink) -> None:
        async with self._asking:
            if self._link is None:
                self._link = link
            else:
                link.close()

    async def _usable_link(self) -> AsyncLink:
        if self._link is not None and (self._link.turn != self.rotation.turn or self._link.has_ended()):
            self.close()
        if self._link is None:
            self._link = await self._connect(self.deadline)
        self._link.wait_until(self.deadline)
        return self._link

    async def _connect(self, deadline: float) -> AsyncLink:
        """Return a new connection to the first reachable server, signed in. The caller closes it."""
        failures: list[ConnectError] = []
        for server in self.rotation.in_order():
            try:
                return await self._connect_to(server, deadline)
            except ConnectError as error:
                failures.append(error)
        raise link_errors.none_reached(failures)

    async def _connect_to(self, server: ServerAddress, deadline: float) -> AsyncLink:
        self.host, self.port = server.host, server.port
        link = await open_link(self.host, self.port, self._timeout_s, self.endpoint.tls.context(server), deadline)
        link.turn = self.rotation.reached(server)
        try:
            await self._converse(link, exchanges.greet(self.endpoint.greetings(server, link.peer, self.name)))
        except BaseException:
            link.close()
            raise
        self.rotation.was_online |= self.name is not None
        return link
